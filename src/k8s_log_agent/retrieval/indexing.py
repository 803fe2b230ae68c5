"""Brings a collection of Chroma to a given set of documents: finds what differs, then does it in one switch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from k8s_log_agent.retrieval.documents import Document
from k8s_log_agent.retrieval.embeddings import Embedder, Vectors
from k8s_log_agent.retrieval.errors import RetrievalError
from k8s_log_agent.retrieval.store import (
    BATCH,
    IndexKey,
    check_compatible,
    chroma_errors,
    generations,
    metadata_of,
    pages,
    ready,
)

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """What differs between a collection and the documents wanted.

    `target` is the name of the collection afterwards; `leftovers` are collections of runs that were cut short.
    """

    current: str | None
    target: str
    added: tuple[str, ...]
    updated: tuple[str, ...]
    removed: tuple[str, ...]
    kept: int
    leftovers: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return self.current != self.target or bool(self.leftovers)


def plan_index(client: ClientAPI, key: IndexKey, documents: Sequence[Document]) -> IndexPlan:
    """Compares by id and content, and changes nothing; raises `RetrievalError`."""
    _refuse_doubles(documents)
    found = generations(client, key)
    finished = [generation for generation, one in found.items() if ready(one)]
    current = found[max(finished)] if finished else None
    if current:
        check_compatible(current, key)
    there = _digests(current) if current else {}
    wanted = {document.id: document.digest for document in documents}
    return IndexPlan(
        current=current.name if current else None,
        target=current.name if current and wanted == there else f"{key.prefix}{max(found, default=0) + 1:06d}",
        added=tuple(sorted(wanted.keys() - there.keys())),
        updated=tuple(sorted(one for one in wanted.keys() & there.keys() if wanted[one] != there[one])),
        removed=tuple(sorted(there.keys() - wanted.keys())),
        kept=sum(wanted[one] == there[one] for one in wanted.keys() & there.keys()),
        leftovers=tuple(sorted(one.name for one in found.values() if current is None or one.name != current.name)),
    )


def _silent(done: int, total: int) -> None:
    del done, total


def apply_index(
    client: ClientAPI,
    key: IndexKey,
    documents: Sequence[Document],
    embedder: Embedder,
    progress: Callable[[int, int], None] = _silent,
) -> IndexPlan:
    """Makes the collection hold exactly `documents`, and returns what had to be done for it.

    Vectors of entries that did not change are taken over; only the others are embedded. `progress` is told the number
    of documents done and of all. Raises `RetrievalError`; the collection read so far then stays as it is.
    """
    plan = plan_index(client, key, documents)
    if plan.current == plan.target:
        _drop(client, plan.leftovers)
        return plan
    with chroma_errors("write a collection"):
        found = generations(client, key)
        made = {"embedder": key.embedder, "dimensions": key.dimensions, "signature_version": key.recipe}
        fresh = client.create_collection(
            plan.target,
            metadata={**made, "state": "building"},
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine"}},
        )
        old = next((one for one in found.values() if one.name == plan.current), None)
        _fill(fresh, documents, _known_vectors(old, set(plan.added) | set(plan.updated)), embedder, progress)
        fresh.modify(metadata={**made, "state": "ready", "records": len(documents)})
    _drop(client, [one.name for one in found.values()])
    return plan


def _fill(
    collection: Collection,
    documents: Sequence[Document],
    known: dict[str, Vectors],
    embedder: Embedder,
    progress: Callable[[int, int], None],
) -> None:
    for start in range(0, len(documents), BATCH):
        batch = documents[start : start + BATCH]
        missing = [one for one in batch if one.id not in known]
        if missing:
            fresh = embedder.embed([one.text for one in missing])
            known.update(zip((one.id for one in missing), fresh, strict=True))
        rows: Any = np.stack([known[one.id] for one in batch])
        collection.add(
            ids=[one.id for one in batch],
            embeddings=rows,
            documents=[one.text for one in batch],
            metadatas=[metadata_of(one) for one in batch],
        )
        progress(start + len(batch), len(documents))


def _known_vectors(old: Collection | None, stale: set[str]) -> dict[str, Vectors]:
    if old is None:
        return {}
    return {
        identity: np.asarray(row, dtype=np.float32)
        for page in pages(old, ["embeddings"])
        for identity, row in zip(page["ids"], page["embeddings"], strict=True)
        if identity not in stale
    }


def _digests(collection: Collection) -> dict[str, str]:
    with chroma_errors(f"read {collection.name}"):
        return {
            identity: str(kept.get("digest"))
            for page in pages(collection, ["metadatas"])
            for identity, kept in zip(page["ids"], page["metadatas"], strict=True)
        }


def _drop(client: ClientAPI, names: Sequence[str]) -> None:
    with chroma_errors("delete an old collection"):
        for name in names:
            client.delete_collection(name)


def _refuse_doubles(documents: Sequence[Document]) -> None:
    if not documents:
        raise RetrievalError(
            "There are no records to index. Make a data set first, for example with `k8s-log-agent dataset`."
        )
    ids = [document.id for document in documents]
    if len(set(ids)) < len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise RetrievalError(f"The record {twice} stands twice in the data set. Combine it anew, which drops repeats.")
