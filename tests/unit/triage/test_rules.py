from __future__ import annotations

import pytest

from k8s_log_agent.records import Event, Severity, VerdictState
from k8s_log_agent.retrieval.retriever import Neighbour
from k8s_log_agent.triage.opinions import Candidate
from k8s_log_agent.triage.pipeline import Triage
from k8s_log_agent.triage.rules import Sureness, lasting, rule_candidates, rule_opinion
from tests.unit.triage.log_events import TABLE, event

RETRY = event("attempt 1 failed: connection refused", "upstream_refused", severity=Severity.WARN)
AGAIN = [event(f"attempt {line}", "upstream_refused", severity=Severity.WARN, line=line) for line in (2, 3)]
WEAK = [
    event("maybe refused", "upstream_refused", severity=Severity.INFO, weight=0.3, line=place) for place in (1, 2, 3)
]
BROKEN = event("giving up", line=9)
FULL = event("no space left", "disk_full", severity=Severity.WARN)


def neighbour(cause: str, score: float) -> Neighbour:
    return Neighbour("id", cause, "ERROR", score, "text", "group")


@pytest.mark.parametrize(
    ("events", "left"),
    [
        ([RETRY], []),
        (WEAK, []),
        ([RETRY, *AGAIN], ["upstream_refused"]),
        ([RETRY, BROKEN], ["upstream_refused"]),
        ([FULL], ["disk_full"]),
    ],
    ids=["one retry", "weak hints", "it went on", "something broke", "a full disk does not pass by itself"],
)
def test_a_call_that_failed_once_and_was_tried_again_is_no_failure(events: list[Event], left: list[str]) -> None:
    assert [one.code for one in lasting(rule_candidates(events, TABLE), events, TABLE)] == left


def test_what_passed_by_itself_is_said_in_the_verdict() -> None:
    verdict = Triage(TABLE).verdict([RETRY])

    assert (verdict.state, verdict.cause) == (VerdictState.REJECTED, "none")
    assert verdict.notes == ("upstream_refused was seen and passed by itself",)


def test_a_clear_lead_makes_the_rules_sure() -> None:
    clear = rule_opinion([Candidate("disk_full", 0.9, ""), Candidate("cert_expired", 0.4, "")], [], TABLE, Sureness())
    close = rule_opinion([Candidate("disk_full", 0.9, ""), Candidate("cert_expired", 0.88, "")], [], TABLE, Sureness())

    assert (clear.cause, clear.sure, clear.margin) == ("disk_full", True, 0.5)
    assert (close.cause, close.sure) == ("disk_full", False)


def test_a_faint_hint_is_unknown_to_the_rules_and_still_a_candidate() -> None:
    faint = rule_opinion([Candidate("disk_full", 0.2, "")], [], TABLE, Sureness())

    assert (faint.cause, faint.sure) == ("unknown", False)
    assert [one.code for one in faint.candidates] == ["disk_full"]


def test_a_symptom_alone_is_unknown_unless_it_is_stated_strongly() -> None:
    weak = rule_opinion([Candidate("disk_full", 0.8, "", symptom=True)], [], TABLE, Sureness())
    strong = rule_opinion([Candidate("disk_full", 0.95, "", symptom=True)], [], TABLE, Sureness())

    assert (weak.cause, weak.sure, weak.candidates[0].code) == ("unknown", False, "disk_full")
    assert (strong.cause, strong.sure) == ("disk_full", True)


def test_neighbours_fill_the_list_up_but_never_decide() -> None:
    near = [neighbour("cert_expired", 0.9), neighbour("cert_expired", 0.8), neighbour("upstream_refused", 0.3)]
    opinion = rule_opinion([], [*near, neighbour("none", 0.9), neighbour("not_in_the_table", 0.9)], TABLE, Sureness())

    assert [one.code for one in opinion.candidates] == ["cert_expired"], (
        "unlike, harmless and unheard-of ones propose nothing"
    )
    assert (opinion.cause, opinion.sure) == ("unknown", False)


def test_there_are_three_candidates_at_most() -> None:
    proposed = [Candidate(code, 0.5, "") for code in ("disk_full", "upstream_refused", "x")]

    assert len(rule_opinion(proposed, [neighbour("cert_expired", 0.9)], TABLE, Sureness()).candidates) == 3
