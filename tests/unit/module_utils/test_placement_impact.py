from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import placement
from ansible_collections.homelab.log_intelligence.plugins.module_utils.placement import Taint
from ansible_collections.homelab.log_intelligence.plugins.module_utils.placement_impact import (
    impacts,
    selects,
    tolerates,
)

NO_EXECUTE = {"key": "heavy", "value": "true", "effect": "NoExecute"}
NO_SCHEDULE = {**NO_EXECUTE, "effect": "NoSchedule"}


def pod(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "llm", "name": name}, "spec": spec, "status": {"phase": "Running"}}


def change(taints: list[dict[str, str]], labels: dict[str, str] | None = None) -> placement.Plan:
    node = {"metadata": {"labels": {"hardware": "light"}}, "spec": {}}
    return placement.plan(node, placement.wanted_of(labels or {}, taints))


def test_no_execute_evicts_who_does_not_tolerate_it_and_says_when() -> None:
    forever = [{"key": "heavy", "operator": "Exists"}]
    for_a_while = [{"key": "heavy", "value": "true", "tolerationSeconds": 30}]

    found = impacts(
        change([NO_EXECUTE]),
        [pod("stays", tolerations=forever), pod("later", tolerations=for_a_while), pod("bare")],
    )

    assert [(one.pod, one.outcome, one.after_seconds) for one in found] == [
        ("bare", "evicted", None),
        ("later", "evicted", 30),
    ]


def test_no_schedule_lets_pods_run_and_names_those_that_could_not_return() -> None:
    found = impacts(change([NO_SCHEDULE]), [pod("bare"), pod("fits", tolerations=[{"operator": "Exists"}])])

    assert [str(one) for one in found] == ["llm/bare (could not return: does not tolerate heavy=true:NoSchedule)"]


def test_a_changed_label_names_the_pods_that_asked_for_the_old_one() -> None:
    found = impacts(change([], {"hardware": "heavy"}), [pod("picky", nodeSelector={"hardware": "light"}), pod("any")])

    assert [(one.pod, one.outcome) for one in found] == [("picky", "could not return")]
    assert "hardware" in found[0].because


def test_finished_and_static_pods_are_not_counted() -> None:
    done = {**pod("done"), "status": {"phase": "Succeeded"}}
    static = pod("static")
    static["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}

    assert impacts(change([NO_EXECUTE]), [done, static]) == []


@pytest.mark.parametrize(
    ("toleration", "bears"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "heavy", "value": "true"}, True),
        ({"key": "heavy", "operator": "Equal", "value": "false"}, False),
        ({"key": "heavy", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "other", "operator": "Exists"}, False),
    ],
)
def test_tolerations_are_read_as_the_scheduler_reads_them(toleration: dict[str, str], bears: bool) -> None:
    assert tolerates(toleration, Taint("heavy", "NoSchedule", "true")) is bears


@pytest.mark.parametrize(
    ("operator", "values", "accepted"),
    [
        ("In", ["light", "heavy"], True),
        ("In", ["light"], False),
        ("NotIn", ["light"], True),
        ("Exists", [], True),
        ("DoesNotExist", [], False),
        ("Gt", ["3"], False),
    ],
)
def test_required_node_affinity_is_understood(operator: str, values: list[str], accepted: bool) -> None:
    term = {"matchExpressions": [{"key": "hardware", "operator": operator, "values": values}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}

    assert selects({"affinity": {"nodeAffinity": required}}, {"hardware": "heavy"}) is accepted


def test_numbers_of_labels_are_compared_as_numbers() -> None:
    term = {"matchExpressions": [{"key": "slots", "operator": "Gt", "values": ["9"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}

    assert selects({"affinity": {"nodeAffinity": required}}, {"slots": "10"})
