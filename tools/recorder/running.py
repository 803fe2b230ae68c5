"""Programs that run while a recording is made: started in their own process group, read line by line, always ended."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tools.recorder.pod_log import PodLog, RecordingFailedError

NEUTRAL_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/15/bin",
    "LANG": "C.UTF-8",
    "HOME": "/srv",
    "TZ": "UTC",
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True)
class Confinement:
    """How a program is held.

    It runs as `user`, under `limits` of prlimit (`nofile`, `as`, `nproc`, `fsize`, … as numbers), in the
    `cgroups` whose folders are given.
    """

    user: str | None = None
    limits: Mapping[str, int] | None = None
    cgroups: tuple[Path, ...] = ()

    def wrap(self, command: Sequence[str], hostname: str | None) -> list[str]:
        """The command behind the programs that confine it; each of them is replaced by the next."""
        wrapped: list[str] = []
        if hostname:
            script = 'hostname "$0"; exec "$@"'
            wrapped += ["unshare", "--uts", "--", "sh", "-c", script, hostname]
        for folder in self.cgroups:
            wrapped += ["sh", "-c", 'echo $$ > "$0/cgroup.procs"; exec "$@"', str(folder)]
        if self.user:
            group = pwd.getpwnam(self.user).pw_gid
            wrapped += ["setpriv", f"--reuid={self.user}", f"--regid={group}", "--clear-groups", "--"]
        if self.limits:
            wrapped += ["prlimit", *(f"--{name}={value}:{value}" for name, value in self.limits.items()), "--"]
        return [*wrapped, *command]


class RunningProgram:
    """A child process whose output goes to a pod's log."""

    def __init__(  # noqa: PLR0913 -- the parts of a process's world, named at every call
        self,
        log: PodLog,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | Path = "/",
        confinement: Confinement | None = None,
        sandboxed: bool = False,
        stdin: bool = False,
    ) -> None:
        self.log = log
        self.started = time.time_ns()
        held = confinement or Confinement()
        self._process = subprocess.Popen(
            held.wrap(command, log.hostname if sandboxed else None),
            env={**NEUTRAL_ENVIRONMENT, **(env or {})},
            cwd=cwd,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        streams = (("stdout", self._process.stdout), ("stderr", self._process.stderr))
        self._readers = [
            threading.Thread(target=self._read, args=(name, pipe), daemon=True) for name, pipe in streams if pipe
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """The process's id; it stays the same through the programs that confine it."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """False once it has ended."""
        return self._process.poll() is None

    def type(self, line: str) -> None:
        """Write a line to its standard input (started with `stdin=True`)."""
        assert self._process.stdin is not None  # noqa: S101 -- a mistake of the script, not of the program
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def wait_for(self, pattern: str, seconds: float = 20, since: int | None = None) -> None:
        """Wait for a line of its pod's log that matches, counted from `since` (ns), by default from its start."""
        self.log.wait_for(pattern, seconds, self.started if since is None else since)

    def send_signal(self, number: int) -> None:
        """Send a signal to the process alone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def wait(self, seconds: float = 20) -> int:
        """The exit status (negative for a signal), once the output is read to its end."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise RecordingFailedError(
                f"{self.log.source}: the program still ran after {seconds:g} s. "
                f"The last lines were:\n{self.log.last_lines()}"
            ) from error
        for reader in self._readers:
            reader.join(2)
        return status

    def stop(self, number: int = signal.SIGTERM, seconds: float = 15) -> int:
        """Signal the process and wait; what is left of its group after that is killed."""
        self.send_signal(number)
        try:
            return self.wait(seconds)
        finally:
            self.end()

    def end(self) -> None:
        """Kill whatever is left of the process group. Never raises for a process that is gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)

    def _read(self, stream: str, pipe: IO[bytes]) -> None:
        for line in iter(pipe.readline, b""):
            self.log.write(line.rstrip(b"\r\n").decode("utf-8", "surrogateescape"), stream)


class FileFollower:
    """Reads a file that a program logs to, as `tail -F` does, and writes its lines to a pod's log."""

    def __init__(self, log: PodLog, path: Path, stream: str = "stdout") -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, args=(log, path, stream), daemon=True)
        self._thread.start()

    def _follow(self, log: PodLog, path: Path, stream: str) -> None:
        handle: IO[bytes] | None = None
        rest = b""
        while True:
            last_round = self._stop.is_set()
            if handle is None and path.exists():
                handle = path.open("rb")
            if handle:
                *lines, rest = (rest + handle.read()).split(b"\n")
                for line in lines:
                    log.write(line.rstrip(b"\r").decode("utf-8", "surrogateescape"), stream)
                if path.exists() and path.stat().st_ino != os.fstat(handle.fileno()).st_ino:
                    handle.close()
                    handle = None
            if last_round:
                break
            self._stop.wait(0.05)
        if handle:
            handle.close()

    def end(self) -> None:
        """Read to the end of the file as it is now, then stop."""
        self._stop.set()
        self._thread.join(5)
