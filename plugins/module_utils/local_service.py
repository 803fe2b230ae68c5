"""Brings one supervised process to the wanted state: what is read, what follows from it, and doing that."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .processes import port_holder
from .service_definition import NAME_VARIABLE, RUN_DIR_VARIABLE, ServiceDefinition
from .service_readiness import wait_until_ready
from .supervisord import Supervisord, SupervisorError
from .systemd_user import SystemdUser

SHOWN_LOG_LINES = 30


class PortTakenError(Exception):
    """Another program listens on the port; the text names it."""


class Supervisor(Protocol):
    """What both supervisors can do. `pid` is None when the service is stopped, 0 while it is being started again."""

    kind: str

    def definition_path(self, name: str) -> Path:
        """Where the definition of a service lies."""

    def render(self, definition: ServiceDefinition) -> str:
        """The text of that file."""

    def supporting_files(self) -> dict[Path, str]:
        """Files beside the definition that the supervisor needs."""

    def pid(self, name: str) -> int | None:
        """The process that runs the service."""

    def running_fingerprint(self, name: str) -> str | None:
        """The fingerprint that the running process was started with."""

    def load(self) -> None:
        """Reads the definitions again, without starting or stopping anything."""

    def start(self, name: str) -> None:
        """Starts the service with the definition on disk, stopping an older one first."""

    def stop(self, name: str) -> None:
        """Stops the service."""

    def log_tail(self, definition: ServiceDefinition, lines: int) -> list[str]:
        """The last lines that the service wrote."""


@dataclass(frozen=True)
class Plan:
    """The files to write (None: remove), whether to start or stop, and the difference to show."""

    files: dict[Path, str | None]
    order: str | None
    diff: dict[str, Any]

    @property
    def starts(self) -> bool:
        """Whether a process will be started."""
        return self.order in ("start", "restart")

    @property
    def actions(self) -> list[str]:
        """What will be done, in order and in words."""
        writes = [f"{'remove' if text is None else 'write'} {path}" for path, text in self.files.items()]
        return [*writes, self.order] if self.order else writes


def choose_supervisor(asked: str, run_dir: str) -> Supervisor:
    """The supervisor asked for; with ``auto`` the one at work, else systemd where a user manager runs."""
    beside = Path(sys.executable).with_name("supervisord")
    program = str(beside) if os.access(beside, os.X_OK) else shutil.which("supervisord")
    own = Supervisord(Path(run_dir), program or "supervisord")
    if asked == "systemd" or (asked == "auto" and not own.alive() and SystemdUser.usable()):
        return SystemdUser()
    if program is None:
        raise SupervisorError(
            "No supervisor is here: no systemd user manager runs, and supervisord is not installed. "
            f"Run `{sys.executable} -m pip install supervisor` and try again."
        )
    return own


class Service:
    """One definition under one supervisor."""

    def __init__(self, definition: ServiceDefinition, supervisor: Supervisor) -> None:
        self.definition = definition
        self.supervisor = supervisor

    def plan(self, state: str) -> Plan:
        """What has to be done so that the service is `state`: started, stopped or absent."""
        path = self.supervisor.definition_path(self.definition.name)
        running = self.pid() is not None
        before = {"definition": _read(path), "running": running}
        if state != "started":
            removed: dict[Path, str | None] = (
                {path: None} if state == "absent" and before["definition"] is not None else {}
            )
            after = {"definition": None if removed else before["definition"], "running": False}
            return Plan(removed, "stop" if running else None, _diff(before, after))
        wanted = {**self.supervisor.supporting_files(), path: self.supervisor.render(self.definition)}
        files: dict[Path, str | None] = {name: text for name, text in wanted.items() if _read(name) != text}
        return Plan(
            files, self._start_order(path in files), _diff(before, {"definition": wanted[path], "running": True})
        )

    def apply(self, plan: Plan) -> None:
        """Does what the plan says."""
        for path, text in plan.files.items():
            if text is None:
                path.unlink()
            else:
                _write(path, text)
        if plan.starts:
            self.supervisor.start(self.definition.name)
        elif plan.order == "stop":
            self.supervisor.stop(self.definition.name)
        elif plan.files:
            self.supervisor.load()

    def pid(self) -> int | None:
        """None when the service is stopped, 0 while the supervisor starts it again."""
        return self.supervisor.pid(self.definition.name)

    def log(self) -> str:
        """The file, or the command, that shows the output of the service."""
        if self.supervisor.kind == "systemd":
            return f"journalctl --user --unit {self.definition.name}"
        return self.definition.log_file

    def require_free_port(self, port: int) -> None:
        """Raises `PortTakenError` when a program other than this service listens there."""
        holder = port_holder(port)
        if holder is None:
            return
        own = {NAME_VARIABLE: self.definition.name, RUN_DIR_VARIABLE: self.definition.run_dir}
        if own.items() <= holder.environment.items():
            return
        raise PortTakenError(
            f"{self.definition.name} was not started: port {port} is taken by {holder}. "
            "Stop that program, or choose another port in the inventory, and run again."
        )

    def wait_until_ready(self, url: str, seconds: int) -> float:
        """Seconds until `url` answered 200; raises `NotReadyError` with a diagnosis."""
        return wait_until_ready(
            self.definition.name,
            url,
            seconds,
            still_wanted=lambda: self.pid() is not None,
            last_lines=lambda: self.supervisor.log_tail(self.definition, SHOWN_LOG_LINES),
        )

    def _start_order(self, definition_differs: bool) -> str | None:
        pid = self.pid()
        if pid is None:
            return "start"
        if pid == 0:  # between two attempts of the supervisor, so there is no process to ask
            return "restart" if definition_differs else None
        if self.supervisor.running_fingerprint(self.definition.name) != self.definition.fingerprint:
            return "restart"
        return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.chmod(0o600)
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def _diff(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {"before": before, "after": after}
