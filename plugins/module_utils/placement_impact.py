"""What a change of a node's labels and taints means for the pods that run there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .placement import Plan, Taint


@dataclass(frozen=True)
class Impact:
    """One pod that a change touches. `outcome` is ``evicted`` or ``could not return`` once it ends."""

    namespace: str
    pod: str
    outcome: str
    because: str
    after_seconds: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)

    def __str__(self) -> str:
        wait = f" after {self.after_seconds} s" if self.after_seconds else ""
        return f"{self.namespace}/{self.pod} ({self.outcome}{wait}: {self.because})"


def impacts(change: Plan, pods: list[dict[str, Any]]) -> list[Impact]:
    """What the change does to each of the node's pods; the worst outcome only, those to be evicted first."""
    found = [impact for pod in pods if _runs(pod) for impact in _of_pod(change, pod)[:1]]
    return sorted(found, key=lambda impact: (impact.outcome != "evicted", impact.namespace, impact.pod))


def tolerates(toleration: dict[str, Any], taint: Taint) -> bool:
    """Whether the toleration lets a pod bear the taint, as the scheduler decides it."""
    if toleration.get("effect") not in (None, "", taint.effect):
        return False
    operator = toleration.get("operator") or "Equal"
    key = toleration.get("key") or ""
    if operator == "Exists":
        return key in ("", taint.key)
    return operator == "Equal" and key == taint.key and (toleration.get("value") or "") == taint.value


def selects(spec: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether the pod's node selector and its required node affinity accept a node with these labels.

    Terms that look at the node's fields are taken to match, since a change of labels does not alter those.
    """
    if any(labels.get(name) != value for name, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms = required.get("nodeSelectorTerms") or []
    return not terms or any(
        all(_expression_holds(expression, labels) for expression in term.get("matchExpressions") or [])
        for term in terms
    )


def _of_pod(change: Plan, pod: dict[str, Any]) -> list[Impact]:
    spec, meta = pod["spec"], pod["metadata"]
    tolerations = spec.get("tolerations") or []
    found = []
    for taint in change.taints_set:
        bearing = [toleration for toleration in tolerations if tolerates(toleration, taint)]
        if taint.effect == "NoExecute":
            waits = [bearer.get("tolerationSeconds") for bearer in bearing]
            if not bearing or None not in waits:
                after = min((wait for wait in waits if wait is not None), default=None)
                found.append(_impact(meta, "evicted", f"does not tolerate {taint}", after))
        elif taint.effect == "NoSchedule" and not bearing:
            found.append(_impact(meta, "could not return", f"does not tolerate {taint}"))
    if selects(spec, change.before["labels"]) and not selects(spec, change.after["labels"]):
        changed = ", ".join([*change.labels_set, *change.labels_removed])
        found.append(_impact(meta, "could not return", f"asks for labels that change here ({changed})"))
    return sorted(found, key=lambda impact: impact.outcome != "evicted")


def _impact(meta: dict[str, Any], outcome: str, because: str, after: int | None = None) -> Impact:
    return Impact(meta.get("namespace", "default"), meta["name"], outcome, because, after)


def _runs(pod: dict[str, Any]) -> bool:
    mirrored = "kubernetes.io/config.mirror" in (pod["metadata"].get("annotations") or {})
    return not mirrored and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")


def _expression_holds(expression: dict[str, Any], labels: dict[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or []
    value = labels.get(key)
    operator = expression["operator"]
    if operator == "Exists":
        return value is not None
    if operator == "DoesNotExist":
        return value is None
    if operator == "In":
        return value in values
    if operator == "NotIn":
        return value not in values
    try:
        number, bound = int(value or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return number > bound if operator == "Gt" else number < bound
