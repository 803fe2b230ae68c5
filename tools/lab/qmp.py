"""A client for QEMU's machine protocol: one question, one answer."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from tools.lab.errors import LabError

ANSWER_SECONDS = 20


def ask(folder: Path, execute: str, arguments: Mapping[str, str] | None = None) -> object:
    """Send one command to the machine whose socket lies in `folder`; return what it answers.

    OSError when nobody listens; LabError when the machine refuses the command.
    """
    # Through a descriptor, because the path of a socket may be no longer than 107 bytes and a checkout may lie deeper.
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.connect(f"/proc/self/fd/{handle}/qmp.sock")
            with connection.makefile("rwb") as file:
                stream = cast("BinaryIO", file)
                stream.readline()
                _exchange(stream, {"execute": "qmp_capabilities"})
                return _exchange(stream, {"execute": execute, "arguments": dict(arguments or {})})
    finally:
        os.close(handle)


def _exchange(stream: BinaryIO, question: Mapping[str, object]) -> object:
    stream.write(json.dumps(question).encode() + b"\n")
    stream.flush()
    for line in stream:
        answer: dict[str, Any] = json.loads(line)
        if "return" in answer:
            found: object = answer["return"]
            return found
        if "error" in answer:
            raise LabError(f"QEMU refused {question['execute']}: {answer['error'].get('desc', 'no reason given')}.")
    raise ConnectionResetError("QEMU closed the connection")
