"""Objects that are brought to the recorded cluster."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
IMAGE = "registry.lab:5000/shop/web:1.0"
SLEEP = ["/bin/busybox", "sleep", "3600"]


def thing(kind: str, name: str, namespace: str | None = None, *, api: str = "v1", **fields: Any) -> Object:  # noqa: ANN401 -- JSON
    """Any object."""
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **place}, **fields}


def namespace(name: str, **labels: str) -> Object:
    """A namespace."""
    made = thing("Namespace", name)
    made["metadata"]["labels"] = labels
    return made


def container(command: list[str] | None = None, image: str = IMAGE, **fields: Any) -> Object:  # noqa: ANN401 -- JSON
    """The only container of a pod."""
    return {"name": "main", "image": image, "command": command or SLEEP, **fields}


def pod(name: str, where: str, main: Object | None = None, **spec: Any) -> Object:  # noqa: ANN401 -- JSON
    """A pod that ends at once when it is asked to."""
    whole = {"terminationGracePeriodSeconds": 1, "containers": [main or container()], **spec}
    return thing("Pod", name, where, spec=whole)


def deployment(name: str, where: str, main: Object | None = None, replicas: int = 1, **spec: Any) -> Object:  # noqa: ANN401 -- JSON
    """A deployment."""
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [main or container()], **spec},
    }
    whole = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return thing("Deployment", name, where, api="apps/v1", spec=whole)


def job(name: str, where: str, main: Object, backoff: int = 2) -> Object:
    """A job whose pods are not started again."""
    spec = {"terminationGracePeriodSeconds": 1, "restartPolicy": "Never", "containers": [main]}
    return thing("Job", name, where, api="batch/v1", spec={"backoffLimit": backoff, "template": {"spec": spec}})


def claim(name: str, where: str, size: str, storage_class: str) -> Object:
    """A claim for a volume."""
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "resources": {"requests": {"storage": size}},
    }
    return thing("PersistentVolumeClaim", name, where, spec=spec)


def local_volume(name: str, size: str, storage_class: str, node: str) -> Object:
    """A volume on the disk of one node."""
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
    spec = {
        "capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": storage_class,
        "local": {"path": f"/mnt/{name}"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
    }
    return thing("PersistentVolume", name, spec=spec)


def using(claim_name: str) -> Object:
    """The part of a pod that mounts a claim."""
    return {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}]}


def workload(where: str, image: str) -> list[Object]:
    """What an ordinary application consists of."""
    settings = thing("ConfigMap", "settings", where, data={"mode": "live"})
    service = thing("Service", "web", where, spec={"selector": {"app": "web"}, "ports": [{"port": 80}]})
    web = deployment("web", where, container(image=image, envFrom=[{"configMapRef": {"name": "settings"}}]), replicas=2)
    report = job("report", where, container(["/bin/busybox", "true"], image))
    return [namespace(where), settings, service, web, report]
