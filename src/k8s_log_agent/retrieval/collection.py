"""The records of a data set file as a collection of Chroma, for the command `index` and the module `chroma_index`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k8s_log_agent.dataset import store as datasets
from k8s_log_agent.retrieval.documents import document_of
from k8s_log_agent.retrieval.embeddings import Embedder
from k8s_log_agent.retrieval.indexing import IndexPlan, apply_index, plan_index
from k8s_log_agent.retrieval.store import IndexKey, connect
from k8s_log_agent.understand.signature import SIGNATURE_VERSION


@dataclass(frozen=True, slots=True)
class Brought:
    """The embedder of the collection, and what differed."""

    embedder: str
    plan: IndexPlan

    def as_json(self) -> dict[str, Any]:
        """Names and counts."""
        return {
            "collection": self.plan.target,
            "embedder": self.embedder,
            "changed": self.plan.changed,
            "added": len(self.plan.added),
            "updated": len(self.plan.updated),
            "removed": len(self.plan.removed),
            "unchanged": self.plan.kept,
        }


def bring_collection(  # noqa: PLR0913 - what, where, and how it is told apart are each one argument
    dataset: Path,
    chroma_url: str,
    base: str,
    *,
    splits: Collection[str] = (),
    embedder: Embedder,
    check: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Brought:
    """Makes the collection hold exactly the records of `splits` (all, when none is named), or with `check` only looks.

    Raises `DatasetError` and `RetrievalError`.
    """
    records = datasets.read(dataset).records
    documents = [document_of(record) for record in records if not splits or record.split in splits]
    key = IndexKey(base, SIGNATURE_VERSION, embedder.name, embedder.dimensions)
    client = connect(chroma_url)
    plan = plan_index(client, key, documents) if check else apply_index(client, key, documents, embedder, progress)
    return Brought(embedder.name, plan)
