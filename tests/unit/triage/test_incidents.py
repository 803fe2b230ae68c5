from __future__ import annotations

from k8s_log_agent.records import Severity
from k8s_log_agent.triage.incidents import find_incidents
from k8s_log_agent.triage.pipeline import Triage
from tests.unit.triage.log_events import TABLE, event


def test_the_worst_incident_comes_first_and_quiet_windows_are_counted() -> None:
    told: list[tuple[int, int]] = []
    found = find_incidents(
        [
            event("connection refused", "upstream_refused", namespace="a"),
            event("no space left", "disk_full", namespace="b", seconds=5),
            event("deprecated", severity=Severity.WARN, namespace="c"),
        ],
        Triage(TABLE),
        lambda done, total: told.append((done, total)),
    )

    assert [(one.scope, one.verdict.cause) for one in found.incidents] == [
        ("b", "disk_full"),
        ("a", "upstream_refused"),
    ]
    assert found.quiet_windows == 1
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_json_has_the_verdict_and_its_window() -> None:
    (incident,) = find_incidents([event("no space left", "disk_full", line=7)], Triage(TABLE)).incidents

    said = incident.as_json()
    assert said["window"] == {
        "scope": "shop",
        "start": "2027-01-15T08:00:00+00:00",
        "end": "2027-01-15T08:00:00+00:00",
        "events": 1,
    }
    assert (said["cause"], said["severity"], said["state"]) == ("disk_full", "CRITICAL", "ruled")
    assert said["evidence"][0]["line"] == 7


def test_a_flood_is_reported_as_left_out() -> None:
    flood = [event("no space left", "disk_full", line=place) for place in range(1, 101)]

    (incident,) = find_incidents(flood, Triage(TABLE)).incidents

    assert incident.events == 100
    assert any(note.startswith("50 repeats") for note in incident.verdict.notes)
