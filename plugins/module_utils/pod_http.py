"""An HTTP request to a pod through the API's port-forward, which passes network policies and gateways by."""

from __future__ import annotations

import http.client
import importlib
from typing import Any

from .cluster_api import ClusterApi, ClusterError


class PodAnswer:
    """Status and body of an answer."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body


def pods_of_service(api: ClusterApi, namespace: str, service: str, port: int) -> list[tuple[str, int]]:
    """The ready pods behind `service`, each with the container port that its `port` leads to."""
    base = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    found = api.get(base, labelSelector=f"kubernetes.io/service-name={service}")["items"]
    named = api.get(f"/api/v1/namespaces/{namespace}/services/{service}")["spec"]["ports"]
    wanted = next((one for one in named if one["port"] == port), None)
    if wanted is None:
        raise ClusterError(f"The Service {namespace}/{service} has no port {port}.")
    pods = []
    for part in found:
        inner = next(
            (one["port"] for one in part.get("ports") or [] if one.get("name", "") == wanted.get("name", "")), 0
        )
        for endpoint in part.get("endpoints") or []:
            target = endpoint.get("targetRef") or {}
            if inner and target.get("kind") == "Pod" and (endpoint.get("conditions") or {}).get("ready") is not False:
                pods.append((str(target["name"]), int(inner)))
    return pods


def ready_pod(api: ClusterApi, namespace: str, service: str, port: int) -> tuple[str, int]:
    """One of the pods behind `service`, with its port. Raises ClusterError when none is ready."""
    pods = pods_of_service(api, namespace, service, port)
    if not pods:
        raise ClusterError(f"No pod is ready behind the Service {namespace}/{service}.")
    return pods[0]


def open_socket(api: ClusterApi, namespace: str, pod: str, port: int) -> Any:  # noqa: ANN401 - the package's stand-in of a socket
    """A stream to `port` of the pod. The package `kubernetes` raises errors of its own when it is refused."""
    core = importlib.import_module("kubernetes.client").CoreV1Api(api.client)
    stream = importlib.import_module("kubernetes.stream")
    return stream.portforward(core.connect_get_namespaced_pod_portforward, pod, namespace, ports=str(port)).socket(port)


def ask_service(  # noqa: PLR0913 - the parts of one request
    api: ClusterApi,
    namespace: str,
    service: str,
    port: int,
    path: str,
    *,
    timeout_seconds: float = 10.0,
    headers: dict[str, str] | None = None,
) -> PodAnswer:
    """GET `path` from a pod of `service`. Raises ClusterError when no pod is ready or none answers."""
    pod, inner = ready_pod(api, namespace, service, port)
    try:
        return _ask(open_socket(api, namespace, pod, inner), pod, path, timeout_seconds, headers or {})
    except (OSError, http.client.HTTPException) as error:
        raise ClusterError(f"The pod {namespace}/{pod} does not answer on port {inner}: {error}.") from error
    except Exception as error:  # the package raises errors of its own for a refused websocket
        raise ClusterError(f"No tunnel to the pod {namespace}/{pod} could be opened: {error}.") from error


def _ask(
    socket: Any,  # noqa: ANN401 - the stand-in of a socket that the package kubernetes gives
    pod: str,
    path: str,
    timeout_seconds: float,
    headers: dict[str, str],
) -> PodAnswer:
    connection = http.client.HTTPConnection(pod, timeout=timeout_seconds)
    socket.settimeout(timeout_seconds)
    connection.sock = socket
    try:
        connection.request("GET", path, headers={"Connection": "close", **headers})
        answer = connection.getresponse()
        return PodAnswer(answer.status, answer.read())
    finally:
        connection.close()
