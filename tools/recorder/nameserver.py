"""A name server for the sandbox: it knows the names that a script gave it and denies every other one."""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading

ADDRESS = "10.43.0.10"
REFUSED, NO_SUCH_NAME, FAILED = 5, 3, 2


class Nameserver:
    """Answers A questions over UDP. `failing` makes it answer SERVFAIL, `silent` not at all."""

    def __init__(self, address: str = ADDRESS, port: int = 53) -> None:
        self.names: dict[str, str] = {}
        self.failing = False
        self.silent = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            question, sender = self._socket.recvfrom(4096)
            if not self.silent and len(question) > 16:
                self._socket.sendto(self.answer(question), sender)

    def answer(self, question: bytes) -> bytes:
        """The reply to one question in wire format; only the first question counts (RFC 1035, section 4)."""
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode("ascii", "replace").lower())
            at += question[at] + 1
        name, end = ".".join(labels), at + 5
        kind = struct.unpack(">H", question[at + 1 : at + 3])[0]
        address = self.names.get(name)
        code = FAILED if self.failing else 0 if address else NO_SUCH_NAME
        found = address is not None and kind == 1 and not self.failing
        head = question[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, int(found), 0, 0)
        reply = head + question[12:end]
        if found and address:
            reply += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 30, 4) + ipaddress.IPv4Address(address).packed
        return reply
