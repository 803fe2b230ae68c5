from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from k8s_log_agent.retrieval.embeddings import CachedEmbedder, Purpose, Vectors, normalised


class CountingEmbedder:
    name = "counting"
    dimensions = 2

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> Vectors:
        self.asked += [f"{purpose}:{text}" for text in texts]
        return normalised(np.array([[len(text), 1 + (purpose == "query")] for text in texts], dtype=np.float32))


def test_a_text_is_embedded_once_and_rows_keep_their_order() -> None:
    inner = CountingEmbedder()
    embedder = CachedEmbedder(inner)

    first = embedder.embed(["disk full", "oom", "disk full"])
    again = embedder.embed(["oom", "new one"])

    assert inner.asked == ["passage:disk full", "passage:oom", "passage:new one"]
    assert np.array_equal(first[0], first[2]) and np.array_equal(again[0], first[1])
    assert (embedder.hits, embedder.misses) == (1, 3)


def test_a_question_and_a_passage_of_one_text_are_two_things() -> None:
    embedder = CachedEmbedder(CountingEmbedder())

    assert not np.array_equal(embedder.embed(["oom"], "query"), embedder.embed(["oom"], "passage"))


def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    inner = CountingEmbedder()
    embedder = CachedEmbedder(inner, capacity=2)

    for text in ("a", "bb", "a", "ccc", "a", "bb"):
        embedder.embed([text])

    assert inner.asked == ["passage:a", "passage:bb", "passage:ccc", "passage:bb"]


def test_no_texts_give_no_rows() -> None:
    assert CachedEmbedder(CountingEmbedder()).embed([]).shape == (0, 2)


def test_a_row_of_zeros_stays_finite() -> None:
    assert normalised(np.zeros((1, 3), dtype=np.float32)).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("rows", [[[3.0, 4.0]], [[1e-3, 0.0], [5.0, 5.0]]])
def test_rows_have_length_one(rows: list[list[float]]) -> None:
    assert np.linalg.norm(normalised(np.array(rows, dtype=np.float32)), axis=1) == pytest.approx(1)
