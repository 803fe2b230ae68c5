"""What keeps a workload from running on a cluster that is itself well."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tools.recorder.programs import k3s_manifests as make

if TYPE_CHECKING:
    from tools.recorder.programs.k3s import Cluster

SCHEDULER = ("scheduler", "default-scheduler")
WHERE = "shop"


def record(cluster: Cluster) -> None:
    """Every fault three times, on two servers that run one after the other."""
    with cluster.running(cluster.pod()):
        cluster.apply(make.namespace(WHERE))
        cluster.wait_until(["get", "serviceaccount", "default", "-n", WHERE], "default")
        _scheduling(cluster)
        _storage(cluster)
    with cluster.running(cluster.pod()):
        _admission(cluster)
        _running(cluster)


def _provoke(  # noqa: PLR0913 -- the fields of the truth, named at every call
    cluster: Cluster,
    cause: str,
    objects: Sequence[make.Object],
    *,
    severity: str,
    component: tuple[str, str],
    evidence: str,
    description: str,
    values: dict[str, str],
    before: Sequence[make.Object] = (),
    seconds: float = 60,
) -> None:
    """`before` is brought to the cluster outside of the window, `objects` within it; both are taken away after it."""
    cluster.apply(*before)
    if before:
        time.sleep(2)
    since = time.time_ns()
    with cluster.recording.fault(
        cause,
        severity=severity,
        component=component,
        evidence=[evidence],
        description=description,
        values=values,
    ):
        cluster.apply(*objects)
        cluster.events.wait_for(evidence, seconds, since)
        time.sleep(2)
    cluster.delete(*objects, *before)
    time.sleep(1)


def _scheduling(cluster: Cluster) -> None:
    for resource, amount in (("cpu", "64"), ("memory", "900Gi"), ("nvidia.com/gpu", "1")):
        asked = {"requests": {resource: amount}, "limits": {resource: amount}}
        _provoke(
            cluster,
            "insufficient_capacity",
            [make.deployment("trainer", WHERE, make.container(resources=asked))],
            severity="ERROR",
            component=SCHEDULER,
            evidence=rf"FailedScheduling.*Insufficient {resource}",
            description="A pod asks for more than any node has",
            values={resource: amount},
        )
    for key, value in (("heavy", "true"), ("dedicated", "database"), ("maintenance", "tonight")):
        cluster.kubectl("taint", "node", "node-1", f"{key}={value}:NoSchedule")
        _provoke(
            cluster,
            "untolerated_taint",
            [make.deployment("web", WHERE)],
            severity="ERROR",
            component=SCHEDULER,
            evidence=r"FailedScheduling.*untolerated taint",
            description="The only node has a taint that the pod does not tolerate",
            values={"taint": f"{key}={value}:NoSchedule"},
        )
        cluster.kubectl("taint", "node", "node-1", f"{key}-")
    for key, value in (("hardware", "heavy"), ("disk", "ssd"), ("topology.kubernetes.io/zone", "west")):
        _provoke(
            cluster,
            "affinity_unsatisfied",
            [make.deployment("web", WHERE, nodeSelector={key: value})],
            severity="ERROR",
            component=SCHEDULER,
            evidence=r"FailedScheduling.*didn't match Pod's node affinity/selector",
            description="No node has the label that the pod asks for",
            values={key: value},
        )
    for amount in ("1100m", "1300m", "1500m"):
        asking = make.container(resources={"requests": {"cpu": amount}})
        important = make.thing("PriorityClass", "important", api="scheduling.k8s.io/v1", value=100000)
        _provoke(
            cluster,
            "preempted",
            [make.deployment("checkout", WHERE, asking, priorityClassName="important")],
            severity="WARN",
            component=SCHEDULER,
            evidence=r"Preempted +pod/",
            description="A pod has to go, since one of higher priority needs its place",
            values={"cpu": amount},
            before=[important, make.deployment("batch", WHERE, asking)],
        )


def _storage(cluster: Cluster) -> None:
    for missing, size in (("fast", "1Gi"), ("nvme", "5Gi"), ("longhorn", "20Gi")):
        _provoke(
            cluster,
            "pvc_unbound",
            [make.claim("data", WHERE, size, missing), make.pod("db-0", WHERE, **make.using("data"))],
            severity="ERROR",
            component=("pv_controller", "persistentvolume-controller"),
            evidence=r"ProvisioningFailed|FailedScheduling.*unbound immediate PersistentVolumeClaims",
            description="A claim names a storage class that does not exist",
            values={"class": missing, "size": size},
        )
    for node, size in (("node-2", "1Gi"), ("old-node", "2Gi"), ("node-1.lan", "10Gi")):
        _provoke(
            cluster,
            "volume_node_affinity_conflict",
            [make.pod("db-0", WHERE, **make.using("data"))],
            severity="ERROR",
            component=SCHEDULER,
            evidence=r"FailedScheduling.*(volume node affinity conflict|didn't match PersistentVolume's node affinity)",
            description="A pod's volume lies on a node that is not there",
            values={"node": node},
            before=[
                make.local_volume(f"disk-{node}", size, "local", node),
                make.claim("data", WHERE, size, "local"),
            ],
        )


def _admission(cluster: Cluster) -> None:
    for name, limit, replicas in (("pods", "1", 3), ("requests.cpu", "200m", 2), ("requests.memory", "100Mi", 2)):
        asking = make.container(resources={"requests": {"cpu": "150m", "memory": "80Mi"}})
        _provoke(
            cluster,
            "quota_exceeded",
            [make.deployment("web", WHERE, asking, replicas=replicas)],
            severity="ERROR",
            component=("apiserver", "kube-apiserver"),
            evidence=r"FailedCreate.*exceeded quota",
            description="The namespace's quota is used up",
            values={name: limit},
            before=[make.thing("ResourceQuota", "budget", WHERE, spec={"hard": {name: limit}})],
        )
    denied: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
        ("privileged", {"securityContext": {"privileged": True}}, {}),
        ("hostNetwork", {}, {"hostNetwork": True}),
        ("hostPath", {}, {"volumes": [{"name": "root", "hostPath": {"path": "/"}}]}),
    )
    for what, main, spec in denied:
        where = f"strict-{what.lower()}"
        _provoke(
            cluster,
            "admission_denied",
            [make.deployment("agent", where, make.container(**main), **spec)],
            severity="ERROR",
            component=("apiserver", "kube-apiserver"),
            evidence=r"FailedCreate.*violates PodSecurity",
            description="The namespace's pod security level forbids the pod",
            values={"forbidden": what},
            before=[make.namespace(where, **{"pod-security.kubernetes.io/enforce": "baseline"})],
        )
    for seconds, address in ((1, "10.99.0.7"), (2, "10.99.0.8"), (3, "10.99.0.9")):
        cluster.recording.sandbox.unreachable(address)
        hook = {
            "name": "check.policies.lab",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "timeoutSeconds": seconds,
            "clientConfig": {"url": f"https://{address}:8443/validate"},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        }
        _provoke(
            cluster,
            "webhook_timeout",
            [make.deployment("web", WHERE)],
            severity="ERROR",
            component=("apiserver", "kube-apiserver"),
            evidence=r"FailedCreate.*failed calling webhook",
            description="The webhook that has to allow pods does not answer",
            values={"address": address, "seconds": str(seconds)},
            before=[
                make.thing(
                    "ValidatingWebhookConfiguration",
                    "policies",
                    api="admissionregistration.k8s.io/v1",
                    webhooks=[hook],
                )
            ],
        )


def _running(cluster: Cluster) -> None:
    for code, backoff in ((1, 0), (3, 1), (7, 0)):
        _provoke(
            cluster,
            "backoff_limit",
            [make.job("nightly", WHERE, make.container(["/bin/busybox", "sh", "-c", f"exit {code}"]), backoff)],
            severity="ERROR",
            component=("job_controller", "job-controller"),
            evidence=r"BackoffLimitExceeded",
            description="A job has failed as often as it may",
            values={"exit": str(code), "backoff": str(backoff)},
            seconds=90,
        )
    for metric, name in (("cpu", "web"), ("memory", "cart"), ("cpu", "search")):
        target = {"type": "Utilization", "averageUtilization": 70}
        scaler = make.thing(
            "HorizontalPodAutoscaler",
            name,
            WHERE,
            api="autoscaling/v2",
            spec={
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                "maxReplicas": 3,
                "metrics": [{"type": "Resource", "resource": {"name": metric, "target": target}}],
            },
        )
        asking = make.container(resources={"requests": {"cpu": "50m", "memory": "20Mi"}})
        _provoke(
            cluster,
            "metrics_unavailable",
            [scaler],
            severity="WARN",
            component=("hpa", "horizontal-pod-autoscaler"),
            evidence=r"FailedGetResourceMetric|FailedComputeMetricsReplicas",
            description="The autoscaler gets no metrics, since nothing serves them",
            values={"metric": metric},
            before=[make.deployment(name, WHERE, asking)],
            seconds=90,
        )
