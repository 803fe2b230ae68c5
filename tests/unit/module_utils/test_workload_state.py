from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.workload_state import waiting_for


def thing(kind: str, spec: dict[str, Any], status: dict[str, Any], generation: int = 2) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "a", "generation": generation}, "spec": spec, "status": status}


READY: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Deployment": (
        {"replicas": 2},
        {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2},
    ),
    "StatefulSet": (
        {"replicas": 1},
        {"observedGeneration": 2, "readyReplicas": 1, "updateRevision": "b", "currentRevision": "b"},
    ),
    "DaemonSet": (
        {},
        {"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2},
    ),
    "Job": ({}, {"conditions": [{"type": "Complete", "status": "True"}]}),
    "PersistentVolumeClaim": ({}, {"phase": "Bound"}),
}
NOT_READY = [
    ("Deployment", {"updatedReplicas": 1}, "2 of 2 pods available, 1 of them new"),
    ("Deployment", {"availableReplicas": 0}, "0 of 2 pods available"),
    ("Deployment", {"replicas": 3}, "pods available"),
    ("Deployment", {"observedGeneration": 1}, "not been looked at"),
    ("StatefulSet", {"readyReplicas": 0}, "0 of 1 pods ready"),
    ("StatefulSet", {"currentRevision": "a"}, "of the new revision"),
    ("DaemonSet", {"numberAvailable": 1}, "1 of 2 pods available"),
    ("DaemonSet", {"desiredNumberScheduled": 0}, "fits on no node"),
    ("Job", {"conditions": []}, "has not finished"),
    ("Job", {"conditions": [{"type": "Failed", "status": "True", "message": "BackoffLimit"}]}, "BackoffLimit"),
    ("PersistentVolumeClaim", {"phase": "Pending"}, "is Pending"),
]


@pytest.mark.parametrize("kind", READY)
def test_what_is_rolled_out_is_waited_for_no_longer(kind: str) -> None:
    spec, status = READY[kind]

    assert waiting_for(thing(kind, spec, status)) == ""


@pytest.mark.parametrize(("kind", "changed", "expected"), NOT_READY)
def test_what_is_missing_is_said(kind: str, changed: dict[str, Any], expected: str) -> None:
    spec, status = READY[kind]

    assert expected in waiting_for(thing(kind, spec, {**status, **changed}))


def test_an_object_that_is_not_there_is_waited_for() -> None:
    assert waiting_for(None) == "does not exist"


def test_a_condition_must_be_true_and_of_this_generation() -> None:
    def gateway(status: str, observed: int) -> dict[str, Any]:
        condition = {
            "type": "Programmed",
            "status": status,
            "reason": "AddressNotAssigned",
            "observedGeneration": observed,
        }
        return thing("Gateway", {}, {"conditions": [condition]})

    assert waiting_for(gateway("True", 2), "Programmed") == ""
    assert "AddressNotAssigned" in waiting_for(gateway("False", 2), "Programmed")
    assert "not yet judged" in waiting_for(gateway("True", 1), "Programmed")
    assert "no condition Accepted" in waiting_for(gateway("True", 2), "Accepted")


def test_every_parent_of_a_route_must_agree() -> None:
    def parent(status: str) -> dict[str, Any]:
        return {"conditions": [{"type": "Accepted", "status": status, "reason": "NotAllowed"}]}

    assert waiting_for(thing("HTTPRoute", {}, {"parents": [parent("True")]}), "Accepted") == ""
    assert "NotAllowed" in waiting_for(
        thing("HTTPRoute", {}, {"parents": [parent("True"), parent("False")]}), "Accepted"
    )
    assert waiting_for(thing("HTTPRoute", {}, {"parents": []}), "Accepted") != ""
