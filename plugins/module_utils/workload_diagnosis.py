"""Why a workload does not become ready: its pods, their containers, the warnings about them, and their last words."""

from __future__ import annotations

import re
from typing import Any, Protocol

from .cluster_api import ClusterError

LOG_LINES = 8
LONGEST = 300  # characters of one event or log line in a message

# What is seen, what it means, and what to do about it. The first that fits is told.
LIKELY_CAUSES = (
    (r"no PriorityClass with name", "its priority class is missing", "run the role cluster, which makes it"),
    (r"exceeded quota", "the namespace's quota is too small", "raise it in cluster_quotas or ask for less"),
    (
        r"maximum (cpu|memory) usage per Container|forbidden: .*LimitRange",
        "the limit range allows less",
        "raise it in cluster_limit_ranges or ask for less",
    ),
    (
        r"violates PodSecurity",
        "the namespace's pod security level forbids the pod",
        "change cluster_namespaces or the pod",
    ),
    (
        r"didn't have free ports|port is already allocated",
        "a port of the node is taken",
        "stop the other program or Service on it",
    ),
    (
        r"no nodes available|didn't match Pod's node affinity|untolerated taint",
        "no node takes the pod",
        "check the labels and taints of the nodes: kubectl get nodes --show-labels",
    ),
    (r"Insufficient (cpu|memory)", "the nodes have too little left", "ask for less, or free a node"),
    (
        r"unbound immediate PersistentVolumeClaims|persistentvolumeclaim .* not found|volume node affinity conflict",
        "its volume cannot be bound",
        "kubectl get pv,pvc -A; run the role cluster, which makes the volumes",
    ),
    (
        r"path \".*\" does not exist|no such file or directory.*(mnt|volume)",
        "the volume's directory is missing on the node",
        "mount the data disk: run the role data_disk",
    ),
    (
        r"ImagePullBackOff|ErrImagePull|ErrImageNeverPull|failed to pull",
        "the image cannot be fetched",
        "check its name, the network of the node, or import it",
    ),
    (
        r"OOMKilled|exit code 137",
        "it used more memory than its limit",
        "raise its memory limit or make what it loads smaller",
    ),
    (
        r"no such file|failed to load model|failed to open GGUF",
        "a file that it needs is missing",
        "run the role models for the model file",
    ),
    (r"no space left on device", "a disk is full", "free space or raise the quota"),
    (r"permission denied", "it may not read or write its files", "check the owner of the volume's directory"),
    (r"address already in use", "a port in its pod is taken", "choose another port"),
    (
        r"failed (liveness|startup) probe|Liveness probe failed|Startup probe failed",
        "it was too slow for its probe",
        "give it more time, or look at its log",
    ),
    (r"CrashLoopBackOff|exit code", "its program ends", "its last lines say why"),
)


class Api(Protocol):
    """What is asked of the cluster."""

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """As ClusterApi does."""
        ...

    def text(self, path: str, **query: str) -> str:
        """As ClusterApi does."""
        ...


def diagnose(api: Api, workload: dict[str, Any]) -> str:
    """One paragraph about `workload`, a Deployment, StatefulSet, DaemonSet or Job that is not ready."""
    namespace = workload["metadata"]["namespace"]
    selector = ((workload.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    try:
        pods = api.get(f"/api/v1/namespaces/{namespace}/pods", labelSelector=_as_selector(selector))["items"]
        events = api.get(f"/api/v1/namespaces/{namespace}/events", fieldSelector="type=Warning")["items"]
    except ClusterError as error:
        return f"Nothing more could be learnt: {error}"
    names = {pod["metadata"]["name"] for pod in pods}
    states = [f"pod {pod['metadata']['name']} is {pod_state(pod)}" for pod in pods] or ["it has no pod"]
    warnings = warnings_about(events, workload["metadata"]["name"], names)
    words = _last_words(api, namespace, pods)
    likely = likely_cause("\n".join([*states, *warnings, *words]))
    parts = [likely, "; ".join(states) + "."]
    if warnings:
        parts.append("Warnings: " + " | ".join(warnings) + ".")
    if words:
        parts.append("Its last lines: " + " | ".join(words))
    return " ".join(part for part in parts if part)


def pod_state(pod: dict[str, Any]) -> str:
    """Phase, node and what each unready container is doing, in one phrase."""
    status = pod.get("status") or {}
    node = (pod.get("spec") or {}).get("nodeName")
    told = [f"{status.get('phase', 'Unknown')} on {node}" if node else f"{status.get('phase', 'Unknown')}, on no node"]
    conditions = status.get("conditions") or []
    unscheduled = [one for one in conditions if one["type"] == "PodScheduled" and one["status"] != "True"]
    told.extend(_short(one.get("message", "")) for one in unscheduled)
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        state, last = container.get("state") or {}, container.get("lastState") or {}
        name = container["name"]
        if "waiting" in state:
            told.append(f"{name} waits: {state['waiting'].get('reason')} {_short(state['waiting'].get('message', ''))}")
        ends = [one["terminated"] for one in (state, last) if (one.get("terminated") or {}).get("exitCode")]
        told.extend(f"{name} ended: {one.get('reason')}, exit code {one['exitCode']}" for one in ends)
        if "running" in state and not container.get("ready"):
            told.append(f"{name} runs and is not ready, {container.get('restartCount', 0)} restarts")
    return ", ".join(part.strip() for part in told if part.strip())


def warnings_about(events: list[dict[str, Any]], workload: str, pods: set[str]) -> list[str]:
    """The newest warning of each reason about the workload, its replica sets and its pods; at most five."""
    chosen: dict[tuple[str, str], tuple[str, str]] = {}
    for event in events:
        involved = event.get("involvedObject") or {}
        name = str(involved.get("name", ""))
        if name != workload and name not in pods and not name.startswith(f"{workload}-"):
            continue
        when = str(event.get("lastTimestamp") or event.get("eventTime") or "")
        key = (str(event.get("reason")), str(involved.get("kind")))
        if key not in chosen or chosen[key][0] < when:
            chosen[key] = (when, f"{event.get('reason')}: {_short(event.get('message', ''))}")
    return [text for _when, text in sorted(chosen.values(), reverse=True)][:5]


def likely_cause(text: str) -> str:
    """The likely cause with its next step, or nothing."""
    for pattern, cause, step in LIKELY_CAUSES:
        if re.search(pattern, text, re.IGNORECASE):
            return f"Likely cause: {cause}; {step}."
    return ""


def _last_words(api: Api, namespace: str, pods: list[dict[str, Any]]) -> list[str]:
    for pod in pods:
        for container in (pod.get("status") or {}).get("containerStatuses") or []:
            if container.get("ready"):
                continue
            crashed = "waiting" in (container.get("state") or {}) and container.get("restartCount", 0) > 0
            query = {"container": container["name"], "tailLines": str(LOG_LINES)}
            if crashed:
                query["previous"] = "true"
            try:
                text = api.text(f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}/log", **query)
            except ClusterError:
                continue
            if text.strip():
                return [_short(line) for line in text.strip().splitlines()[-LOG_LINES:]]
    return []


def _as_selector(labels: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _short(text: str) -> str:
    flat = " ".join(str(text).split())
    return flat if len(flat) <= LONGEST else flat[: LONGEST - 1] + "…"
