"""Each expectation holds where it should, fails where it should, and says so where its component is off."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.loki_answers import Found
from ansible_collections.homelab.log_intelligence.plugins.module_utils.verification import (
    gateway,
    logs,
    models,
    nodes,
)
from ansible_collections.homelab.log_intelligence.plugins.module_utils.verification.rows import (
    Row,
    Topic,
)

_TAINT = {"key": "heavy", "value": "true", "effect": "NoSchedule"}
_WANTED = {
    "node-1": {"labels": {"hardware": "light"}, "taints": [], "server": True},
    "node-2": {"labels": {"hardware": "heavy"}, "taints": [_TAINT], "server": False},
}
_ON = ("loki", "alloy", "grafana", "envoy_gateway", "llama_cpp")
_MODEL = {"name": "llama-cpp", "file": "small.gguf", "size_bytes": 98362432, "threads": 14, "slots": 2}


def _node(
    name: str, hardware: str, *, server: bool = False, taints: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    labels = {"hardware": hardware} | ({"node-role.kubernetes.io/control-plane": "true"} if server else {})
    ready = [{"type": "Ready", "status": "True"}]
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"taints": taints or []},
        "status": {"conditions": ready},
    }


def _pod(name: str, namespace: str, labels: dict[str, str], node: str, **status: Any) -> dict[str, Any]:
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"nodeName": node, "containers": [{"name": name}]},
        "status": ready | status,
    }


def _verdicts(rows: list[Row]) -> dict[str, str]:
    return {row.name: row.verdict for row in rows}


@pytest.fixture
def both() -> list[dict[str, Any]]:
    return [_node("node-1", "light", server=True), _node("node-2", "heavy", taints=[_TAINT])]


def test_nodes_as_the_inventory_says_pass(both: list[dict[str, Any]]) -> None:
    assert set(_verdicts(nodes.node_rows(both, _WANTED)).values()) == {"passed"}


@pytest.mark.parametrize(
    ("broken", "row"),
    [
        (lambda node: node["metadata"]["labels"].pop("hardware"), "labels of node-2"),
        (lambda node: node["spec"].update(taints=[]), "taints of node-2"),
        (lambda node: node["status"].update(conditions=[{"type": "Ready", "status": "False"}]), "node-2 is ready"),
        (lambda node: node["metadata"]["labels"].update({"node-role.kubernetes.io/etcd": ""}), "role of node-2"),
    ],
)
def test_one_thing_wrong_with_a_node_fails_one_row_with_the_next_step(
    both: list[dict[str, Any]], broken: Any, row: str
) -> None:
    broken(both[1])
    rows = nodes.node_rows(both, _WANTED)
    assert [one.name for one in rows if one.verdict == "failed"] == [row]
    assert all(one.next_step for one in rows if one.verdict == "failed")


def test_a_node_that_is_missing_fails_and_breaks_nothing(both: list[dict[str, Any]]) -> None:
    assert _verdicts(nodes.node_rows(both[:1], _WANTED))["node-2 is ready"] == "failed"


def test_a_taint_of_kubernetes_own_is_not_the_inventorys(both: list[dict[str, Any]]) -> None:
    both[0]["spec"]["taints"] = [{"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}]
    assert _verdicts(nodes.node_rows(both, _WANTED))["taints of node-1"] == "passed"


def test_a_pod_on_the_wrong_node_and_a_component_without_pods_fail(both: list[dict[str, Any]]) -> None:
    pods = [
        _pod("loki-0", "logging", {"app.kubernetes.io/name": "loki"}, "node-1"),
        _pod("llama", "llm", {"app": "llama-cpp"}, "node-2"),
    ]
    verdicts = _verdicts(nodes.placement_rows(pods, both, ("loki", "llama_cpp", "alloy")))
    assert verdicts["placement of loki"] == "failed"
    assert verdicts["placement of llama-cpp"] == "passed"
    assert verdicts["placement of alloy"] == "failed"
    assert verdicts["placement of grafana"] == "off"


def test_a_collector_on_each_node_is_asked_for(both: list[dict[str, Any]]) -> None:
    labels = {"app.kubernetes.io/name": "alloy"}
    pods = [_pod("a", "logging", labels, "node-1"), _pod("b", "logging", labels, "node-2")]
    assert _verdicts(nodes.placement_rows(pods, both, ("alloy",)))["placement of alloy"] == "passed"
    assert _verdicts(nodes.placement_rows(pods[:1], both, ("alloy",)))["placement of alloy"] == "failed"


def test_a_restart_long_ago_is_forgiven_and_a_loop_is_not() -> None:
    old = {"restartCount": 3, "state": {}, "lastState": {"terminated": {"finishedAt": "2026-01-01T00:00:00Z"}}}
    loop = {"restartCount": 9, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    still = "2026-06-01T00:00:00Z"
    assert nodes.restart_row([_pod("a", "llm", {}, "node-1", containerStatuses=[old])], still).verdict == "passed"
    row = nodes.restart_row([_pod("b", "llm", {}, "node-1", containerStatuses=[loop])], still)
    assert (row.verdict, row.measured) == ("failed", "llm/b (9)")
    new = old | {"lastState": {"terminated": {"finishedAt": "2026-06-01T00:00:01Z"}}}
    row = nodes.restart_row([_pod("c", "llm", {}, "node-1", containerStatuses=[new])], still)
    assert (row.verdict, row.measured) == ("failed", "llm/c (3)")


def test_the_metrics_server_must_tell_of_each_node() -> None:
    usage = [{"metadata": {"name": name}, "usage": {"cpu": cpu}} for name, cpu in (("node-1", "250m"), ("node-2", "2"))]
    row = nodes.metrics_row(usage, list(_WANTED))
    assert (row.verdict, row.measured) == ("passed", "node-2 2.00 cores, node-1 0.25 cores")
    assert nodes.metrics_row(usage[:1], list(_WANTED)).verdict == "failed"
    assert nodes.metrics_row(None, list(_WANTED)).verdict == "failed"


def test_collectors_must_be_ready_and_their_log_without_errors(both: list[dict[str, Any]]) -> None:
    labels, topic = {"app.kubernetes.io/name": "alloy"}, Topic("Logs", "alloy", _ON)
    pods = [_pod("a", "logging", labels, "node-1"), _pod("b", "logging", labels, "node-2")]

    def verdicts(log: str) -> list[str]:
        return [row.verdict for row in logs.alloy_rows(pods, both, log, topic)]

    assert verdicts("level=info msg=up") == ["passed", "passed"]
    assert verdicts("level=info msg=up\nlevel=error msg=refused") == ["passed", "failed"]
    assert verdicts("") == ["passed", "failed"]
    pods[1]["status"]["conditions"][0]["status"] = "False"
    assert verdicts("level=info msg=up") == ["failed", "passed"]


@pytest.mark.parametrize(("given", "cores"), [("250m", 0.25), ("1500000000n", 1.5), ("2", 2.0), ("12u", 0.000012)])
def test_quantities_of_cores(given: str, cores: float) -> None:
    assert nodes.cpu_cores(given) == pytest.approx(cores)


def test_a_gateway_that_the_api_does_not_know_fails_and_one_that_is_off_says_so() -> None:
    on, off = Topic("Gateway", "envoy_gateway", _ON), Topic("Gateway", "envoy_gateway", ())
    assert {row.verdict for row in gateway.gateway_rows([], None, None, None, on)} == {"failed"}
    assert {row.verdict for row in gateway.gateway_rows([], None, None, None, off)} == {"off"}


def test_a_programmed_gateway_with_a_resolved_route_passes() -> None:
    held = [{"type": kind, "status": "True"} for kind in ("Accepted", "Programmed", "ResolvedRefs")]
    meta = {"name": "eg", "namespace": "default", "generation": 1}
    deployment = {
        "kind": "Deployment",
        "metadata": meta,
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "updatedReplicas": 1, "availableReplicas": 1, "replicas": 1},
    }
    found = {"metadata": meta, "status": {"conditions": held, "addresses": [{"value": "10.0.0.102"}]}}
    route = {"metadata": meta, "status": {"parents": [{"conditions": held}]}}
    rows = gateway.gateway_rows([deployment], [found], [found], [route], Topic("Gateway", "envoy_gateway", _ON))
    assert {row.verdict for row in rows} == {"passed"}


@pytest.mark.parametrize(
    ("status", "location", "verdict"),
    [
        (302, "/grafana/login", "passed"),
        (200, "", "failed"),
        (0, "refused", "failed"),
        (302, "http://elsewhere/", "failed"),
    ],
)
def test_grafana_must_lead_to_its_login(status: int, location: str, verdict: str) -> None:
    topic = Topic("Gateway", "envoy_gateway", _ON)
    assert gateway.redirect_row("10.0.0.102", status, location, topic).verdict == verdict


def _volume(path: str, node: str, policy: str = "Retain") -> dict[str, Any]:
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
    affinity = {"required": {"nodeSelectorTerms": [term]}}
    return {"spec": {"local": {"path": path}, "nodeAffinity": affinity, "persistentVolumeReclaimPolicy": policy}}


@pytest.mark.parametrize(
    ("volume", "verdict"),
    [
        (_volume("/mnt/k8s-storage/loki", "node-2"), "passed"),
        (_volume("/var/lib/rancher/k3s/storage/x", "node-2"), "failed"),
        (_volume("/mnt/k8s-storage/loki", "node-1"), "failed"),
        (_volume("/mnt/k8s-storage/loki", "node-2", "Delete"), "failed"),
        (None, "failed"),
    ],
)
def test_a_volume_must_be_kept_and_lie_on_the_data_disk(volume: dict[str, Any] | None, verdict: str) -> None:
    claim = {"status": {"phase": "Bound"}}
    topic = Topic("Logs", "loki", _ON)
    assert logs.volume_row(claim, volume, "/mnt/k8s-storage", "node-2", "", topic).verdict == verdict


def test_lines_must_be_there_and_newest_first() -> None:
    lines = [{"timestamp": "2", "labels": {}, "text": "b"}, {"timestamp": "1", "labels": {}, "text": "a"}]
    answers: list[tuple[str, Found | str]] = [
        ("{a}", Found(lines, 0.1)),
        ("{b}", Found(lines[::-1], 0.1)),
        ("{c}", Found([], 0.1)),
        ("{d}", "Loki answers 500"),
    ]
    assert [row.verdict for row in logs.query_rows(answers, _ON)] == ["passed", "failed", "failed", "failed"]
    assert {row.verdict for row in logs.query_rows(answers, ("loki",))} == {"off"}


def test_a_query_about_the_models_needs_a_collector_and_a_model_server() -> None:
    answers: list[tuple[str, Found | str]] = [(logs.QUERIES[2], Found([], 0.1))]
    for components in (("llama_cpp",), ("alloy",)):
        assert logs.query_rows(answers, components)[0].verdict == "off"
    assert logs.query_rows(answers, _ON)[0].verdict == "failed"


def test_the_hot_query_is_judged_by_its_median() -> None:
    topic = Topic("Logs", "loki", _ON)
    assert logs.hot_query_row([0.1, 0.2, 3.0], topic).verdict == "passed"
    assert logs.hot_query_row([0.6, 0.7, 0.1], topic).verdict == "failed"
    assert logs.hot_query_row([], topic).verdict == "failed"


@pytest.mark.parametrize(
    ("config", "verdict"),
    [
        ("limits_config:\n  retention_period: 30d\ncompactor:\n  retention_enabled: true\n", "passed"),
        ("  retention_period: 4w2d\n  retention_enabled: true\n", "passed"),
        ("  retention_period: 30d\n  retention_enabled: false\n", "failed"),
        ("  retention_period: 0s\n  retention_enabled: true\n", "failed"),
        ("", "failed"),
    ],
)
def test_retention_is_what_loki_says_of_itself(config: str, verdict: str) -> None:
    assert logs.retention_row(config, "720h", Topic("Logs", "loki", _ON)).verdict == verdict


def test_a_nonce_needs_all_its_labels_and_half_a_minute() -> None:
    topic = Topic("Logs", "alloy", _ON)
    whole = {"labels": dict.fromkeys(logs.NONCE_LABELS, "x")}
    assert logs.nonce_row(whole, 12, topic).verdict == "passed"
    assert logs.nonce_row(whole, 31, topic).verdict == "failed"
    assert "without app" in logs.nonce_row({"labels": whole["labels"] | {"app": ""}}, 12, topic).measured
    assert logs.nonce_row(None, 60, topic).verdict == "failed"


def test_arguments_and_file_of_a_model() -> None:
    topic = Topic("Model server", "llama_cpp", _ON)
    arguments = ["--threads", "14", "--parallel", "2"]
    deployment = {"spec": {"template": {"spec": {"containers": [{"args": arguments}]}}}}
    listing = "total 96060\n-rw-r--r-- 1 0 0 98362432 Nov 25 09:00 small.gguf\n"
    assert models.argument_row(deployment, _MODEL, topic).verdict == "passed"
    assert models.argument_row(deployment, _MODEL | {"threads": 8}, topic).verdict == "failed"
    assert models.argument_row(None, _MODEL, topic).verdict == "failed"
    assert models.file_row(listing, _MODEL, topic).verdict == "passed"
    assert models.file_row(listing.replace("98362432", "1"), _MODEL, topic).verdict == "failed"
    assert models.file_row("no pod", _MODEL, topic).verdict == "failed"


def test_answers_of_the_model_server() -> None:
    topic = Topic("Model server", "llama_cpp", _ON)
    good = ['{"status":"ok"}', '{"data":[{"id":"small"}]}', '{"choices":[{"message":{"content":"A wrong name."}}]}']
    assert [row.verdict for row in models.answer_rows(good, "small", topic)] == ["passed"] * 3
    assert [row.verdict for row in models.answer_rows(["curl: (28) timed out"], "small", topic)] == ["failed"] * 3


@pytest.mark.parametrize(
    ("rate", "minimum", "verdict"), [(19.0, 18, "passed"), (17.0, 18, "failed"), (5.0, 0, "told"), (None, 0, "failed")]
)
def test_speed_is_judged_only_by_a_minimum(rate: float | None, minimum: float, verdict: str) -> None:
    assert models.speed_row("generating", "", rate, minimum, Topic("Model server")).verdict == verdict
