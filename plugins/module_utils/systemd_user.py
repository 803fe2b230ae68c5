"""The user's own systemd manager as a supervisor."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from .processes import environment_of
from .service_definition import FINGERPRINT_VARIABLE, ServiceDefinition
from .supervisord import SupervisorError

ACTIVE_STATES = ("active", "activating", "reloading")


class SystemdUser:
    """Units below ``$XDG_CONFIG_HOME/systemd/user``, started and stopped with ``systemctl --user``."""

    kind = "systemd"

    def __init__(self) -> None:
        config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        self.unit_dir = config / "systemd" / "user"

    @staticmethod
    def usable() -> bool:
        """Whether a user manager runs and takes orders."""
        try:
            done = _systemctl("is-system-running")
        except FileNotFoundError:
            return False
        return done.stdout.strip() in ("running", "degraded", "starting")

    def definition_path(self, name: str) -> Path:
        """Where the unit of a service lies."""
        return self.unit_dir / f"{name}.service"

    def render(self, definition: ServiceDefinition) -> str:
        """The text of that unit."""
        return definition.as_systemd_unit()

    def supporting_files(self) -> dict[Path, str]:
        """None: the manager has its own."""
        return {}

    def pid(self, name: str) -> int | None:
        """The main process, or 0 while it is being started again; None when the unit is not active."""
        done = _systemctl("show", f"{name}.service", "--property=ActiveState,MainPID")
        state = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
        return int(state.get("MainPID", 0)) if state.get("ActiveState") in ACTIVE_STATES else None

    def running_fingerprint(self, name: str) -> str | None:
        """The fingerprint that the running process was started with."""
        pid = self.pid(name)
        return environment_of(pid).get(FINGERPRINT_VARIABLE) if pid else None

    def load(self) -> None:
        """Makes the manager read its units again, without starting or stopping anything."""
        self._order("daemon-reload")

    def start(self, name: str) -> None:
        """Starts the service with the unit on disk, stopping an older one first."""
        self._order("daemon-reload")
        _systemctl("reset-failed", f"{name}.service")
        self._order("restart", f"{name}.service")

    def stop(self, name: str) -> None:
        """Stops the service."""
        self._order("stop", f"{name}.service")

    def log_tail(self, definition: ServiceDefinition, lines: int) -> list[str]:
        """The last lines that the service wrote."""
        command = ["journalctl", "--user", f"--unit={definition.name}.service", f"--lines={lines}", "--output=cat"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.splitlines()

    @staticmethod
    def _order(*words: str) -> None:
        done = _systemctl(*words)
        if done.returncode:
            raise SupervisorError(f"`systemctl --user {' '.join(words)}` failed: {done.stderr.strip()}")


def _systemctl(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemctl", "--user", *words], capture_output=True, text=True, check=False)
