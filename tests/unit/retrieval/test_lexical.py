from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_log_agent.retrieval.lexical import MAXIMUM_WORDS, LexicalIndex, best_places, words


def test_an_identifier_is_found_whole_and_in_parts() -> None:
    assert words("ImagePullBackOff: ENOSPC errno_28 exit 137") == (
        ["imagepullbackoff", "image", "pull", "back", "off", "enospc", "errno_28", "errno", "28", "exit", "137"]
    )


def test_the_score_is_bm25_by_hand() -> None:
    # Two documents of 2 and 4 words; "full" stands once in the first only.
    index = LexicalIndex(["disk full", "all is well here"])
    idf = math.log(1 + (2 - 1 + 0.5) / (1 + 0.5))
    expected = idf * 1 * 2.2 / (1 + 1.2 * (1 - 0.75 + 0.75 * 2 / 3))

    assert index.search("FULL", 5)[0][1] == pytest.approx(expected)


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    index = LexicalIndex(["error disk", "error dns", "error oom", "error dns"])

    assert index.search("error oom", 1)[0][0] == 2


def test_excluded_places_are_not_found() -> None:
    index = LexicalIndex(["oom killed", "oom score"])

    assert [place for place, _ in index.search("oom killed", 5, {0})] == [1]


def test_nothing_matches_nothing() -> None:
    assert LexicalIndex([]).search("oom", 5) == []
    assert LexicalIndex(["", "…"]).search("oom", 5) == []


def test_a_hostile_line_is_cut_to_a_bounded_number_of_words() -> None:
    assert len(words("aB" * 200_000)) <= MAXIMUM_WORDS
    assert len(words("a b " * 200_000)) <= MAXIMUM_WORDS


@given(st.lists(st.text(max_size=40), max_size=8), st.text(max_size=40))
def test_scores_fall_and_are_positive(texts: list[str], query: str) -> None:
    scores = [score for _, score in LexicalIndex(texts).search(query, 8)]

    assert scores == sorted(scores, reverse=True)
    assert all(score > 0 for score in scores)


@given(st.lists(st.integers(-3, 3), max_size=60), st.integers(0, 70))
def test_the_best_places_are_those_of_a_full_sort_with_ties_in_their_order(values: list[int], limit: int) -> None:
    scores = np.asarray(values, dtype=float)

    expected = sorted(range(len(values)), key=lambda place: (-values[place], place))[:limit]
    assert best_places(scores, limit).tolist() == expected
