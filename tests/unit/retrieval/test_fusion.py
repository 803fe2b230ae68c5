from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from k8s_log_agent.retrieval.fusion import fuse, pick_diverse


def test_what_both_rankings_like_comes_first() -> None:
    # 1/61 + 1/63 for b, 1/61 for a, 1/62 + 1/62 for c: c is best by a hair
    assert fuse([["a", "c", "b"], ["b", "c"]]) == ["b", "c", "a"]
    assert 1 / 61 + 1 / 63 > 2 / 62


def test_a_copy_gives_way_to_something_else() -> None:
    one, other = np.array([1, 0], dtype=np.float32), np.array([0, 1], dtype=np.float32)
    vectors = {"best": one, "copy": one, "different": other}

    worth = {"best": 1.0, "copy": 0.9, "different": 0.6}

    assert pick_diverse(worth, vectors, 2) == ["best", "different"]
    assert pick_diverse(worth, vectors, 2, relevance=1) == ["best", "copy"]


@given(st.lists(st.lists(st.sampled_from("abcdef"), unique=True, max_size=6), max_size=3))
def test_fusion_neither_loses_nor_repeats(rankings: list[list[str]]) -> None:
    fused = fuse(rankings)

    assert sorted(fused) == sorted({identity for ranking in rankings for identity in ranking})
