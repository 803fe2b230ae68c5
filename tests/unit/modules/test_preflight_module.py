from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests import healthy_nodes
from tests.module_door import run_module


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, Any]:
    given = healthy_nodes.wanted(tmp_path, report_path=str(tmp_path / "reports" / "preflight.json"))
    del given["kubeconfig_ca"]
    return {**given, "answers": healthy_nodes.answers()}


def test_a_healthy_homelab_passes_and_leaves_a_report(arguments: dict[str, Any]) -> None:
    done = run_module("preflight_report", arguments)

    assert not done.get("failed") and not done["changed"]
    assert "Nothing to mend" in done["table"]
    report = json.loads(Path(arguments["report_path"]).read_text())
    assert report == {
        "schema_version": 1,
        "ok": True,
        "looked_at": ["inventory", "node-1", "node-2"],
        "findings": [],
    }


def test_problems_of_the_inventory_and_of_every_host_are_in_one_message(arguments: dict[str, Any]) -> None:
    arguments["hosts"][0]["k3s_version"] = "newest"
    arguments["answers"]["node-1"]["facts"]["memory"]["total_bytes"] = 1
    arguments["answers"]["node-2"] = {"unreachable": True, "msg": "Connection timed out"}

    failed = run_module("preflight_report", arguments)

    assert failed["failed"]
    assert [(finding["host"], finding["severity"]) for finding in failed["findings"]] == [
        ("node-1", "error"),
        ("node-1", "error"),
        ("node-2", "error"),
    ]
    assert all(finding["what"] in failed["msg"] and finding["mend"] for finding in failed["findings"])
    assert json.loads(Path(arguments["report_path"]).read_text())["findings"] == failed["findings"]


def test_before_contact_the_message_says_so_and_warnings_alone_do_not_fail(arguments: dict[str, Any]) -> None:
    del arguments["answers"]
    arguments["hosts"][0]["taints"] = [{"key": "k", "effect": "NoExecute"}]
    assert not run_module("preflight_report", arguments).get("failed")

    arguments["controller_hosts"] = []
    assert "No host was contacted" in run_module("preflight_report", arguments)["msg"]


def test_check_mode_writes_no_report_and_a_bad_path_does_not_hide_the_findings(arguments: dict[str, Any]) -> None:
    run_module("preflight_report", arguments, check=True)
    assert not Path(arguments["report_path"]).exists()

    done = run_module("preflight_report", {**arguments, "report_path": "/proc/no/report.json"})
    assert not done.get("failed")
    assert "preflight_report_path" in str(done["warnings"])


def test_the_facts_of_this_machine_are_complete_and_judged_without_a_fault(arguments: dict[str, Any]) -> None:
    asked = {"paths": ["/", "/var/no/such"], "names": ["localhost"], "sent_at": time.time()}

    told = run_module("node_facts", asked)["facts"]
    arguments["answers"] = {"node-1": {"facts": told}, "node-2": {"facts": told}}
    judged = run_module("preflight_report", arguments)

    assert set(told) == set(healthy_nodes.facts("node-1"))
    assert told["resolved"] == {"localhost": ""}
    assert [entry["path"] for entry in told["space"]] == ["/", "/var/no/such"]
    assert 0 <= told["clock"]["ahead_seconds"] < 60
    assert any("one host name" in finding["what"] for finding in judged["findings"])
