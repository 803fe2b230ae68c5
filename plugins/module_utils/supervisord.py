"""A supervisord of one's own: private run directory, a Unix socket that only its owner may use, no TCP."""

from __future__ import annotations

import hashlib
import http.client
import os
import socket
import subprocess
import tempfile
import time
import xmlrpc.client
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .processes import environment_of
from .service_definition import FINGERPRINT_VARIABLE, ServiceDefinition

LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes, and supervisord binds to a longer name before it renames
# EXITED is one of them, since the definitions say autorestart=true: the supervisor starts it again at once.
RUNNING_STATES = ("STARTING", "RUNNING", "BACKOFF", "EXITED")


class SupervisorError(Exception):
    """The supervisor could not be reached or refused; the text names its log."""


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:  # noqa: ANN401, ARG002 - the signature is the base's
        connection = http.client.HTTPConnection("localhost", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(60)
        connection.sock.connect(self._path)
        return connection


class Supervisord:
    """The supervisord that belongs to `run_dir`. `program` is the path of the executable `supervisord`."""

    kind = "supervisord"

    def __init__(self, run_dir: Path, program: str) -> None:
        self.run_dir = run_dir
        self.program = program
        self.config_path = run_dir / "supervisord.conf"
        self.log_path = run_dir / "supervisord.log"
        self.socket_path = _socket_path(run_dir)

    def definition_path(self, name: str) -> Path:
        """Where the definition of a service lies."""
        return self.run_dir / "programs" / f"{name}.ini"

    def render(self, definition: ServiceDefinition) -> str:
        """The text of that file."""
        return definition.as_supervisord_program()

    def supporting_files(self) -> dict[Path, str]:
        """Files beside the definition that this supervisor needs, by path."""
        text = "\n".join(
            [
                "[supervisord]",
                f"logfile={self._value(self.log_path)}",
                "logfile_maxbytes=1000000",
                "logfile_backups=1",
                f"pidfile={self._value(self.run_dir / 'supervisord.pid')}",
                f"childlogdir={self._value(self.run_dir)}",
                f"directory={self._value(self.run_dir)}",
                "umask=022",
                "",
                "[unix_http_server]",
                f"file={self._value(self.socket_path)}",
                "chmod=0700",
                "",
                "[rpcinterface:supervisor]",
                "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
                "",
                "[include]",
                "files=programs/*.ini",
                "",
            ]
        )
        return {self.config_path: text}

    def alive(self) -> bool:
        """Whether this supervisord answers on its socket."""
        try:
            return bool(self._rpc().getState()["statename"] == "RUNNING")
        except (OSError, xmlrpc.client.Error, http.client.HTTPException):
            return False

    def pid(self, name: str) -> int | None:
        """The process that runs the service, or 0 while it is being started again; None when it is stopped."""
        if not self.alive():
            return None
        try:
            info = self._rpc().getProcessInfo(name)
        except xmlrpc.client.Fault:
            return None
        return int(info["pid"]) if info["statename"] in RUNNING_STATES else None

    def running_fingerprint(self, name: str) -> str | None:
        """The fingerprint that the running process was started with."""
        pid = self.pid(name)
        return environment_of(pid).get(FINGERPRINT_VARIABLE) if pid else None

    def load(self) -> None:
        """Makes the supervisor read its definitions again, without starting or stopping anything."""
        if self.alive():
            self._rpc().reloadConfig()

    def start(self, name: str) -> None:
        """Starts the service with the definition on disk, stopping an older one first."""
        if not self.alive():
            self._start_daemon()
        rpc = self._rpc()
        self._drop(name)
        rpc.reloadConfig()
        rpc.addProcessGroup(name)
        try:
            rpc.startProcess(name, False)
        except xmlrpc.client.Fault as fault:
            raise SupervisorError(
                f"supervisord did not start {name}: {fault.faultString}; see {self.log_path}."
            ) from fault

    def stop(self, name: str) -> None:
        """Stops the service, and the supervisor itself when it has nothing left to look after."""
        if not self.alive():
            return
        self._drop(name)
        rpc = self._rpc()
        if not any(info["statename"] in RUNNING_STATES for info in rpc.getAllProcessInfo()):
            rpc.shutdown()
            self._wait(lambda: not self.socket_path.exists(), "did not shut down")

    def log_tail(self, definition: ServiceDefinition, lines: int) -> list[str]:
        """The last lines that the service wrote."""
        try:
            text = Path(definition.log_file).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return text.splitlines()[-lines:]

    def _drop(self, name: str) -> None:
        rpc = self._rpc()
        loaded = {info["group"]: info["statename"] for info in rpc.getAllProcessInfo()}
        if name not in loaded:
            return
        if loaded[name] in RUNNING_STATES:
            rpc.stopProcess(name)
        rpc.removeProcessGroup(name)

    def _start_daemon(self) -> None:
        self.socket_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "USER") if name in os.environ}
        environment["LANG"] = "C.UTF-8"
        command = [self.program, "--configuration", str(self.config_path)]
        done = subprocess.run(command, env=environment, cwd=self.run_dir, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SupervisorError(f"supervisord did not start: {(done.stderr or done.stdout).strip()}")
        self._wait(self.alive, "did not answer on its socket")

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            if time.monotonic() > deadline:
                raise SupervisorError(f"supervisord {what} within 30 s; see {self.log_path}.")
            time.sleep(0.1)

    def _rpc(self) -> Any:  # noqa: ANN401 - a proxy whose methods are the remote ones
        transport = _UnixTransport(str(self.socket_path))
        return xmlrpc.client.ServerProxy("http://localhost", transport=transport).supervisor

    @staticmethod
    def _value(path: Path) -> str:
        return str(path).replace("%", "%%")


def _socket_path(run_dir: Path) -> Path:
    path = run_dir / "supervisor.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    key = hashlib.sha256(os.fsencode(run_dir)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"log-intelligence-{os.getuid()}-{key}" / "supervisor.sock"
