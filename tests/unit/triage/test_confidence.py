from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_log_agent.records import Severity
from k8s_log_agent.retrieval.retriever import Neighbour
from k8s_log_agent.triage.confidence import agreement, confidence, grounding, support
from k8s_log_agent.triage.evidence import line_of
from k8s_log_agent.triage.opinions import Candidate
from tests.unit.triage.log_events import event

FULL = event("no space left", "disk_full", line=4)
ODD = event("something failed", line=5)
FINE = event("all is well", line=6, severity=Severity.INFO)
EVENTS = [FULL, ODD, FINE]
CANDIDATES = [Candidate("disk_full", 0.8, "a rule"), Candidate("io_error", 0.5, "a rule")]


def neighbour(cause: str, score: float) -> Neighbour:
    return Neighbour("id", cause, "ERROR", score, "text", "group")


def test_the_formula_by_hand() -> None:
    near = [neighbour("disk_full", 0.9), neighbour("io_error", 0.3)]
    expected = (0.5 * 0.8 * (1 + 0.3) / 2 + 0.2 * 1.0 + 0.3 * 0.75) / 1.0

    assert confidence("disk_full", CANDIDATES, [line_of(FULL)], EVENTS, near) == pytest.approx(expected, abs=5e-4)


def test_without_neighbours_the_other_parts_share_the_weight() -> None:
    expected = (0.5 * 0.8 * (1 + 0.3) / 2 + 0.2 * 1.0) / 0.7

    assert confidence("disk_full", CANDIDATES, [line_of(FULL)], EVENTS, []) == pytest.approx(expected, abs=5e-4)


def test_a_cause_that_rules_put_second_has_less_support() -> None:
    assert support("disk_full", CANDIDATES) > support("io_error", CANDIDATES) == 0.25
    assert support("never_heard", CANDIDATES) == 0


def test_unknown_is_supported_by_silence_but_not_proven() -> None:
    assert support("unknown", []) == 0.5
    assert support("unknown", CANDIDATES) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("cited", "share"), [([FULL], 1.0), ([ODD], 0.5), ([FINE], 0.0), ([FULL, FINE], 0.5), ([], 0.0)]
)
def test_grounding_is_the_share_of_cited_lines_that_show_trouble(cited: list, share: float) -> None:  # type: ignore[type-arg] # of events
    assert grounding("disk_full", [line_of(one) for one in cited], EVENTS) == share


def test_neighbours_that_are_unlike_say_nothing() -> None:
    assert agreement("disk_full", [neighbour("disk_full", -0.2)]) == 0
    assert agreement("disk_full", [neighbour("disk_full", 0.5), neighbour("io_error", -0.2)]) == 1


@given(
    st.sampled_from(["disk_full", "io_error", "unknown", "other"]),
    st.lists(st.floats(0, 1), max_size=3),
    st.lists(st.floats(-1, 1), max_size=3),
)
def test_confidence_is_a_share(cause: str, scores: list[float], alike: list[float]) -> None:
    candidates = [
        Candidate(code, score, "") for code, score in zip(("disk_full", "io_error", "x"), scores, strict=False)
    ]

    assert (
        0 <= confidence(cause, candidates, [line_of(FULL)], EVENTS, [neighbour("disk_full", one) for one in alike]) <= 1
    )
