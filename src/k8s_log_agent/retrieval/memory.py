"""A `VectorStore` in this process, for comparisons that need no server and for data sets that fit in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from k8s_log_agent.retrieval.documents import Document
from k8s_log_agent.retrieval.embeddings import Embedder, Vectors


class MemoryIndex:
    """Exact search by one matrix product."""

    def __init__(self, documents: Sequence[Document], embedder: Embedder) -> None:
        self._documents = sorted(documents, key=lambda document: document.id)
        self._matrix = embedder.embed([document.text for document in self._documents])
        self._places = {document.id: place for place, document in enumerate(self._documents)}

    def documents(self) -> list[Document]:
        """As `VectorStore.documents`."""
        return list(self._documents)

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """As `VectorStore.vectors`."""
        return {identity: self._matrix[self._places[identity]] for identity in ids}

    def nearest(self, vector: Vectors, limit: int, excluded: Collection[str]) -> list[str]:
        """As `VectorStore.nearest`."""
        order = np.argsort(-(self._matrix @ vector), kind="stable")
        allowed = (self._documents[place] for place in order)
        found = [one.id for one in allowed if one.group not in excluded and one.origin not in excluded]
        return found[:limit]
