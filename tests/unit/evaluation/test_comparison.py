from __future__ import annotations

from dataclasses import replace

import pytest

from k8s_log_agent.evaluation.comparison import compare, mcnemar
from k8s_log_agent.evaluation.outcomes import NoAnswer, Outcome
from tests.unit.evaluation.made_up import outcome


def answers(text: str) -> list[Outcome]:
    """One case a letter: r right, w wrong, u unscored."""
    made = []
    for number, letter in enumerate(text):
        one = outcome(f"case {number}", "disk_full", "disk_full" if letter == "r" else "unknown")
        made.append(replace(one, answer=NoAnswer.UNSCORED) if letter == "u" else one)
    return made


def test_mcnemar_gives_the_exact_binomial_figure() -> None:
    # R: binom.test(2, 12)$p.value
    assert mcnemar(10, 2) == pytest.approx(0.038574, abs=1e-6)
    assert mcnemar(2, 10) == mcnemar(10, 2)
    assert mcnemar(0, 0) == 1


def test_only_cases_that_both_were_asked_are_compared() -> None:
    found = compare(("a", answers("rrwu")), ("b", answers("wruw")), "cause", seed=1)

    assert (found.cases, found.gained, found.lost) == (2, 1, 0)


def test_a_difference_that_holds_in_every_group_is_separate_from_chance() -> None:
    better = compare(("a", answers("r" * 30)), ("b", answers("w" * 25 + "r" * 5)), "cause", seed=1)
    same = compare(("a", answers("rw" * 15)), ("b", answers("wr" * 15)), "cause", seed=1)

    assert better.separate and better.p_value < 0.001
    assert not same.separate and same.difference == 0
