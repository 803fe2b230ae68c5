"""Times, sparklines, and what a confidence is worth, as a reader sees them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from k8s_log_agent.service.page.sparklines import HEIGHT, STEP, sparkline
from k8s_log_agent.service.page.times import ago, clock_time, lasting
from k8s_log_agent.service.page.trust import decider, trust
from k8s_log_agent.triage.calibration import Calibration, Knot
from tests.unit.service.page.made_up import NOW, verdict

CURVES = Calibration(
    made_with={},
    curves={
        "rule": (
            Knot(strength=0.3, probability=0.65, right=2, of=2),
            Knot(strength=0.7, probability=0.8, right=16, of=20),
            Knot(strength=0.9, probability=0.98, right=63, of=64),
        ),
        "memory": (Knot(strength=0, probability=0.33, right=0, of=1),),
        "unknown": (Knot(strength=0, probability=0.03, right=1, of=74),),
    },
)


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (timedelta(seconds=-30), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=4, seconds=50), "4 min ago"),
        (timedelta(minutes=89), "89 min ago"),
        (timedelta(minutes=90), "1 h ago"),
        (timedelta(hours=47, minutes=59), "47 h ago"),
        (timedelta(days=12), "12 days ago"),
    ],
)
def test_how_long_ago_is_told_in_one_unit(past: timedelta, words: str) -> None:
    assert ago(NOW - past, NOW) == words


def test_a_time_of_another_day_carries_its_date() -> None:
    assert clock_time(NOW - timedelta(minutes=2), NOW) == "02:14"
    assert clock_time(NOW - timedelta(hours=3), NOW) == "24 Nov 23:16"
    assert clock_time(NOW - timedelta(days=365), NOW) == "25 Nov 2025 02:16"


def test_a_span_is_told_in_its_two_largest_units() -> None:
    assert lasting(NOW, NOW) == "less than a minute"
    assert lasting(NOW - timedelta(minutes=200), NOW) == "3 h 20 min"
    assert lasting(NOW - timedelta(days=1, hours=2, minutes=5), NOW) == "1 day 2 h"


def test_a_sparkline_draws_each_hour_that_has_something_in_proportion() -> None:
    drawn = sparkline([0, 1, 0, 1000])

    assert drawn.bars == f"M{STEP * 1.5:g} {HEIGHT}v-2.5M{STEP * 3.5:g} {HEIGHT}v-{HEIGHT}"
    assert drawn.width == 4 * STEP
    assert drawn.words == "Seen 1,001 times in the last 4 hours, most often in the last hour (1,000)"


def test_an_empty_sparkline_says_so() -> None:
    assert sparkline([0] * 24).bars == ""
    assert sparkline([0] * 24).words == "Not seen in the last 24 hours"


def test_a_confidence_that_was_measured_often_is_told_with_its_measure() -> None:
    found = trust(verdict(confidence=0.98), CURVES)

    assert found.level == "sure"
    assert "98 times in 100" in found.basis and "64 recorded faults" in found.basis


def test_a_confidence_that_hardly_anything_stands_behind_is_a_hint() -> None:
    found = trust(verdict(decided_by="memory", confidence=0.33), CURVES)

    assert found.level == "doubtful" and found.words == "Take it as a hint."
    assert "one recorded fault" in found.basis


def test_a_way_that_was_never_measured_says_so() -> None:
    assert "no recorded fault" in trust(verdict(decided_by="model", confidence=0.5), CURVES).basis


def test_an_unknown_cause_is_not_dressed_up() -> None:
    found = trust(verdict(cause="unknown", confidence=0.03), CURVES)

    assert found.share is None and found.words == "The cause is not known."
    assert decider(verdict(cause="unknown"))[0] == "nobody"
