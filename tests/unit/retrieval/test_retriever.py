from __future__ import annotations

import pytest

from k8s_log_agent.records import GoldenRecord
from k8s_log_agent.retrieval.documents import comparable, document_of
from k8s_log_agent.retrieval.errors import IndexMissingError, IndexUnavailableError
from k8s_log_agent.retrieval.memory import MemoryIndex
from k8s_log_agent.retrieval.retriever import Method, Retriever
from k8s_log_agent.retrieval.store import VectorStore
from tests.unit.retrieval.records import WordEmbedder, record

RECORDS = [
    record("r1", "no space left on device", signature="s1", origin="postgres/1"),
    record("r2", "no space left on device", signature="s1", origin="postgres/2"),
    record("r3", "write failed: no space left", signature="s2", origin="redis/1"),
    record("r4", "x509: certificate has expired", "cert_expired", signature="s3", origin="nginx/1"),
    record("r5", "connection refused by upstream", "upstream_refused", signature="s4", origin="nginx/2"),
]


def retriever(records: list[GoldenRecord] = RECORDS, method: Method = "fused") -> Retriever:
    embedder = WordEmbedder()
    store = MemoryIndex([document_of(one) for one in records], embedder)
    return Retriever(lambda: store, embedder, method=method)


@pytest.mark.parametrize("method", ["fused", "dense", "lexical"])
def test_the_likest_record_comes_first_with_its_label(method: Method) -> None:
    found = retriever(method=method).similar("x509: certificate has expired or is not yet valid", 2)

    assert (found[0].id, found[0].cause, found[0].group) == ("r4", "cert_expired", "s3")
    assert 0 < found[0].score <= 1


def test_neighbours_are_not_copies_of_one_another() -> None:
    found = retriever().similar("no space left on device", 2)

    assert {one.group for one in found} == {"s1", "s2"}


@pytest.mark.parametrize("method", ["fused", "dense", "lexical"])
@pytest.mark.parametrize("excluded", [["s1"], ["postgres/1", "postgres/2"]])
def test_excluded_signatures_and_origins_never_come_back(method: Method, excluded: list[str]) -> None:
    found = retriever(method=method).similar("no space left on device", 5, excluded)

    assert found
    assert not {one.id for one in found} & {"r1", "r2"}


def test_the_same_line_at_another_time_is_the_same_question() -> None:
    one = retriever().similar("2026-11-24T20:00:00.123Z no space left on device", 1)
    other = retriever().similar("2025-01-02 03:04:05,678 no space left on device", 1)

    assert one == other
    assert one[0].score == pytest.approx(1)


def test_nothing_asked_is_nothing_found() -> None:
    assert retriever().similar("  \n ", 3) == []
    assert retriever().similar("no space", 0) == []


def test_a_replaced_index_is_opened_again() -> None:
    class Gone(MemoryIndex):
        def nearest(self, *_: object) -> list[str]:
            raise IndexUnavailableError("the collection was deleted")

    embedder = WordEmbedder()
    documents = [document_of(one) for one in RECORDS]
    stores: list[VectorStore] = [Gone(documents, embedder), MemoryIndex(documents[:1], embedder)]
    searched = Retriever(lambda: stores.pop(0), embedder)

    assert [one.id for one in searched.similar("no space left", 3)] == ["r1"]


def test_an_index_that_is_not_there_is_an_error_of_its_own() -> None:
    def missing() -> VectorStore:
        raise IndexMissingError("no collection")

    with pytest.raises(IndexMissingError):
        Retriever(missing, WordEmbedder()).similar("no space left", 3)


def test_a_document_shows_message_and_evidence_without_times() -> None:
    raw = "2026-11-24 20:00:00 ERROR it broke\n\tat a.b.C\nCaused by: no space left"
    document = document_of(record("r", "ERROR it broke", raw=raw))

    assert document.text == "ERROR it broke\nCaused by: no space left"


def test_a_text_to_compare_is_bounded() -> None:
    assert len(comparable(["x" * 100_000] * 3)) <= 600
    assert comparable(["a", "a", "b"]) == "a\nb"


def test_any_change_of_a_record_changes_its_digest() -> None:
    plain = document_of(record("r", "no space left"))

    assert plain.digest == document_of(record("r", "no space left")).digest
    assert plain.digest != document_of(record("r", "no space left", "io_error")).digest
    assert plain.digest != document_of(record("r", "no space")).digest
