"""Finds labelled records like a piece of log: by vector, by words, fused, and picked so that they differ."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from k8s_log_agent.retrieval.documents import Document, comparable
from k8s_log_agent.retrieval.embeddings import Embedder
from k8s_log_agent.retrieval.errors import IndexUnavailableError
from k8s_log_agent.retrieval.fusion import RELEVANCE, fuse, pick_diverse
from k8s_log_agent.retrieval.lexical import LexicalIndex
from k8s_log_agent.retrieval.store import VectorStore

Method = Literal["fused", "dense", "lexical"]
_POOL = 20  # candidates of each ranking, from which neighbours are picked


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A labelled record like the question. `score` is the texts' cosine similarity, -1..1; `group` its signature."""

    id: str
    cause: str
    severity: str
    score: float
    text: str
    group: str


@dataclass(frozen=True, slots=True)
class _Snapshot:
    store: VectorStore
    documents: dict[str, Document]
    order: list[str]
    words: LexicalIndex
    holders: dict[str, list[int]]  # places in `order` by group and by origin


class Retriever:
    """Searches one index, whose texts are read once, at the first question.

    `open_store` is called then, and again when the index has been replaced by a newer generation.
    """

    def __init__(
        self,
        open_store: Callable[[], VectorStore],
        embedder: Embedder,
        *,
        method: Method = "fused",
        relevance: float = RELEVANCE,
    ) -> None:
        self._open_store = open_store
        self._embedder = embedder
        self._method = method
        self._relevance = relevance
        self._snapshot: _Snapshot | None = None

    def check(self) -> None:
        """Reads the index now; raises `RetrievalError` when it cannot be used."""
        if self._snapshot is None:
            self._read()

    def similar(self, text: str, k: int, exclude_groups: Collection[str] = ()) -> list[Neighbour]:
        """Up to `k` neighbours, the most relevant first; none whose group (signature) or origin is excluded.

        Raises `RetrievalError`.
        """
        question = comparable(text.splitlines())
        if not question or k < 1:
            return []
        try:
            return self._search(question, k, exclude_groups)
        except IndexUnavailableError:
            if self._snapshot is None:
                raise
            self._snapshot = None  # the collection may have been replaced since it was read
            return self._search(question, k, exclude_groups)

    def _search(self, question: str, k: int, excluded: Collection[str]) -> list[Neighbour]:
        snapshot = self._snapshot or self._read()
        vector = self._embedder.embed([question], "query")[0]
        pool = max(_POOL, 2 * k)
        rankings = []
        if self._method != "lexical":
            rankings.append(snapshot.store.nearest(vector, pool, excluded))
        if self._method != "dense":
            barred = {place for name in excluded for place in snapshot.holders.get(name, ())}
            rankings.append([snapshot.order[place] for place, _ in snapshot.words.search(question, pool, barred)])
        ranked = [identity for identity in fuse(rankings) if identity in snapshot.documents]
        alone = list({_label(snapshot.documents[identity]): identity for identity in reversed(ranked)}.values())[::-1]
        vectors = snapshot.store.vectors(alone)
        # Half by place in the fused ranking, half by likeness: a place says nothing about the distance to the next one.
        worth = {
            identity: (1 - place / len(ranked)) / 2 + max(0.0, float(vectors[identity] @ vector)) / 2
            for place, identity in enumerate(ranked)
            if identity in vectors
        }
        picked = pick_diverse(worth, vectors, k, self._relevance)
        return [_neighbour(snapshot.documents[one], float(vectors[one] @ vector)) for one in picked]

    def _read(self) -> _Snapshot:
        store = self._open_store()
        documents = store.documents()
        holders: dict[str, list[int]] = {}
        for place, document in enumerate(documents):
            for name in {document.group, document.origin}:
                holders.setdefault(name, []).append(place)
        self._snapshot = _Snapshot(
            store=store,
            documents={document.id: document for document in documents},
            order=[document.id for document in documents],
            words=LexicalIndex([document.text for document in documents]),
            holders=holders,
        )
        return self._snapshot


def _label(document: Document) -> tuple[str, str]:
    """What makes two records say the same: of such, the best one is enough."""
    return document.group, document.cause


def _neighbour(document: Document, score: float) -> Neighbour:
    return Neighbour(
        id=document.id,
        cause=document.cause,
        severity=document.severity,
        score=round(score, 6),
        text=document.text,
        group=document.group,
    )
