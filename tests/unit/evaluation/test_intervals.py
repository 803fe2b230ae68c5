from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_log_agent.evaluation.intervals import Rate, clustered, wilson

COUNTS = st.integers(1, 400).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


def test_wilson_gives_the_published_figures() -> None:
    # R: prop.test(8, 10, correct = FALSE)$conf.int and prop.test(0, 10, correct = FALSE)$conf.int
    assert (wilson(8, 10).low, wilson(8, 10).high) == pytest.approx((0.490162, 0.943318), abs=1e-5)
    assert (wilson(0, 10).low, wilson(0, 10).high) == pytest.approx((0.0, 0.277533), abs=1e-5)


@given(COUNTS)
def test_the_interval_holds_the_share_and_stays_within_zero_and_one(counts: tuple[int, int]) -> None:
    right, of = counts

    interval = wilson(right, of)

    assert 0 <= interval.low <= round(right / of, 6) <= interval.high <= 1


@given(COUNTS)
def test_more_trials_of_the_same_share_are_never_less_certain(counts: tuple[int, int]) -> None:
    right, of = counts
    few, many = wilson(right, of), wilson(4 * right, 4 * of)

    assert many.high - many.low <= few.high - few.low + 1e-6


def test_a_rate_of_nothing_has_no_value() -> None:
    assert Rate.of_trials([]).value is None
    assert Rate.of_trials([]).interval is None


def test_more_right_than_trials_is_refused() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        Rate.of_counts(3, 2)


def test_repeats_of_one_thing_do_not_make_a_figure_surer() -> None:
    groups = [f"group {number}" for number in range(10)]
    values = [float(number % 2) for number in range(10)]

    once = clustered(groups, values, seed=7)
    tenfold = clustered(groups * 10, values * 10, seed=7)

    assert once == tenfold
    assert once is not None and once.high - once.low > 0.4
    wilson_of_all = wilson(50, 100)
    assert once.high - once.low > wilson_of_all.high - wilson_of_all.low


def test_one_group_gives_no_interval() -> None:
    assert clustered(["a", "a"], [1.0, 0.0], seed=1) is None


def test_a_seed_gives_the_same_interval_again() -> None:
    groups, values = list("aabbccdd"), [1.0, 0, 1, 1, 0, 0, 1, 0]

    assert clustered(groups, values, seed=3) == clustered(groups, values, seed=3)
