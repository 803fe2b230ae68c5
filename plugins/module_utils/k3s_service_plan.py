"""Decides from what is there whether K3s must be started or restarted, and does it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import k3s_fingerprint, k3s_systemd
from .k3s_systemd import UnitState

CPU_STATE = Path("/var/lib/kubelet/cpu_manager_state")
START, RESTART, STOP = "start", "restart", "stop"


@dataclass(frozen=True)
class Plan:
    """`action` is START, RESTART, STOP or empty; `reasons` say why, each as a phrase."""

    action: str
    reasons: tuple[str, ...]
    enable: bool = False
    reload: bool = False

    @property
    def changes(self) -> bool:
        """Whether anything is to be done that a user would see."""
        return bool(self.action) or self.enable

    def as_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return {"action": self.action, "reasons": list(self.reasons), "enable": self.enable}


def plan(unit: UnitState, differences: Sequence[str], pending: Sequence[str]) -> Plan:
    """What brings the unit to run with what lies on disk; `pending` are changes that check mode has only announced."""
    enable = not unit.enabled
    if not unit.running:
        return Plan(
            START, (f"{'it is ' + unit.active if unit.exists else 'it is not installed yet'}",), enable, reload=True
        )
    reasons = [*differences, *pending]
    if unit.needs_reload:
        reasons.append("its unit on disk is not the one that systemd started")
    return Plan(RESTART if reasons else "", tuple(reasons), enable, unit.needs_reload or bool(reasons))


def stopping(unit: UnitState) -> Plan:
    """What brings the unit to rest."""
    return Plan(STOP if unit.running else "", (f"it is {unit.active}",) if unit.running else ())


def apply(unit: str, planned: Plan, cpu_policy: str, systemctl: Callable[..., None] = k3s_systemd.order) -> None:
    """Carries `planned` out; returns when systemd has taken the order, not when K3s is ready."""
    service = f"{unit}.service"
    if planned.reload:
        systemctl("daemon-reload")
    if planned.enable:
        systemctl("enable", service)
    if planned.action == STOP:
        systemctl("stop", service)
    if planned.action in (START, RESTART):
        if cpu_state_is_foreign(CPU_STATE, cpu_policy):
            systemctl("stop", service)
            CPU_STATE.unlink()
        systemctl("restart", "--no-block", service)


def cpu_state_is_foreign(state: Path, policy: str) -> bool:
    """Whether the kubelet would refuse to start because it last ran with another CPU manager policy."""
    try:
        return bool(json.loads(state.read_text(encoding="utf-8")).get("policyName", policy) != policy)
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True


def record_of(directory: Path, unit: str) -> Path:
    """Where the unit records what it was started with."""
    return directory / unit


def compare(record: Path, patterns: Sequence[str], program: str) -> list[str]:
    """How the running process differs from what lies on disk."""
    now = k3s_fingerprint.on_disk(patterns, program)
    return k3s_fingerprint.differences(k3s_fingerprint.in_use(record), now)
