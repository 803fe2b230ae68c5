"""What the kernel says of processes and listening ports (Linux, /proc). Reads only."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_LISTEN = "0A"


@dataclass(frozen=True)
class PortHolder:
    """The process that listens on a port. `pid` is 0 when it belongs to somebody whose processes cannot be read."""

    pid: int
    command: str
    environment: dict[str, str]

    def __str__(self) -> str:
        if not self.pid:
            return "a process of another user"
        return f"{self.command} (process {self.pid})"


def environment_of(pid: int) -> dict[str, str]:
    """The environment that the process was started with; empty when it is gone or not ours to read."""
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return {}
    pairs = (entry.decode("utf-8", "surrogateescape").partition("=") for entry in entries if b"=" in entry)
    return {name: value for name, _, value in pairs}


def command_of(pid: int) -> str:
    """The command line, cut to a readable length; the kernel's short name where there is none."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        line = b" ".join(words).decode("utf-8", "replace")
        if not line:
            line = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return "a process that has just ended"
    return line if len(line) <= 120 else line[:119] + "…"


def resident_bytes_of(pid: int) -> int:
    """Bytes of RAM that the process holds; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def all_pids() -> list[int]:
    """Every process that is visible."""
    return sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def port_holder(port: int) -> PortHolder | None:
    """Who listens on the TCP port, on any address; None when nobody does."""
    inodes = _listening_inodes(port)
    if not inodes:
        return None
    links = {f"socket:[{inode}]" for inode in inodes}
    for pid in all_pids():
        if links & _open_files(pid):
            return PortHolder(pid, command_of(pid), environment_of(pid))
    return PortHolder(0, "", {})


def _open_files(pid: int) -> set[str]:
    found = set()
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.add(str(descriptor.readlink()))
    except OSError:
        return set()
    return found


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == _LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(fields[9])
    return inodes
