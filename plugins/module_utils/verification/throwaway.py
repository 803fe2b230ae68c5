"""Pods that live for one question: made, read, and removed whatever happens."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from ..cluster_api import ClusterApi, ClusterError, RefusedError
from ..workload_diagnosis import pod_state

_LOOK_SECONDS = 1.0
_REMOVE_NOW = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0}


def manifest(name: str, namespace: str, image: str, command: list[str]) -> dict[str, Any]:
    """A pod that may do as little as possible and is not started again."""
    container = {
        "name": "verify",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}},
    }
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "activeDeadlineSeconds": 900,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    labels = {"app": "log-intelligence-verify"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": spec,
    }


@contextlib.contextmanager
def pod(api: ClusterApi, wanted: dict[str, Any]) -> Iterator[str]:
    """The pod's path in the API while it is there."""
    collection = f"/api/v1/namespaces/{wanted['metadata']['namespace']}/pods"
    path = f"{collection}/{wanted['metadata']['name']}"
    api.request("POST", collection, wanted)
    try:
        yield path
    finally:
        with contextlib.suppress(RefusedError):
            api.request("DELETE", path, _REMOVE_NOW)


def output(api: ClusterApi, path: str, timeout_seconds: float) -> str:
    """What the pod printed until it ended. Raises ClusterError with its state when it does not end in time."""
    began = time.monotonic()
    while True:
        found = api.get(path)
        if (found.get("status") or {}).get("phase") in {"Succeeded", "Failed"}:
            return api.text(f"{path}/log")
        if time.monotonic() - began > timeout_seconds:
            raise ClusterError(
                f"The pod {found['metadata']['name']} has not ended after {timeout_seconds:.0f} s: {pod_state(found)}."
            )
        time.sleep(_LOOK_SECONDS)


def wait_until_started(api: ClusterApi, path: str, timeout_seconds: float) -> None:
    """Returns when its container runs or has run. Raises ClusterError with its state otherwise."""
    began = time.monotonic()
    while (found := api.get(path)).get("status", {}).get("phase") in {None, "Pending"}:
        if time.monotonic() - began > timeout_seconds:
            raise ClusterError(f"The pod {found['metadata']['name']} did not start: {pod_state(found)}.")
        time.sleep(_LOOK_SECONDS)
