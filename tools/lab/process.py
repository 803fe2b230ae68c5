"""QEMU's process of a machine: found by its pid file, and only if it is that machine's."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def running(pid_file: Path) -> int | None:
    """Return the process number, or None; a number that another program has got since is no match."""
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(pid_file) in words and state != "Z" else None


def wait_for_end(pid_file: Path, seconds: float) -> bool:
    """Return whether the process ended within `seconds`."""
    pid = running(pid_file)
    return pid is None or _wait_until_gone(pid, seconds)


def _wait_until_gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not _has_let_go(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _has_let_go(pid: int) -> bool:
    """Whether the last thread is gone: one that is dying has no command line any more and still holds its locks."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in "ZX" and len(threads) <= 1


def end(pid_file: Path, number: signal.Signals, seconds: float) -> bool:
    """Send the signal; return whether the process ended within `seconds`."""
    pid = running(pid_file)
    if pid is None:
        return True
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return True
    return _wait_until_gone(pid, seconds)
