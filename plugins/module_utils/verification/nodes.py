"""The nodes, what is placed on them, and what keeps restarting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..workload_state import waiting_for
from .rows import Row, Topic

Objects = Sequence[dict[str, Any]]
SECTION = "Nodes"
_READY_STEP = "Look at kubectl describe node NAME and at the K3s unit's journal on that host, then run site.yml again."
_LABEL_STEP = "Run site.yml with the tag node_placement, which brings labels and taints back."


@dataclass(frozen=True)
class Place:
    """Where design puts the pods of a component: on the nodes with a label `hardware`, or with "" on each node."""

    component: str
    namespace: str
    labels: Mapping[str, str]
    hardware: str


PLACES = (
    Place("envoy_gateway", "envoy-gateway-system", {"control-plane": "envoy-gateway"}, "light"),
    Place("envoy_gateway", "envoy-gateway-system", {"gateway.envoyproxy.io/owning-gateway-name": "eg"}, "light"),
    Place("grafana", "logging", {"app.kubernetes.io/name": "grafana"}, "light"),
    Place("alloy", "logging", {"app.kubernetes.io/name": "alloy-events"}, "light"),
    Place("alloy", "logging", {"app.kubernetes.io/name": "alloy"}, ""),
    Place("loki", "logging", {"app.kubernetes.io/name": "loki"}, "heavy"),
    Place("llama_cpp", "llm", {"app": "llama-cpp"}, "heavy"),
    Place("llama_embed", "llm", {"app": "llama-embed"}, "heavy"),
    Place("chroma", "llm", {"app.kubernetes.io/name": "chroma"}, "heavy"),
    Place("log_analyzer", "llm", {"app.kubernetes.io/name": "log-analyzer"}, "heavy"),
    Place("monitoring", "monitoring", {"app.kubernetes.io/name": "prometheus"}, "heavy"),
    Place("monitoring", "monitoring", {"app.kubernetes.io/name": "kube-state-metrics"}, "light"),
)


def condition(found: dict[str, Any], kind: str) -> bool:
    """Whether the object's condition is True."""
    return not waiting_for(found, kind)


def selected(pods: Objects, namespace: str, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """The pods of a namespace with these labels that have not ended."""
    return [
        pod
        for pod in pods
        if pod["metadata"]["namespace"] == namespace
        and labels.items() <= (pod["metadata"].get("labels") or {}).items()
        and (pod.get("status") or {}).get("phase") not in {"Succeeded", "Failed"}
    ]


def node_rows(nodes: Objects, wanted: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """A row for readiness, role, labels and taints of each node that the inventory names.

    `wanted` has by node's name `labels`, `taints` (lists of key, value, effect) and `server` (whether it is one).
    """
    topic, rows = Topic(SECTION), []
    by_name = {node["metadata"]["name"]: node for node in nodes}
    for name, asked in wanted.items():
        node = by_name.get(name)
        labels = (node["metadata"].get("labels") or {}) if node else {}
        ready = bool(node) and condition(node or {}, "Ready")
        command = "kubectl get nodes --show-labels"
        measured = "Ready" if ready else "not Ready" if node else "no such node"
        rows.append(topic.row(f"{name} is ready", command, "Ready", measured, ready, _READY_STEP))
        roles = sorted(label.rpartition("/")[2] for label in labels if label.startswith("node-role.kubernetes.io/"))
        expected = "control plane" if asked["server"] else "no role"
        good = bool(node) and (("control-plane" in roles) if asked["server"] else not roles)
        rows.append(topic.row(f"role of {name}", command, expected, ", ".join(roles) or "no role", good, _READY_STEP))
        kept = {key: labels.get(key, "") for key in asked["labels"]}
        good = bool(node) and kept == {key: str(value) for key, value in asked["labels"].items()}
        rows.append(topic.row(f"labels of {name}", command, _pairs(asked["labels"]), _pairs(kept), good, _LABEL_STEP))
        taints = [] if node is None else node["spec"].get("taints") or []
        rows.append(_taints(topic, name, asked["taints"], taints, there=node is not None))
    return rows


def _taints(topic: Topic, name: str, asked: Objects, found: Objects, *, there: bool) -> Row:
    expected, measured = _spelled(asked), _spelled(found) if there else "no such node"
    command = f"kubectl get node {name} -o json | jq .spec.taints"
    return topic.row(f"taints of {name}", command, expected, measured, expected == measured, _LABEL_STEP)


def metrics_row(usage: Objects | None, wanted: Sequence[str]) -> Row:
    """Whether the metrics server tells every node's use; the busiest comes first."""
    cores = {one["metadata"]["name"]: cpu_cores(one["usage"]["cpu"]) for one in usage or ()}
    busiest = sorted(cores, key=lambda name: -cores[name])
    measured = ", ".join(f"{name} {cores[name]:.2f} cores" for name in busiest) or "no answer"
    step = "Look at kubectl logs -n kube-system deployment/metrics-server; it needs a minute after its start."
    good = set(wanted) <= cores.keys()
    return Topic(SECTION).row("the metrics server answers", "kubectl top nodes", "each node", measured, good, step)


def placement_rows(pods: Objects, nodes: Objects, components: tuple[str, ...]) -> list[Row]:
    """For each component the nodes that its pods run on."""
    hardware = {node["metadata"]["name"]: (node["metadata"].get("labels") or {}).get("hardware", "") for node in nodes}
    rows = []
    for place in PLACES:
        topic = Topic(SECTION, place.component, components)
        found = selected(pods, place.namespace, place.labels)
        on = sorted(pod["spec"].get("nodeName") or "no node" for pod in found)
        if place.hardware:
            expected = ", ".join(sorted(name for name, kind in hardware.items() if kind == place.hardware))
            good = bool(on) and all(hardware.get(name) == place.hardware for name in on)
        else:
            expected = "one on each node"
            good = bool(on) and on == sorted(hardware)
        name = next(iter(place.labels.values()))
        rows.append(
            topic.row(
                f"placement of {'envoy' if name == 'eg' else name}",
                "kubectl get pods -A -o wide",
                expected,
                ", ".join(on) or "no pod",
                good,
                f"Look at kubectl get events -n {place.namespace}; site.yml with the component's tag brings it back.",
            )
        )
    return rows


def restart_row(pods: Objects, still: str) -> Row:
    """Whether a container is waiting to be restarted, or was restarted after `still` (an ISO time in UTC)."""
    restless = []
    for pod in pods:
        for one in (pod.get("status") or {}).get("containerStatuses") or []:
            waiting = ((one.get("state") or {}).get("waiting") or {}).get("reason", "")
            ended = ((one.get("lastState") or {}).get("terminated") or {}).get("finishedAt") or ""
            if waiting == "CrashLoopBackOff" or ended > still:
                restless.append(f"{pod['metadata']['namespace']}/{pod['metadata']['name']} ({one['restartCount']})")
    step = "Read its last words with kubectl logs -n NAMESPACE POD --previous, and kubectl describe pod."
    measured = ", ".join(restless) or "none"
    return Topic(SECTION).row(
        "no pod was restarted in the last ten minutes", "kubectl get pods -A", "none", measured, not restless, step
    )


def cpu_cores(quantity: str) -> float:
    """Cores of a quantity such as 250m or 1234567n."""
    units = {"n": 1e-9, "u": 1e-6, "m": 1e-3}
    return float(quantity[:-1]) * units[quantity[-1]] if quantity[-1] in units else float(quantity)


def _pairs(labels: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items())) or "none"


def _spelled(taints: Objects) -> str:
    own = [one for one in taints if not str(one["key"]).startswith("node.kubernetes.io/")]
    return ", ".join(sorted(f"{one['key']}={one.get('value', '')}:{one['effect']}" for one in own)) or "none"
