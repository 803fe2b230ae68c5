"""Waits until a started K3s has joined and its node is ready, and says why when it does not."""

from __future__ import annotations

import http.client
import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import k3s_causes, k3s_evidence, k3s_systemd
from .k3s_state import ADMIN_CONFIG

KUBELET_HEALTH = ("127.0.0.1", 10248)
DRAINED = "homelab.log-intelligence/drained"  # set on a node while it is drained for a restart
_PAUSE_SECONDS = 1.0
_LOOK_CLOSER_AFTER = 6.0
_LOOK_CLOSER_EVERY = 5.0


class NotReadyError(Exception):
    """K3s did not become ready; `report` holds everything that was seen, without secrets."""

    def __init__(self, message: str, report: dict[str, Any]) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class Readiness:
    """`missing` says what is still awaited, empty when all is well.

    `drained` whether a run of ours has cordoned the node.
    """

    missing: str
    kubelet_version: str = ""
    drained: bool = False


def look(subject: k3s_evidence.Subject, program: str, version: str) -> Readiness:
    """The state at this moment; `version` is the one that the node should report, empty for any."""
    unit = k3s_systemd.state(subject.unit)
    if unit.active != "active":
        return Readiness(f"the unit {subject.unit} is {unit.active} ({unit.sub}, last result {unit.result})")
    if not _kubelet_answers():
        return Readiness("the kubelet does not answer on port 10248")
    if subject.role == "server":
        ready = _kubectl(subject, program, "get", "--raw", "/readyz")
        if ready.returncode:
            return Readiness(f"the API server is not ready: {_last_line(ready.stderr)}")
    asked = _kubectl(subject, program, "get", "node", subject.node, "--output=json")
    if asked.returncode:
        return Readiness(f"the node {subject.node} is not known to the cluster: {_last_line(asked.stderr)}")
    return of_node(json.loads(asked.stdout), subject.node, version)


def of_node(node: dict[str, Any], name: str, version: str) -> Readiness:
    """The same from the Node object alone."""
    status = node.get("status", {})
    running = status.get("nodeInfo", {}).get("kubeletVersion", "")
    condition: dict[str, Any] = next((one for one in status.get("conditions", []) if one.get("type") == "Ready"), {})
    if condition.get("status") != "True":
        return Readiness(f"the node {name} is not ready: {condition.get('message', 'no condition yet')}", running)
    if version and running != version:
        return Readiness(f"the node {name} still reports {running} instead of {version}", running)
    cordoned = bool(node.get("spec", {}).get("unschedulable"))
    return Readiness("", running, cordoned and DRAINED in (node.get("metadata", {}).get("annotations") or {}))


def wait(
    subject: k3s_evidence.Subject,
    ready: Callable[[], Readiness],
    seconds: float,
    since: float,
) -> Readiness:
    """Returns when all is well; raises NotReadyError after `seconds`, or as soon as waiting is in vain.

    `since` is the moment from which on the journal counts, in seconds since the epoch.
    """
    began = time.monotonic()
    look_closer_at = began + _LOOK_CLOSER_AFTER
    while True:
        found = ready()
        now = time.monotonic()
        if not found.missing:
            return found
        late = now - began > seconds
        if late or now >= look_closer_at:
            evidence = k3s_evidence.collect(subject, since=since)
            cause = k3s_causes.likely(evidence)
            if late or (cause and cause.final):
                raise NotReadyError(*_failure(subject, found, evidence, cause, now - began))
            look_closer_at = now + _LOOK_CLOSER_EVERY
        time.sleep(_PAUSE_SECONDS)


def _failure(
    subject: k3s_evidence.Subject,
    found: Readiness,
    evidence: k3s_causes.Evidence,
    cause: k3s_causes.Cause | None,
    waited: float,
) -> tuple[str, dict[str, Any]]:
    last = [f" The last that it said: {line}" for line in evidence.as_dict()["journal"][-1:]]
    why = (
        f"Likely cause: {cause.sentence()}"
        if cause
        else f"No known cause was found; read the journal: journalctl -u {subject.unit} -n 100.{''.join(last)}"
    )
    what = "did not become ready" if subject.role == "server" else "did not join"
    message = f"{subject.node} {what} within {waited:.0f} s: {found.missing}. {why}"
    return message, report(subject, evidence, cause)


def report(
    subject: k3s_evidence.Subject, evidence: k3s_causes.Evidence, cause: k3s_causes.Cause | None
) -> dict[str, Any]:
    """Everything that was seen, for a failure or for the module k3s_diagnosis."""
    return {
        "cause": vars(cause) if cause else None,
        "evidence": evidence.as_dict(),
        "unit": k3s_evidence.unit_summary(subject.role),
        "ports": k3s_evidence.port_holders(),
    }


def _kubectl(subject: k3s_evidence.Subject, program: str, *words: str) -> subprocess.CompletedProcess[str]:
    config = ADMIN_CONFIG if subject.role == "server" else str(subject.data_dir / "agent" / "kubelet.kubeconfig")
    if not Path(config).is_file():
        return subprocess.CompletedProcess([], 1, "", f"{config} does not exist yet")
    command = [program, "kubectl", f"--kubeconfig={config}", "--request-timeout=5s", *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess([], 1, "", "no answer within 20 s")


def _kubelet_answers() -> bool:
    connection = http.client.HTTPConnection(*KUBELET_HEALTH, timeout=3)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (http.client.HTTPException, OSError):
        return False
    finally:
        connection.close()


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no answer"
