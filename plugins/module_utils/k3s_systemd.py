"""The units of K3s under the system's own systemd."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

UNITS = {"server": "k3s", "agent": "k3s-agent"}
UNIT_DIRECTORY = Path("/etc/systemd/system")
_PROPERTIES = (
    "LoadState ActiveState SubState Result MainPID NRestarts NeedDaemonReload UnitFileState ActiveEnterTimestamp "
    "ExecMainStartTimestamp ExecMainStatus"
).split()


class SystemdError(Exception):
    """systemd did not take an order; the message holds what it said."""


@dataclass(frozen=True)
class UnitState:
    """What systemd says about one unit; `since` is empty when it never ran."""

    exists: bool
    active: str
    sub: str
    result: str
    main_pid: int
    restarts: int
    needs_reload: bool
    enabled: bool
    since: str

    @property
    def running(self) -> bool:
        """Whether a process runs, ready or not."""
        return self.main_pid > 0 and self.active in ("active", "activating", "reloading")


def state(unit: str) -> UnitState:
    """The state of `unit`, given without its ending ``.service``."""
    done = _systemctl("show", f"{unit}.service", f"--property={','.join(_PROPERTIES)}")
    said = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    return UnitState(
        exists=said.get("LoadState") == "loaded",
        active=said.get("ActiveState", "inactive"),
        sub=said.get("SubState", "dead"),
        result=said.get("Result", ""),
        main_pid=int(said.get("MainPID") or 0),
        restarts=int(said.get("NRestarts") or 0),
        needs_reload=said.get("NeedDaemonReload") == "yes",
        enabled=said.get("UnitFileState") == "enabled",
        since=said.get("ExecMainStartTimestamp", ""),
    )


def order(*words: str) -> None:
    """One command of systemctl; raises SystemdError when it is refused."""
    done = _systemctl(*words)
    if done.returncode:
        raise SystemdError(f"`systemctl {' '.join(words)}` failed: {done.stderr.strip() or done.stdout.strip()}")


def journal(unit: str, lines: int, since: float | None = None) -> list[str]:
    """The last lines that the unit wrote, since the moment `since` (seconds since the epoch) when it is given."""
    command = ["journalctl", f"--unit={unit}.service", f"--lines={lines}", "--output=cat", "--no-pager"]
    if since is not None:
        command.append(f"--since=@{since:.0f}")
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def _systemctl(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemctl", "--no-ask-password", *words], capture_output=True, text=True, check=False)
