"""Reads the running platform through the API, section by section, and holds it against what is expected."""

from __future__ import annotations

import importlib
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from .. import loki_answers, pod_http
from ..cluster_api import ClusterApi, ClusterError, RefusedError
from . import certificates, gateway, logs, models, nodes
from .rows import Row, Topic

_HOT_REPEATS = 5
_ANSWER_SECONDS = 30.0


@dataclass(frozen=True)
class Expected:
    """What the inventory says of the platform; `nodes` as in `nodes.node_rows`."""

    components: tuple[str, ...]
    nodes: Mapping[str, Mapping[str, Any]]
    storage_dir: str
    storage_node: str
    models: Sequence[Mapping[str, Any]]
    retention: str

    def topic(self, section: str, component: str) -> Topic:
        """The rows of a component."""
        return Topic(section, component, self.components)


def rows(api: ClusterApi, expected: Expected) -> list[Row]:
    """All rows that reading alone can give."""
    found_nodes, pods = api.get("/api/v1/nodes")["items"], api.get("/api/v1/pods")["items"]
    still = datetime.now(timezone.utc) - timedelta(minutes=10)  # noqa: UP017 - Python 3.9
    return [
        *nodes.node_rows(found_nodes, expected.nodes),
        nodes.metrics_row(_items(api, "/apis/metrics.k8s.io/v1beta1/nodes"), list(expected.nodes)),
        *nodes.placement_rows(pods, found_nodes, expected.components),
        nodes.restart_row(pods, still.strftime("%Y-%m-%dT%H:%M:%SZ")),
        *certificates.rows(api, expected.topic(nodes.SECTION, "envoy_gateway")),
        *_gateway(api, pods, expected),
        *_logs(api, pods, found_nodes, expected),
        *_models(api, pods, expected),
    ]


def _gateway(api: ClusterApi, pods: nodes.Objects, expected: Expected) -> list[Row]:
    topic = expected.topic(gateway.SECTION, "envoy_gateway")
    base = "/apis/gateway.networking.k8s.io/v1"
    gateways = _items(api, f"{base}/gateways")
    deployments = _items(api, f"/apis/apps/v1/namespaces/{gateway.NAMESPACE}/deployments") or []
    for one in deployments:
        one["kind"] = "Deployment"  # a list does not repeat its kind
    labels = {"gateway.envoyproxy.io/owning-gateway-name": "eg"}
    address = gateway.address_of(gateways)
    status, location = (0, "") if topic.off or not address else _redirect(f"http://{address}/grafana")
    both = Topic.needing(gateway.SECTION, ("grafana", "envoy_gateway"), expected.components)
    return [
        *gateway.gateway_rows(
            deployments, _items(api, f"{base}/gatewayclasses"), gateways, _items(api, f"{base}/httproutes"), topic
        ),
        gateway.log_row(_log(api, nodes.selected(pods, gateway.NAMESPACE, labels), 50, "envoy"), topic),
        gateway.redirect_row(address, status, location, both),
    ]


def _logs(api: ClusterApi, pods: nodes.Objects, found_nodes: nodes.Objects, expected: Expected) -> list[Row]:
    alloy, loki = expected.topic(logs.SECTION, "alloy"), expected.topic(logs.SECTION, "loki")
    grafana = expected.topic(logs.SECTION, "grafana")
    collectors = nodes.selected(pods, "logging", {"app.kubernetes.io/name": "alloy"})
    claim = api.find("/api/v1/namespaces/logging/persistentvolumeclaims/storage-loki-0")
    answers = [] if loki.off else [(query, _query(api, query)) for query in logs.QUERIES]
    hot = [] if loki.off else [_query(api, logs.QUERIES[0]) for _ in range(_HOT_REPEATS)]
    health = (0, "") if grafana.off else _ask(api, "logging", "grafana", 3000, "/api/health")
    config = "" if loki.off else _ask(api, "logging", "loki", 3100, "/config")[1]
    return [
        *logs.alloy_rows(pods, found_nodes, _log(api, collectors, 20), alloy),
        logs.volume_row(
            claim,
            _volume(api, claim),
            expected.storage_dir,
            expected.storage_node,
            "kubectl get pvc -n logging",
            loki,
        ),
        *logs.query_rows(answers or [(query, "") for query in logs.QUERIES], expected.components),
        logs.hot_query_row([one.seconds for one in hot if not isinstance(one, str)], loki),
        logs.retention_row(config, expected.retention, loki),
        logs.grafana_row(*health, grafana),
    ]


def _models(api: ClusterApi, pods: nodes.Objects, expected: Expected) -> list[Row]:
    topic = expected.topic(models.SECTION, "llama_cpp")
    claim = api.find("/api/v1/namespaces/llm/persistentvolumeclaims/llama-models")
    found = [
        logs.volume_row(
            claim,
            _volume(api, claim),
            expected.storage_dir,
            expected.storage_node,
            "kubectl get pv | grep llama",
            topic,
        )
    ]
    for model in expected.models:
        name = str(model["name"])
        running = nodes.selected(pods, "llm", {"app": name})
        deployment = api.find(f"/apis/apps/v1/namespaces/llm/deployments/{name}")
        listing = "" if topic.off else _exec(api, running, ["ls", "-ln", "/models/"])
        found += [models.argument_row(deployment, model, topic), models.file_row(listing, model, topic)]
        if model.get("mode", "chat") == "chat":
            found.append(models.log_row(_log(api, running, 2000), topic))
    return found


def _items(api: ClusterApi, path: str) -> list[dict[str, Any]] | None:
    """The items of a list; None where the API has none of the kind or its server does not answer."""
    try:
        found = api.find(path)
    except RefusedError:
        return None
    return None if found is None else list(found["items"])


def _volume(api: ClusterApi, claim: dict[str, Any] | None) -> dict[str, Any] | None:
    name = (claim or {}).get("spec", {}).get("volumeName")
    return api.find(f"/api/v1/persistentvolumes/{name}") if name else None


def _log(api: ClusterApi, pods: nodes.Objects, lines: int, container: str = "") -> str:
    """The last lines of each pod's log; of its first container unless one is named."""
    told = []
    for pod in pods:
        meta = pod["metadata"]
        chosen = container or pod["spec"]["containers"][0]["name"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/log"
        try:
            told.append(api.text(path, container=chosen, tailLines=str(lines)))
        except RefusedError:
            continue
    return "\n".join(told)


def _query(api: ClusterApi, query: str) -> loki_answers.Found | str:
    now = datetime.now(timezone.utc).timestamp()  # noqa: UP017 - Python 3.9
    ask = loki_answers.by_service(api, "logging", "loki", 3100, _ANSWER_SECONDS)
    try:
        return loki_answers.find_lines(ask, query, now - 3600, now, 1000)
    except (loki_answers.LokiError, ClusterError) as error:
        return str(error)


def _ask(api: ClusterApi, namespace: str, service: str, port: int, path: str) -> tuple[int, str]:
    try:
        answer = pod_http.ask_service(api, namespace, service, port, path)
    except ClusterError as error:
        return 0, str(error)
    return answer.status, answer.body.decode("utf-8", "replace")


def _exec(api: ClusterApi, pods: nodes.Objects, command: list[str]) -> str:
    if not pods:
        return "no pod"
    core = importlib.import_module("kubernetes.client").CoreV1Api(api.client)
    stream = importlib.import_module("kubernetes.stream").stream
    meta = pods[0]["metadata"]
    try:
        told = stream(
            core.connect_get_namespaced_pod_exec,
            meta["name"],
            meta["namespace"],
            command=command,
            stdout=True,
            stderr=True,
            stdin=False,
            tty=False,
        )
    except Exception as error:  # noqa: BLE001 - the package raises errors of its own
        return f"the command could not be run: {error}"
    return str(told)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:  # noqa: ANN401 - six parts of an answer that are not looked at
        return None


def _redirect(url: str) -> tuple[int, str]:
    """Status and Location; one step to https is followed, as a redirect there may be wanted."""
    certificate_of_its_own = ssl._create_unverified_context()  # noqa: S323 - only where it leads is looked at
    opener = urllib.request.build_opener(_Stay, urllib.request.HTTPSHandler(context=certificate_of_its_own))
    for _ in range(2):
        status, location = _head(opener, url)
        if status != 301 or not location.startswith("https://"):
            break
        url = location
    return status, location


def _head(opener: urllib.request.OpenerDirector, url: str) -> tuple[int, str]:
    try:
        with opener.open(urllib.request.Request(url, method="HEAD"), timeout=10) as answer:  # noqa: S310 - http or https of the gateway
            return int(answer.status), ""
    except urllib.error.HTTPError as error:
        return int(error.code), error.headers.get("Location", "")
    except OSError as error:
        return 0, str(error)
