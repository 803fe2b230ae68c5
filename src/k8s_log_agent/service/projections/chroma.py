"""Past incidents as a collection of Chroma, to find the like of a new one; an incident has one entry, its newest.

The collection is named as those of labelled records are, with the base `incidents`, so one reader reads both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from k8s_log_agent.retrieval.documents import Document, comparable
from k8s_log_agent.retrieval.embeddings import CachedEmbedder, Embedder
from k8s_log_agent.retrieval.errors import RetrievalError
from k8s_log_agent.retrieval.retriever import Neighbour
from k8s_log_agent.retrieval.store import check_compatible, chroma_errors, connect, metadata_of
from k8s_log_agent.service.outbox import Delivery, Target
from k8s_log_agent.service.projections.projection import UndeliveredError
from k8s_log_agent.triage.servers import index_key

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

BASE = "incidents"
_CONFIRMED = "confirmed"


class ChromaProjection:
    """One collection of the Chroma at `url`, made when it is first needed. Thread-safe."""

    target: Target = "chroma"

    def __init__(self, url: str, embedder: Callable[[], Embedder]) -> None:
        """`embedder` is called once, when it is first needed, since it may take seconds to load."""
        self._url = url
        self._make_embedder = embedder
        self._embedder: Embedder | None = None
        self._collection: Collection | None = None
        self._lock = threading.Lock()

    def deliver(self, deliveries: Sequence[Delivery]) -> int:
        """As `Projection.deliver`."""
        newest = {one.incident: one for one in deliveries}
        gone = [one.incident for one in newest.values() if one.payload is None]
        kept = [one.payload for one in newest.values() if one.payload is not None]
        try:
            collection, embedder = self._open()
            with chroma_errors("take incidents"):
                if gone:
                    collection.delete(ids=gone)
                if kept:
                    self._upsert(collection, embedder, kept)
        except RetrievalError as error:
            self._collection = None
            raise UndeliveredError(str(error)) from error
        return 0

    def nearest(self, question: str, most: int) -> list[tuple[str, float]]:
        """Ids of incidents with their cosine similarity, the nearest first; raises `RetrievalError`."""
        return [(found["id"], found["score"]) for found in self._query(question, most, None)]

    def confirmed(self, question: str, most: int) -> list[Neighbour]:
        """The nearest incidents whose cause a person vouches for, as labelled records; raises `RetrievalError`."""
        found = self._query(question, most, {_CONFIRMED: {"$ne": ""}})
        return [
            Neighbour(
                id=f"incident {one['id']}",
                cause=one["kept"][_CONFIRMED],
                severity=one["kept"]["severity"],
                score=one["score"],
                text=one["text"],
                group=one["kept"]["group"],
            )
            for one in found
        ]

    def _query(self, question: str, most: int, where: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - Chroma's own type
        asked = comparable(question.splitlines())
        if not asked:
            return []
        collection, embedder = self._open()
        vector = embedder.embed([asked], "query")[0]
        try:
            with chroma_errors("search past incidents"):
                answer: Any = collection.query(
                    query_embeddings=[vector.tolist()],
                    n_results=most,
                    where=where,
                    include=["distances", "documents", "metadatas"],
                )
        except RetrievalError:
            self._collection = None
            raise
        rows = zip(*(answer[part][0] for part in ("ids", "distances", "documents", "metadatas")), strict=True)
        return [
            {"id": one, "score": round(max(0.0, 1 - distance), 3), "text": text, "kept": kept}
            for one, distance, text, kept in rows
        ]

    def _open(self) -> tuple[Collection, Embedder]:
        with self._lock:
            if self._embedder is None:
                self._embedder = CachedEmbedder(self._make_embedder())
            if self._collection is None:
                self._collection = self._collection_of(self._embedder)
            return self._collection, self._embedder

    def _collection_of(self, embedder: Embedder) -> Collection:
        key = index_key(BASE, embedder)
        made = {"embedder": key.embedder, "dimensions": key.dimensions, "signature_version": key.recipe}
        client = connect(self._url)
        with chroma_errors("make the collection of incidents"):
            collection = client.get_or_create_collection(
                f"{key.prefix}000001",
                metadata={**made, "state": "ready"},
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine"}},
            )
        check_compatible(collection, key)
        return collection

    @staticmethod
    def _upsert(collection: Collection, embedder: Embedder, kept: Sequence[dict[str, Any]]) -> None:
        documents = [_document(one) for one in kept]
        vectors: Any = np.asarray(embedder.embed([document.text for document in documents]), dtype=np.float32)
        collection.upsert(
            ids=[document.id for document in documents],
            embeddings=vectors,
            documents=[document.text for document in documents],
            metadatas=[
                {
                    **metadata_of(document),
                    _CONFIRMED: one["right_cause"],
                    "judged_by": one["judged_by"],
                    "judged_at": one["judged_at"],
                    "last_seen": one["last_seen"],
                }
                for document, one in zip(documents, kept, strict=True)
            ],
        )


def _document(told: dict[str, Any]) -> Document:
    return Document(
        id=told["id"],
        text=comparable(told["evidence"]) or told["title"],
        cause=told["right_cause"] or told["cause"],
        severity=told["severity"],
        component=told["component"],
        namespace=told["namespace"],
        group=f"incident:{told['id']}",
        origin="incident",
    )
