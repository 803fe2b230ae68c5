from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fake_kubernetes_api import FakeKubernetesApi, served
from tests.module_door import run_module

HEAVY = {"key": "heavy", "value": "true", "effect": "NoSchedule"}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[FakeKubernetesApi, dict[str, Any]]]:
    with served(tmp_path) as (api, kubeconfig):
        api.add_node("node-1", {"kubernetes.io/hostname": "node-1"}, [])
        api.add_node("node-2", {"kubernetes.io/hostname": "node-2"}, [])
        yield (
            api,
            {
                "node": "node-2",
                "labels": {"hardware": "heavy"},
                "taints": [HEAVY],
                "kubeconfig": str(kubeconfig),
            },
        )


def test_check_mode_predicts_the_real_run_and_the_second_run_sends_nothing(
    cluster: tuple[FakeKubernetesApi, dict[str, Any]],
) -> None:
    api, arguments = cluster

    predicted = run_module("node_placement", arguments, check=True)
    assert api.patches == []
    real = run_module("node_placement", arguments)
    again = run_module("node_placement", arguments)

    assert predicted["changed"] and real["changed"] and not again["changed"]
    assert {**predicted, "invocation": None} == {**real, "invocation": None}
    assert real["taints"] == ["heavy=true:NoSchedule"]
    assert api.nodes["node-2"]["spec"]["taints"] == [HEAVY]
    assert len(api.patches) == 1


def test_an_empty_wish_takes_back_what_was_set_and_nothing_else(
    cluster: tuple[FakeKubernetesApi, dict[str, Any]],
) -> None:
    api, arguments = cluster
    run_module("node_placement", arguments)

    run_module("node_placement", {**arguments, "labels": {}, "taints": []})

    assert api.nodes["node-2"]["metadata"]["labels"] == {"kubernetes.io/hostname": "node-2"}
    assert api.nodes["node-2"]["metadata"]["annotations"] == {}
    assert api.nodes["node-2"]["spec"]["taints"] == []


def test_a_node_altered_in_between_is_planned_anew(cluster: tuple[FakeKubernetesApi, dict[str, Any]]) -> None:
    api, arguments = cluster
    api.conflicts = 2

    assert run_module("node_placement", arguments)["changed"]
    assert api.nodes["node-2"]["metadata"]["labels"]["hardware"] == "heavy"


def test_a_node_that_never_rests_ends_in_one_sentence(cluster: tuple[FakeKubernetesApi, dict[str, Any]]) -> None:
    api, arguments = cluster
    api.conflicts = 99

    failed = run_module("node_placement", arguments)

    assert "altered by somebody else" in failed["msg"]
    assert api.patches == []


def test_an_unknown_node_is_answered_with_those_that_joined(
    cluster: tuple[FakeKubernetesApi, dict[str, Any]],
) -> None:
    _api, arguments = cluster

    failed = run_module("node_placement", {**arguments, "node": "node-3"})

    assert "joined nodes are: node-1, node-2" in failed["msg"]
    assert failed["joined_nodes"] == ["node-1", "node-2"]


def test_an_eviction_is_refused_with_the_pods_named_until_it_is_allowed(
    cluster: tuple[FakeKubernetesApi, dict[str, Any]],
) -> None:
    api, arguments = cluster
    api.pods = [{"metadata": {"namespace": "llm", "name": "chat"}, "spec": {"nodeName": "node-2"}, "status": {}}]
    evicting = {**arguments, "taints": [{**HEAVY, "effect": "NoExecute"}]}

    refused = run_module("node_placement", evicting)
    assert refused["failed"] and "llm/chat" in refused["msg"] and api.patches == []
    allowed = run_module("node_placement", {**evicting, "allow_eviction": True})

    assert allowed["changed"]
    assert allowed["impact"][0]["outcome"] == "evicted"


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_refusing_cluster_ends_in_one_paragraph(
    cluster: tuple[FakeKubernetesApi, dict[str, Any]], status: int
) -> None:
    api, arguments = cluster
    api.refuse = status

    failed = run_module("node_placement", arguments)

    assert failed["failed"]
    assert "Nothing was changed on node-2" in failed["msg"]


def test_an_absent_kubeconfig_and_a_dead_cluster_are_named(tmp_path: Path) -> None:
    with served(tmp_path) as (_api, kubeconfig):
        pass

    dead = run_module("node_placement", {"node": "node-1", "kubeconfig": str(kubeconfig)})
    absent = run_module("node_placement", {"node": "node-1", "kubeconfig": str(tmp_path / "none")})

    assert "does not answer" in dead["msg"]
    assert str(tmp_path / "none") in absent["msg"]
