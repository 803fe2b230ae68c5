"""A PostgreSQL of its own for a test, from the binaries of this machine; it lives in a folder, on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNPRIVILEGED = "postgres"  # a server refuses to run as root


def binaries() -> Path | None:
    """Where the newest server's programs lie."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    named = shutil.which("postgres")
    return Path(named).parent if named else None


@contextmanager
def running() -> Iterator[str]:
    """The address of a fresh database as long as the context lasts."""
    # Not below pytest's own folder, which only the user of the tests may enter.
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
        yield from _running_in(Path(folder))


def _running_in(folder: Path) -> Iterator[str]:
    programs = binaries()
    assert programs, "no PostgreSQL here"
    if os.geteuid() == 0:
        shutil.chown(folder, UNPRIVILEGED)
    data, port = folder / "data", _free_port()
    kind = ["-A", "trust", "-U", "test", "--no-sync", "-E", "UTF8", "--locale=C"]
    _run([programs / "initdb", "-D", data, *kind], folder)
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    _run([programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", settings, "start"], folder)
    try:
        yield f"postgresql+psycopg://test@127.0.0.1:{port}/postgres"
    finally:
        _run([programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], folder)


def _run(command: list[str | Path], folder: Path) -> None:
    user = UNPRIVILEGED if os.geteuid() == 0 else None
    done = subprocess.run(
        command,
        user=user,
        group=user,
        extra_groups=[] if user else None,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name}: {done.stderr.decode(errors='replace')[-500:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
