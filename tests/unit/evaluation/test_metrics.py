from __future__ import annotations

import random
from dataclasses import replace

import pytest

from k8s_log_agent.evaluation.abstention import abstention
from k8s_log_agent.evaluation.accuracy import accuracy, exact
from k8s_log_agent.evaluation.calibration import calibration
from k8s_log_agent.evaluation.confusion import INVALID, confusion, mistakes
from k8s_log_agent.evaluation.evidence import evidence
from k8s_log_agent.evaluation.false_alarms import false_alarms
from k8s_log_agent.evaluation.macro_f1 import macro_f1
from k8s_log_agent.evaluation.outcomes import Answer, NoAnswer, Outcome, answer_of
from k8s_log_agent.evaluation.severity_error import severity_error
from k8s_log_agent.records import Severity, VerdictState
from tests.unit.evaluation.made_up import case, outcome, verdict


def unscored(name: str) -> Outcome:
    return replace(outcome(name, "disk_full", "disk_full"), answer=NoAnswer.UNSCORED)


def test_an_invalid_answer_is_wrong_and_an_unscored_case_counts_nowhere() -> None:
    outcomes = [outcome("1", "disk_full", "disk_full"), outcome("2", "disk_full", None), unscored("3")]

    found = accuracy(outcomes, "cause", seed=1).rate

    assert (found.right, found.of) == (1, 2)
    assert (exact(outcomes).right, exact(outcomes).of) == (1, 2)


def test_two_names_of_one_kind_of_component_are_the_same() -> None:
    one = outcome("1", "a", "a")
    truth = replace(one.truth, component="gateway")
    assert isinstance(one.answer, Answer)

    assert replace(one, truth=truth, answer=replace(one.answer, component="ingress")).right("component")
    assert not replace(one, truth=truth, answer=replace(one.answer, component="database")).right("component")


def test_macro_f1_gives_a_rare_class_the_weight_of_a_frequent_one() -> None:
    # a: 8 of 8 found, 2 extra: 2*8/(2*8+2) = 8/9. b: none of 2 found: 0. Mean 4/9, though 80 % are right.
    outcomes = [outcome(f"a{number}", "a", "a") for number in range(8)]
    outcomes += [outcome(f"b{number}", "b", "a") for number in range(2)]

    assert macro_f1(outcomes, "cause", seed=1).value == pytest.approx(4 / 9, abs=1e-6)
    assert accuracy(outcomes, "cause", seed=1).rate.value == 0.8


def test_macro_f1_counts_an_invalid_answer_as_missed() -> None:
    outcomes = [outcome("1", "a", "a"), outcome("2", "a", None)]

    assert macro_f1(outcomes, "cause", seed=1).value == pytest.approx(2 / 3, abs=1e-6)


def test_confusion_has_a_row_for_each_truth_and_a_column_for_each_answer() -> None:
    outcomes = [outcome("1", "a", "a"), outcome("2", "a", "b"), outcome("3", "c", None)]

    found = confusion(outcomes, "cause")

    assert found.truths == ("a", "c")
    assert found.answers == (INVALID, "a", "b", "c")
    assert found.counts == ((0, 1, 1, 0), (1, 0, 0, 0))
    assert sum(map(sum, found.counts)) == len(outcomes)


def test_the_most_frequent_mistake_comes_first() -> None:
    outcomes = [outcome("1", "a", "b"), outcome("2", "c", "d"), outcome("3", "c", "d"), outcome("4", "a", "a")]

    first = mistakes(outcomes, "cause", most=1)

    assert [(one.truth, one.answer, one.times) for one in first] == [("c", "d", 2)]


@pytest.mark.parametrize(
    ("truth", "answer", "levels", "too_low"),
    [
        (Severity.CRITICAL, Severity.INFO, 3, True),
        (Severity.WARN, Severity.CRITICAL, 2, False),
        (Severity.ERROR, Severity.ERROR, 0, False),
        (Severity.WARN, Severity.UNKNOWN, 2, True),
        (Severity.INFO, Severity.DEBUG, 0, False),
    ],
)
def test_severity_is_off_by_levels(truth: Severity, answer: Severity, levels: int, too_low: bool) -> None:
    found = severity_error([outcome("1", "a", "a", severity=(truth, answer))], seed=1)

    assert found.mean_absolute == levels
    assert found.within_one.right == (levels <= 1)
    assert found.under_triage.right == too_low


def test_evidence_is_counted_in_lines() -> None:
    outcomes = [
        outcome("1", "a", "a", stated=[1, 2, 3], cited=[2, 3, 9]),
        outcome("2", "a", "a", stated=[5], cited=[]),
        outcome("3", "none", "none", cited=[4]),
    ]

    found = evidence(outcomes, seed=1)

    assert (found.precision.right, found.precision.of) == (2, 3)
    assert (found.recall.right, found.recall.of) == (2, 4)
    assert (found.found.right, found.found.of) == (1, 2)


def test_permuted_evidence_does_not_score() -> None:
    places = list(range(1, 401))
    random.Random(5).shuffle(places)  # noqa: S311 - a shuffle that is the same in every run
    honest = [outcome(str(one), "a", "a", stated=[one], cited=[one]) for one in places]
    permuted = [outcome(str(one), "a", "a", stated=[one], cited=[place]) for one, place in enumerate(places, start=1)]

    assert evidence(honest, seed=1).precision.value == 1
    assert (evidence(permuted, seed=1).precision.value or 0) < 0.02


def test_abstaining_is_neither_right_nor_an_answer() -> None:
    outcomes = [outcome("1", "a", "unknown"), outcome("2", "a", "a"), outcome("3", "a", "b"), outcome("4", "a", None)]

    found = abstention(outcomes)

    assert (found.abstained.right, found.abstained.of) == (1, 4)
    assert (found.right_when_answered.right, found.right_when_answered.of) == (1, 3)
    assert found.invalid.right == 1


def test_a_false_alarm_is_a_cause_at_warn_or_above_where_nothing_was_wrong() -> None:
    info = (Severity.INFO, Severity.INFO)
    outcomes = [
        outcome("quiet", "none", "none", severity=info),
        outcome("low", "none", "disk_full", severity=info),
        outcome("alarm", "none", "unknown", severity=(Severity.INFO, Severity.ERROR)),
        outcome("failure", "disk_full", "disk_full"),
    ]

    found = false_alarms(outcomes)

    assert (found.right, found.of) == (1, 3)


def test_a_confidence_that_is_kept_costs_nothing_and_a_boast_everything() -> None:
    assert calibration([(1.0, True), (0.0, False)]).brier == 0
    assert calibration([(1.0, False), (0.0, True)]).expected_error == 1
    half = calibration([(0.5, True), (0.5, False)])
    assert (half.brier, half.expected_error) == (0.25, 0)
    assert calibration([]).brier is None


def test_the_reliability_table_holds_confidence_beside_what_was_right() -> None:
    found = calibration([(0.95, True), (0.93, True), (0.91, False), (0.3, False)])

    assert [(one.low, one.right.right, one.right.of) for one in found.bins] == [(0.3, 0, 1), (0.9, 2, 3)]
    assert found.bins[1].mean_confidence == pytest.approx(0.93)


def test_believing_only_the_surest_covers_less() -> None:
    found = {one.confidence: one for one in calibration([(0.95, True), (0.7, False), (0.2, False)]).coverage}

    assert (found[0.7].covered.right, found[0.7].right.value) == (2, 0.5)
    assert (found[0.95].covered.right, found[0.95].right.value) == (1, 1.0)


def test_a_rejected_verdict_says_that_nothing_is_wrong() -> None:
    given = verdict(case("training", "redis", 1), right=True)

    answer = answer_of(given.model_copy(update={"state": VerdictState.REJECTED}))

    assert answer.cause == "none" and not answer.alarms and not answer.evidence
