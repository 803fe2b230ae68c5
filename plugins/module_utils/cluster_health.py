"""What ails a cluster, judged from what its API tells of nodes, pods and claims."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from .preflight_findings import ERROR, WARNING, Finding

HOST = "cluster"
_PENDING_MINUTES = 10
_RESTARTS = 3  # in a day
_STUCK = ("CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError", "RunContainerError")
_PRESSURE = ("MemoryPressure", "DiskPressure", "PIDPressure")


def judge(
    nodes: Sequence[Mapping[str, Any]],
    pods: Sequence[Mapping[str, Any]],
    claims: Sequence[Mapping[str, Any]],
    expected: Sequence[str],
    now: datetime,
) -> list[Finding]:
    """Everything that a person should know; `expected` are the names of the nodes that the inventory has."""
    return [
        *_missing(nodes, expected),
        *(one for node in nodes for one in _node(node)),
        *(one for pod in pods for one in _pod(pod, now)),
        *(one for claim in claims for one in _claim(claim)),
    ]


def _missing(nodes: Sequence[Mapping[str, Any]], expected: Sequence[str]) -> Iterator[Finding]:
    there = {node["metadata"]["name"] for node in nodes}
    for name in sorted(set(expected) - there):
        yield Finding(ERROR, HOST, f"{name} is no node of the cluster", "The inventory has it.", "Run site.yml for it.")


def _node(node: Mapping[str, Any]) -> Iterator[Finding]:
    name = node["metadata"]["name"]
    conditions = {one["type"]: one for one in node.get("status", {}).get("conditions", [])}
    ready = conditions.get("Ready", {})
    if ready.get("status") != "True":
        yield Finding(
            ERROR, HOST, f"{name} is not ready", str(ready.get("message", "Its kubelet says nothing.")),
            f"On {name}: `journalctl -u k3s -u k3s-agent -n 50`; then run site.yml.",
        )  # fmt: skip
    for kind in _PRESSURE:
        if conditions.get(kind, {}).get("status") == "True":
            message = str(conditions[kind].get("message", ""))
            yield Finding(ERROR, HOST, f"{name} has {kind}", message, f"`kubectl describe node {name}`.")
    if node.get("spec", {}).get("unschedulable"):
        yield Finding(
            WARNING, HOST, f"{name} takes no new pods", "It was cordoned, perhaps by a run that was stopped.",
            f"`kubectl uncordon {name}` when nobody works on it.",
        )  # fmt: skip


def _pod(pod: Mapping[str, Any], now: datetime) -> Iterator[Finding]:
    place = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    look = f"`kubectl describe pod -n {place.replace('/', ' ')}`"
    status = pod.get("status", {})
    states = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    stuck = next((one for one in states if _reason(one) in _STUCK), None)
    if stuck:
        yield Finding(
            ERROR, HOST, f"{place}: {stuck['name']} is in {_reason(stuck)}", str(_waiting(stuck).get("message", "")),
            f"{look}, and `kubectl logs --previous -n {place.replace('/', ' ')} -c {stuck['name']}`.",
        )  # fmt: skip
        return
    if status.get("phase") == "Pending" and _older(pod["metadata"].get("creationTimestamp"), _PENDING_MINUTES, now):
        unscheduled: Mapping[str, Any] = next(
            (one for one in status.get("conditions", []) if one.get("status") == "False"), {}
        )
        yield Finding(
            ERROR,
            HOST,
            f"{place} waits for more than {_PENDING_MINUTES} minutes",
            str(unscheduled.get("message", "")),
            f"{look}.",
        )
        return
    yield from _restarts(place, look, states, now)


def _restarts(place: str, look: str, states: Iterable[Mapping[str, Any]], now: datetime) -> Iterator[Finding]:
    for one in states:
        ended = one.get("lastState", {}).get("terminated", {})
        if one.get("restartCount", 0) >= _RESTARTS and not _older(ended.get("finishedAt"), 24 * 60, now):
            yield Finding(
                WARNING, HOST,
                f"{place}: {one['name']} was restarted {one['restartCount']} times, the last time within a day",
                f"It ended with {ended.get('reason', 'no reason')}, exit code {ended.get('exitCode', 'unknown')}.",
                f"{look}.",
            )  # fmt: skip


def _claim(claim: Mapping[str, Any]) -> Iterator[Finding]:
    phase = claim.get("status", {}).get("phase")
    if phase != "Bound":
        place = f"{claim['metadata']['namespace']}/{claim['metadata']['name']}"
        yield Finding(
            ERROR, HOST, f"the claim {place} is {phase}", "Its pod waits for the volume.",
            f"`kubectl describe pvc -n {place.replace('/', ' ')}`; run site.yml --tags data_disk,cluster.",
        )  # fmt: skip


def _waiting(state: Mapping[str, Any]) -> Mapping[str, Any]:
    waiting: Mapping[str, Any] = state.get("state", {}).get("waiting") or {}
    return waiting


def _reason(state: Mapping[str, Any]) -> str:
    return str(_waiting(state).get("reason", ""))


def _older(stamp: str | None, minutes: int, now: datetime) -> bool:
    """Whether a time of the API lies that far back; what has no time does."""
    if not stamp:
        return True
    return now - datetime.fromisoformat(stamp.replace("Z", "+00:00")) > timedelta(minutes=minutes)
