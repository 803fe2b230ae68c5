from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from k8s_log_agent.records import Severity
from k8s_log_agent.triage.calibration import Calibration, Knot
from k8s_log_agent.triage.confidence import confidence, grounding, strength, support
from k8s_log_agent.triage.evidence import line_of
from k8s_log_agent.triage.opinions import Candidate
from tests.unit.triage.log_events import event

FULL = event("no space left", "disk_full", line=4)
ODD = event("something failed", line=5)
FINE = event("all is well", line=6, severity=Severity.INFO)
EVENTS = [FULL, ODD, FINE]
CANDIDATES = [Candidate("disk_full", 0.8, "a rule"), Candidate("io_error", 0.5, "a rule")]
CURVES = Calibration(
    made_with={},
    curves={
        "rule": (
            Knot(strength=0.2, probability=0.4, right=2, of=5),
            Knot(strength=0.6, probability=0.8, right=8, of=10),
        ),
        "unknown": (Knot(strength=0, probability=0.05, right=0, of=20),),
    },
)


def test_the_formula_by_hand() -> None:
    expected = 0.8 * (1 + 0.3) / 2 * (1 + 1.0) / 2

    assert strength("disk_full", CANDIDATES, [line_of(FULL)], EVENTS) == pytest.approx(expected, abs=5e-4)


def test_symptoms_alone_make_a_verdict_weaker() -> None:
    symptoms = [Candidate("disk_full", 0.8, "a rule", symptom=True), CANDIDATES[1]]
    cited = [line_of(FULL)]

    assert strength("disk_full", symptoms, cited, EVENTS) < strength("disk_full", CANDIDATES, cited, EVENTS)


def test_a_cause_that_rules_put_second_has_less_support() -> None:
    assert support("disk_full", CANDIDATES) > support("io_error", CANDIDATES) == 0.25
    assert support("never_heard", CANDIDATES) == 0


@pytest.mark.parametrize(
    ("cited", "share"), [([FULL], 1.0), ([ODD], 0.5), ([FINE], 0.0), ([FULL, FINE], 0.5), ([], 0.0)]
)
def test_grounding_is_the_share_of_cited_lines_that_show_trouble(cited: list, share: float) -> None:  # type: ignore[type-arg] # of events
    assert grounding("disk_full", [line_of(one) for one in cited], EVENTS) == share


def test_a_line_that_is_in_no_event_grounds_nothing() -> None:
    assert grounding("disk_full", [line_of(event("other", source="elsewhere"))], EVENTS) == 0


@pytest.mark.parametrize(("measured", "chance"), [(0.0, 0.4), (0.2, 0.4), (0.4, 0.6), (0.5, 0.7), (0.6, 0.8), (1, 0.8)])
def test_confidence_is_read_from_the_curve_between_two_measured_points(measured: float, chance: float) -> None:
    assert confidence("rule", "disk_full", measured, CURVES) == pytest.approx(chance)


def test_unknown_has_a_curve_of_its_own_and_what_was_not_measured_is_a_coin() -> None:
    assert confidence("rule", "unknown", 0.9, CURVES) == 0.05
    assert confidence("model", "disk_full", 0.9, CURVES) == 0.5


def test_a_curve_that_falls_is_refused() -> None:
    falling = (
        Knot(strength=0.2, probability=0.9, right=9, of=10),
        Knot(strength=0.6, probability=0.8, right=8, of=10),
    )
    with pytest.raises(ValidationError, match="does not rise"):
        Calibration(made_with={}, curves={"rule": falling})


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_shipped_curves_rise_and_stay_within_bounds(one: float, other: float) -> None:
    shipped = Calibration.default()
    low, high = (confidence("rule", "disk_full", value, shipped) for value in sorted((one, other)))

    assert 0 < low <= high < 1


def test_the_shipped_curves_say_what_they_were_made_of() -> None:
    shipped = Calibration.default()

    assert set(shipped.curves) >= {"rule", "unknown", "none"}
    assert int(shipped.made_with["windows"]) > 500 and "tested program" in shipped.made_with["how"]
