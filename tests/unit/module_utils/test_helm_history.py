from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import helm_history as history

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def revisions(*statuses: str, age: float = 1000.0) -> list[history.Revision]:
    return [history.Revision(number, status, age, f"r{number}") for number, status in enumerate(statuses, 1)]


def secret(number: int, status: str, changed: datetime) -> dict[str, Any]:
    release = {"version": number, "info": {"status": status}, "manifest": "kind: A"}
    packed = gzip.compress(json.dumps(release).encode())
    return {
        "metadata": {
            "name": f"sh.helm.release.v1.web.v{number}",
            "labels": {"version": str(number), "status": status, "modifiedAt": str(int(changed.timestamp()))},
            "creationTimestamp": "2026-11-01T00:00:00Z",
        },
        "data": {"release": base64.b64encode(base64.b64encode(packed)).decode()},
    }


@pytest.mark.parametrize(
    "statuses", [(), ("deployed",), ("superseded", "deployed"), ("deployed", "failed"), ("uninstalled",)]
)
def test_what_helm_can_go_on_from_is_left_alone(statuses: tuple[str, ...]) -> None:
    assert not history.plan(revisions(*statuses), 300).needed


@pytest.mark.parametrize("status", history.PENDING)
def test_an_interrupted_revision_after_a_good_one_is_marked_as_failed(status: str) -> None:
    repair = history.plan(revisions("superseded", "deployed", status), 300)

    assert repair.mark_failed and repair.mark_failed.number == 3
    assert repair.forget == ()


@pytest.mark.parametrize("statuses", [("pending-install",), ("failed",), ("failed", "pending-upgrade")])
def test_without_a_good_revision_all_records_are_forgotten(statuses: tuple[str, ...]) -> None:
    repair = history.plan(revisions(*statuses), 300)

    assert [one.number for one in repair.forget] == list(range(1, len(statuses) + 1))
    assert repair.mark_failed is None


def test_a_young_pending_revision_is_waited_for() -> None:
    assert history.plan(revisions("deployed", "pending-upgrade", age=100), 300).wait_seconds == 200
    assert history.plan(revisions("deployed", "pending-upgrade", age=400), 300).wait_seconds == 0


def test_a_failed_first_installation_is_not_waited_for() -> None:
    assert history.plan(revisions("failed", age=1), 300).wait_seconds == 0


def test_the_age_counts_from_the_last_change() -> None:
    one = history.revision_of(secret(2, "deployed", NOW - timedelta(seconds=90)), NOW)

    assert (one.number, one.status, one.age_seconds) == (2, "deployed", 90)


def test_marking_as_failed_changes_the_record_and_the_label_and_keeps_the_rest() -> None:
    before = secret(2, "pending-upgrade", NOW)

    patch = history.as_failed(before, "why")

    assert patch["metadata"]["labels"] == {"status": "failed"}
    after = history.read({"data": patch["data"]})
    assert after["info"]["status"] == "failed"
    assert after["manifest"] == history.read(before)["manifest"]


def test_writing_and_reading_a_release_gives_it_back() -> None:
    release = {"name": "web", "info": {"status": "deployed"}, "config": {"ü": 1}}

    assert history.read({"data": {"release": history.write(release)}}) == release
