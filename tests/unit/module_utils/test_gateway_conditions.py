"""What is waited for of routes and policies, whose conditions lie with what they are attached to."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.workload_state import waiting_for


def judged(held_by: str, status: str) -> dict[str, Any]:
    condition = {"type": "Accepted", "status": status, "reason": "Conflicted", "message": "another one is older"}
    return {"kind": "Any", "metadata": {"generation": 1}, "status": {held_by: [{"conditions": [condition]}]}}


@pytest.mark.parametrize("held_by", ["parents", "ancestors"])
def test_a_route_or_policy_is_ready_when_what_it_is_attached_to_accepts_it(held_by: str) -> None:
    assert waiting_for(judged(held_by, "True"), "Accepted") == ""
    assert "Conflicted another one is older" in waiting_for(judged(held_by, "False"), "Accepted")


def test_a_policy_that_nobody_has_judged_is_waited_for() -> None:
    assert "has no condition Accepted yet" in waiting_for({"metadata": {}, "status": {"ancestors": []}}, "Accepted")
