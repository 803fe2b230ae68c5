"""Whether a restart is due follows from what is there, and never from what a run remembers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_readiness, k3s_service_plan
from ansible_collections.homelab.log_intelligence.plugins.module_utils.k3s_systemd import UnitState

RUNNING = UnitState(
    exists=True,
    active="active",
    sub="running",
    result="success",
    main_pid=42,
    restarts=0,
    needs_reload=False,
    enabled=True,
    since="Wed 2026-11-25 01:00:00 UTC",
)
STOPPED = replace(RUNNING, active="inactive", sub="dead", main_pid=0)


def test_what_runs_with_what_lies_on_disk_is_left_alone() -> None:
    assert not k3s_service_plan.plan(RUNNING, [], []).changes


@pytest.mark.parametrize(
    ("unit", "differences", "pending", "action"),
    [
        (RUNNING, ["config.yaml has changed"], [], "restart"),
        (RUNNING, [], ["config.yaml"], "restart"),
        (replace(RUNNING, needs_reload=True), [], [], "restart"),
        (STOPPED, [], [], "start"),
        (replace(STOPPED, exists=False, enabled=False), [], [], "start"),
        (replace(RUNNING, active="activating", sub="auto-restart", main_pid=0), [], [], "start"),
        (replace(RUNNING, active="activating", sub="start"), [], [], ""),
    ],
)
def test_the_action_follows_from_the_state(
    unit: UnitState, differences: list[str], pending: list[str], action: str
) -> None:
    planned = k3s_service_plan.plan(unit, differences, pending)

    assert planned.action == action
    assert bool(planned.reasons) == bool(action)


def test_a_unit_that_does_not_start_at_boot_is_enabled_without_a_restart() -> None:
    planned = k3s_service_plan.plan(replace(RUNNING, enabled=False), [], [])

    assert (planned.action, planned.enable, planned.changes) == ("", True, True)


def test_orders_come_in_the_order_that_systemd_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(k3s_service_plan, "CPU_STATE", tmp_path / "cpu_manager_state")
    (tmp_path / "cpu_manager_state").write_text('{"policyName":"none"}')
    given: list[str] = []

    planned = k3s_service_plan.plan(replace(RUNNING, enabled=False), ["config.yaml has changed"], [])
    k3s_service_plan.apply("k3s", planned, "static", lambda *words: given.append(" ".join(words)))

    assert given == ["daemon-reload", "enable k3s.service", "stop k3s.service", "restart --no-block k3s.service"]
    assert not (tmp_path / "cpu_manager_state").exists()


@pytest.mark.parametrize(
    ("content", "foreign"),
    [
        ('{"policyName":"none"}', True),
        ('{"policyName":"static","entries":{}}', False),
        ("{broken", True),
        (None, False),
    ],
)
def test_a_record_of_another_cpu_policy_is_noticed(tmp_path: Path, content: str | None, foreign: bool) -> None:
    state = tmp_path / "cpu_manager_state"
    if content is not None:
        state.write_text(content)

    assert k3s_service_plan.cpu_state_is_foreign(state, "static") is foreign


def test_a_ready_node_must_also_report_the_wanted_version() -> None:
    ready = {"type": "Ready", "status": "True"}
    node = {"status": {"conditions": [ready], "nodeInfo": {"kubeletVersion": "v1.35.0+k3s1"}}}

    assert k3s_readiness.of_node(node, "node-2", "v1.35.0+k3s1").missing == ""
    assert "still reports v1.35.0+k3s1" in k3s_readiness.of_node(node, "node-2", "v1.36.4+k3s1").missing
    assert "is not ready" in k3s_readiness.of_node({"status": {}}, "node-2", "").missing


def test_a_node_that_a_broken_off_run_has_drained_is_told_from_one_that_a_person_has_cordoned() -> None:
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    ours = {
        "metadata": {"annotations": {k3s_readiness.DRAINED: "restart"}},
        "spec": {"unschedulable": True},
        "status": ready,
    }
    theirs = {"metadata": {"annotations": None}, "spec": {"unschedulable": True}, "status": ready}

    assert k3s_readiness.of_node(ours, "node-2", "").drained
    assert not k3s_readiness.of_node(theirs, "node-2", "").drained
