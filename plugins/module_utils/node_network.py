"""A machine's addresses, listening ports, name resolution and way to the outside. Linux; changes nothing."""

from __future__ import annotations

import ctypes
import fcntl
import http.client
import ipaddress
import re
import socket
import struct
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible.module_utils.urls import open_url

from .node_facts import command_name
from .processes import all_pids

_SIOCGIFCONF = 0x8912
_ROOM = 256  # addresses that fit into one answer of the kernel
_STATES = {"tcp": "0A", "udp": "07"}


def interfaces() -> list[dict[str, Any]]:
    """Each IPv4 address that is not a loopback, with its interface and whether a card stands behind it."""
    return [
        {"interface": name, "address": address, "card": is_card(Path("/sys/class/net"), name)}
        for name, address in ipv4_addresses()
        if not ipaddress.ip_address(address).is_loopback
    ]


def ipv4_addresses() -> list[tuple[str, str]]:
    """All IPv4 addresses as pairs of interface and address, aliases under their interface."""
    size = 40 if struct.calcsize("P") == 8 else 32
    room = ctypes.create_string_buffer(_ROOM * size)
    request = bytearray(struct.pack("iP", len(room), ctypes.addressof(room)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        fcntl.ioctl(probe.fileno(), _SIOCGIFCONF, request, True)
    length = struct.unpack_from("i", request)[0]
    entries = (room.raw[start : start + size] for start in range(0, length, size))
    return [(entry[:16].split(b"\0")[0].decode().split(":")[0], socket.inet_ntoa(entry[20:24])) for entry in entries]


def is_card(directory: Path, name: str) -> bool:
    """Whether the interface is a card, is named like one, or stands over one as a bond, bridge or VLAN does."""
    if (directory / name / "device").exists() or re.match(r"(eth|en|wl)[a-z0-9]*\d", name):
        return True
    below = [entry.name[len("lower_") :] for entry in (directory / name).glob("lower_*")]
    return any(is_card(directory, lower) for lower in below if lower != name)


def default_routes(table: str) -> list[str]:
    """The interfaces of the IPv4 default routes in the text of /proc/net/route."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return sorted({row[0] for row in rows if len(row) > 7 and row[1] == row[7] == "00000000"})


def listeners() -> list[dict[str, Any]]:
    """Every TCP port that is listened on and every UDP port that is bound, with the program that holds it."""
    found: dict[tuple[str, int], str] = {}
    for protocol in ("tcp", "udp"):
        for family in ("", "6"):
            for port, inode in bound_ports(_text(f"/proc/net/{protocol}{family}"), _STATES[protocol]):
                found.setdefault((protocol, port), inode)
    holders = _holders(set(found.values()))
    return [
        {"protocol": protocol, "port": port, **holders.get(inode, {"program": "", "path": ""})}
        for (protocol, port), inode in sorted(found.items())
    ]


def bound_ports(table: str, state: str) -> list[tuple[int, str]]:
    """Port and socket inode of the rows in `state` of a table of /proc/net."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return [(int(row[1].rpartition(":")[2], 16), row[9]) for row in rows if len(row) > 9 and row[3] == state]


def _holders(inodes: set[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for pid in all_pids():
        for link in _open_files(pid):
            inode = link[len("socket:[") : -1] if link.startswith("socket:[") else ""
            if inode in inodes and inode not in found:
                found[inode] = {"program": command_name(pid), "path": _path_of(pid)}
    return found


def _open_files(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                yield str(entry.readlink())


def _path_of(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/exe").readlink())
    except OSError:
        return ""


def name_servers(text: str) -> list[str]:
    """The servers that a resolv.conf names."""
    rows = (line.split() for line in text.splitlines())
    return [row[1] for row in rows if len(row) > 1 and row[0] == "nameserver"]


def resolved(names: list[str], timeout_seconds: float) -> dict[str, str]:
    """For each name the reason why it is not resolved; empty when it is."""
    return _all_of(names, _why_not_resolved, timeout_seconds)


def reached(urls: list[str], timeout_seconds: float) -> dict[str, str]:
    """For each address the reason why nothing answers there; empty when something does, a refusal included."""
    return _all_of(urls, lambda url: _why_not_reached(url, timeout_seconds), timeout_seconds * 2)


def _all_of(subjects: list[str], ask: Callable[[str], str], timeout_seconds: float) -> dict[str, str]:
    """Asks all at once. The threads are left behind when their time is over, since a resolver cannot be interrupted."""
    answers = dict.fromkeys(subjects, f"no answer within {timeout_seconds:g} s")

    def note(subject: str) -> None:
        answers[subject] = ask(subject)

    asking = [threading.Thread(target=note, args=(subject,), daemon=True) for subject in answers]
    for thread in asking:
        thread.start()
    ends = time.monotonic() + timeout_seconds
    for thread in asking:
        thread.join(max(0.0, ends - time.monotonic()))
    return dict(answers)


def _why_not_resolved(name: str) -> str:
    try:
        socket.getaddrinfo(name, None)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _why_not_reached(url: str, timeout_seconds: float) -> str:
    if not url.startswith(("http://", "https://")):
        return "not an HTTP address"
    try:
        open_url(url, method="HEAD", timeout=timeout_seconds).close()
    except urllib.error.HTTPError:
        return ""
    except (OSError, http.client.HTTPException, ValueError, RuntimeError) as error:
        return str(getattr(error, "reason", error))
    return ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
