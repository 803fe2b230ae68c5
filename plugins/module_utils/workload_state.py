"""Whether an object of the cluster has become what it was asked to be, and in which words it is on the way."""

from __future__ import annotations

from typing import Any


def waiting_for(found: dict[str, Any] | None, condition: str = "") -> str:
    """What `found` still lacks, as a phrase; empty when it is ready.

    `condition` names a condition that must be true, such as ``Programmed``; without it the kind decides. Conditions are
    looked for in the status itself, and in those of a route's parents or a policy's ancestors.
    """
    if found is None:
        return "does not exist"
    if condition:
        return _condition(found, condition)
    judge = {
        "Deployment": _deployment,
        "StatefulSet": _stateful_set,
        "DaemonSet": _daemon_set,
        "Job": _job,
        "PersistentVolumeClaim": _claim,
    }.get(found.get("kind", ""))
    return judge(found) if judge else ""


def _condition(found: dict[str, Any], name: str) -> str:
    status = found.get("status") or {}
    groups = [status.get("conditions") or []]
    for kept in ("parents", "ancestors"):
        if kept in status:
            groups = [one.get("conditions") or [] for one in status[kept]]
    missing = []
    for conditions in groups or [[]]:
        one = next((entry for entry in conditions if entry["type"] == name), None)
        if one is None:
            missing.append(f"has no condition {name} yet")
        elif one["status"] != "True":
            missing.append(f"{name} is {one['status']}: {one.get('reason', '')} {one.get('message', '')}".strip())
        elif _observed_late(found, one.get("observedGeneration")):
            missing.append(f"{name} was not yet judged anew")
    return "; ".join(missing)


def _observed_late(found: dict[str, Any], observed: int | None) -> bool:
    return observed is not None and observed < found["metadata"].get("generation", 0)


def _seen(found: dict[str, Any]) -> bool:
    return int((found.get("status") or {}).get("observedGeneration", 0)) >= int(found["metadata"].get("generation", 0))


def _deployment(found: dict[str, Any]) -> str:
    status, wanted = found.get("status") or {}, found["spec"].get("replicas", 1)
    if not _seen(found):
        return "has not been looked at by its controller yet"
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if updated < wanted or available < wanted or status.get("replicas", 0) > updated:
        return f"has {available} of {wanted} pods available, {updated} of them new"
    return ""


def _stateful_set(found: dict[str, Any]) -> str:
    status, wanted = found.get("status") or {}, found["spec"].get("replicas", 1)
    if not _seen(found):
        return "has not been looked at by its controller yet"
    ready = status.get("readyReplicas", 0)
    if ready < wanted:
        return f"has {ready} of {wanted} pods ready"
    rolling = (found["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate") == "RollingUpdate"
    if rolling and status.get("updateRevision") != status.get("currentRevision"):
        return f"has {status.get('updatedReplicas', 0)} of {wanted} pods of the new revision"
    return ""


def _daemon_set(found: dict[str, Any]) -> str:
    status = found.get("status") or {}
    if not _seen(found):
        return "has not been looked at by its controller yet"
    wanted = status.get("desiredNumberScheduled", 0)
    if wanted == 0:
        return "fits on no node"
    updated, available = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
    return "" if updated >= wanted and available >= wanted else f"has {available} of {wanted} pods available"


def _job(found: dict[str, Any]) -> str:
    conditions = {one["type"]: one for one in (found.get("status") or {}).get("conditions") or []}
    if conditions.get("Complete", {}).get("status") == "True":
        return ""
    if conditions.get("Failed", {}).get("status") == "True":
        return f"failed: {conditions['Failed'].get('message', '')}"
    return "has not finished"


def _claim(found: dict[str, Any]) -> str:
    phase = (found.get("status") or {}).get("phase", "Pending")
    return "" if phase == "Bound" else f"is {phase}"
