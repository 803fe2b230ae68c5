"""The platform comes to a real cluster, each part where it belongs; a second run changes nothing; verify holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster.platform.scene import STORAGE, Platform
from tests.cluster.playbook import Run
from tests.cluster.site import until

pytestmark = pytest.mark.integration
_LOKI, _LLAMA = "app.kubernetes.io/name=loki", "app=llama-cpp"


def _verified(platform: Platform) -> list[dict[str, str]]:
    path = platform.state / "verification.json"
    rows: list[dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return rows


def test_loki_runs_on_the_node_with_the_data_disk(platform: Platform, deployed: Run) -> None:
    assert platform.node_of("logging", _LOKI) == {"node-2"}


def test_lokis_claim_is_bound_to_the_volume_of_the_data_disk(platform: Platform, deployed: Run) -> None:
    claim = platform.site.get("pvc", "storage-loki-0", "-n", "logging")
    assert (claim["status"]["phase"], claim["spec"]["volumeName"]) == ("Bound", "loki")
    written = platform.site.lab["node-2"].run("find", f"{STORAGE}/loki", "-type", "f").split()
    assert written, "Loki has written nothing to the data disk"


def test_the_model_server_runs_on_the_heavy_node_and_is_ready(platform: Platform, deployed: Run) -> None:
    assert platform.node_of("llm", _LLAMA) == {"node-2"}
    assert platform.site.get("deployment", "llama-cpp", "-n", "llm")["status"]["readyReplicas"] == 1


def test_the_model_server_answers_a_question_from_a_pod_of_its_namespace(platform: Platform, deployed: Run) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "What is a pod?"}], "max_tokens": 24})
    answer = json.loads(platform.curl("llm", "http://llama-cpp:8080/v1/chat/completions", body))
    assert answer["choices"][0]["message"]["content"].strip()
    assert answer["timings"]["predicted_per_second"] > 0


def test_what_no_flow_allows_does_not_pass(platform: Platform, deployed: Run) -> None:
    if "Skipping network policy controller" in platform.site.lab["node-2"].run("journalctl", "--no-pager", "--boot"):
        pytest.skip("this K3s finds no ipset and enforces no network policy: its own build carries ipset")
    assert "timed out" in platform.curl("default", "http://llama-cpp.llm:8080/health").lower()


def test_a_second_run_changes_nothing(platform: Platform, deployed: Run, figures: dict[str, Any]) -> None:
    run = platform.play("playbooks/platform.yml", "--tags", platform.given.tags, name="second")
    assert run.status == 0, run.end
    assert run.changed == []
    figures["second_run_seconds"] = round(run.seconds, 1)


def test_check_mode_predicts_that_nothing_would_change(platform: Platform, deployed: Run) -> None:
    run = platform.play("playbooks/platform.yml", "--check", "--diff", "--tags", platform.given.tags, name="check")
    assert run.status == 0, run.end
    assert run.changed == []


def test_verify_finds_every_row_as_expected(platform: Platform, deployed: Run, figures: dict[str, Any]) -> None:
    run = platform.play("playbooks/verify.yml")
    assert run.status == 0, run.end
    rows = _verified(platform)
    assert [row for row in rows if row["verdict"] == "failed"] == []
    assert {row["section"] for row in rows if row["verdict"] == "passed"} >= {"Nodes", "Model server"}
    figures["verify_seconds"] = round(run.seconds, 1)
    figures["verified_rows"] = sum(row["verdict"] == "passed" for row in rows)


def test_the_walk_through_shows_every_step(platform: Platform, deployed: Run) -> None:
    run = platform.play("playbooks/walkthrough.yml")
    assert run.status == 0, run.end
    assert run.changed == []
    assert "What to notice" in run.text


def test_verify_says_what_is_broken(platform: Platform, deployed: Run) -> None:
    platform.site.k3s.kubectl(platform.site.kubeconfig, "label", "node", "node-2", "hardware-")
    try:
        run = platform.play("playbooks/verify.yml", name="broken")
    finally:
        platform.site.k3s.kubectl(platform.site.kubeconfig, "label", "node", "node-2", "hardware=heavy")
    assert run.status != 0
    failed = [row["name"] for row in _verified(platform) if row["verdict"] == "failed"]
    assert "labels of node-2" in failed


def test_a_component_is_taken_off_and_its_volume_kept(platform: Platform, deployed: Run) -> None:
    before = platform.site.get("pvc", "storage-loki-0", "-n", "logging")["metadata"]["uid"]
    run = platform.play("playbooks/uninstall.yml", "-e", "uninstall_component=loki")
    assert run.status == 0, run.end
    until(lambda: not platform.node_of("logging", _LOKI), 60)
    assert platform.site.get("pvc", "storage-loki-0", "-n", "logging")["metadata"]["uid"] == before
    again = platform.play("playbooks/platform.yml", "--tags", "loki", name="again")
    assert again.status == 0, again.end
    assert platform.node_of("logging", _LOKI) == {"node-2"}
