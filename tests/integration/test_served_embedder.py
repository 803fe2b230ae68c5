"""The embedder that asks a real llama.cpp server, with a BERT small enough to compute by hand beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from k8s_log_agent.llm.local_server import ServerConfig
from k8s_log_agent.llm.thread_sweep import free_port, temporary_server
from k8s_log_agent.retrieval.embeddings import EmbeddingError
from k8s_log_agent.retrieval.served_embedder import MAXIMUM_TOKENS, ServedEmbedder
from tests.tiny_bert import WIDTH, WORDS, TinyBert

pytestmark = pytest.mark.integration

BERT = TinyBert(seed=7)


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    model = tmp_path_factory.mktemp("bert") / "tiny.gguf"
    BERT.write(model)
    config = ServerConfig(
        model=model,
        alias="tiny",
        port=free_port(),
        threads=1,
        threads_batch=1,
        slots=1,
        context_size=512,
        microbatch_size=512,
        embedding=True,
    )
    with temporary_server(config) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


def embedder(http: httpx.Client, prefix: str = "w1 w2 ") -> ServedEmbedder:
    return ServedEmbedder(http, name="tiny", dimensions=WIDTH, query_prefix=prefix)


def sentence(length: int) -> str:
    return " ".join(WORDS[(7 * place) % len(WORDS)] for place in range(length))


def test_its_vectors_are_those_of_the_model(http: httpx.Client) -> None:
    texts = [sentence(length) for length in (1, 2, 9, 60)]

    vectors = embedder(http).embed(texts)

    for text, vector in zip(texts, vectors, strict=True):
        assert vector @ BERT.embed(text) == pytest.approx(1, abs=2e-3)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_a_question_has_the_prefix_and_a_passage_has_not(http: httpx.Client) -> None:
    asked = embedder(http).embed([sentence(5)], "query")[0]

    assert asked @ BERT.embed("w1 w2 " + sentence(5)) == pytest.approx(1, abs=2e-3)
    assert asked @ embedder(http).embed([sentence(5)])[0] < 0.99


def test_a_text_that_the_server_would_refuse_is_cut_to_what_fits(http: httpx.Client) -> None:
    refused = http.post("/v1/embeddings", json={"input": [sentence(900)]})
    vector = embedder(http).embed([sentence(900)])[0]

    assert refused.status_code == 500
    best = max(
        float(vector @ BERT.embed(sentence(length))) for length in range(MAXIMUM_TOKENS - 20, MAXIMUM_TOKENS + 1)
    )
    assert best == pytest.approx(1, abs=2e-3)


def test_a_text_of_a_megabyte_is_cut_too(http: httpx.Client) -> None:
    assert embedder(http).embed(["w1 " * 300_000]).shape == (1, WIDTH)


def test_a_server_of_another_model_is_refused(http: httpx.Client) -> None:
    with pytest.raises(EmbeddingError, match="384 numbers are expected"):
        ServedEmbedder(http).embed(["w1"])


def test_a_server_that_is_not_there_is_named() -> None:
    with httpx.Client(base_url="http://127.0.0.1:9") as nobody, pytest.raises(EmbeddingError, match="Is it running"):
        ServedEmbedder(nobody).embed(["w1"])


def test_the_file_of_the_model_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        TinyBert(seed=7).write(tmp_path / name)

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
