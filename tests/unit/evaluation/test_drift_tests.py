"""Against values of tables and of other programs, and against what must hold for any sample."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_log_agent.evaluation.drift_tests import (
    benjamini_hochberg,
    chi_square,
    fisher,
    holm,
    jensen_shannon,
    kolmogorov_smirnov,
    psi,
    upper_gamma,
)

COUNTS = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 500), max_size=5)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("statistic", "freedom", "tail"),
    [(3.841459, 1, 0.05), (11.070498, 5, 0.05), (6.634897, 1, 0.01), (2.558212, 10, 0.99), (0, 3, 1)],
)
def test_the_tail_of_chi_square_is_that_of_the_tables(statistic: float, freedom: int, tail: float) -> None:
    assert upper_gamma(freedom / 2, statistic / 2) == pytest.approx(tail, abs=1e-6)


def test_two_by_two_tables_by_hand() -> None:
    assert chi_square({"a": 30, "b": 70}, {"a": 50, "b": 50}) == pytest.approx(0.003892, abs=1e-6)
    # The tea tasting lady: 3 of 4 cups right, one-sided 0.2429, two-sided 0.4857.
    assert fisher((3, 4), (1, 4)) == pytest.approx(0.485714, abs=1e-6)


def test_distances_by_hand() -> None:
    assert psi({"a": 50, "b": 50}, {"a": 90, "b": 10}) == pytest.approx(0.4 * log(9), rel=0.05)
    assert jensen_shannon({"a": 1}, {"b": 1}) == 1
    assert kolmogorov_smirnov([1, 2, 3, 4], [3, 4, 5, 6])[0] == 0.5


def test_holm_and_benjamini_hochberg_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert benjamini_hochberg([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])


@given(COUNTS)
def test_a_sample_does_not_differ_from_itself(counts: dict[str, int]) -> None:
    assert psi(counts, counts) == pytest.approx(0) and jensen_shannon(counts, counts) == pytest.approx(0, abs=1e-6)
    assert chi_square(counts, counts) == pytest.approx(1)


@given(COUNTS, COUNTS)
def test_distances_and_p_values_are_within_their_ranges_and_symmetric(a: dict[str, int], b: dict[str, int]) -> None:
    assert psi(a, b) >= -1e-12 and 0 <= jensen_shannon(a, b) <= 1 + 1e-9
    assert 0 <= chi_square(a, b) <= 1 and chi_square(a, b) == pytest.approx(chi_square(b, a))


@given(P_VALUES)
def test_a_correction_never_makes_a_p_value_smaller_and_holm_is_the_stricter(p_values: list[float]) -> None:
    strict, mild = holm(p_values), benjamini_hochberg(p_values)

    assert all(raw <= low + 1e-12 <= high + 2e-12 for raw, low, high in zip(p_values, mild, strict, strict=True))
    assert max(strict) <= 1


def test_the_p_value_of_samples_of_one_distribution_is_seldom_small() -> None:
    draw = np.random.default_rng(5)
    pairs = [(draw.normal(size=80).tolist(), draw.normal(size=120).tolist()) for _ in range(400)]
    small = sum(kolmogorov_smirnov(one, other)[1] < 0.05 for one, other in pairs)

    assert 5 <= small <= 36, "about 20 of 400"


@pytest.mark.parametrize("empty", [((0, 0), (3, 9)), ((3, 9), (0, 0)), ((0, 9), (0, 9)), ((9, 9), (9, 9))])
def test_shares_that_cannot_differ_have_a_p_value_of_one(empty: tuple[tuple[int, int], tuple[int, int]]) -> None:
    assert fisher(*empty) == 1


def test_nothing_against_something_is_no_difference() -> None:
    assert (psi({}, {"a": 1}), jensen_shannon({"a": 1}, {}), chi_square({}, {"a": 5})) == (0, 0, 1)
    assert kolmogorov_smirnov([], [1.0]) == (0, 1)
