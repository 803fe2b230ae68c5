"""A `VectorStore` in this process, for comparisons that need no server and for data sets that fit in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from k8s_log_agent.retrieval.documents import Document
from k8s_log_agent.retrieval.embeddings import Embedder, Vectors
from k8s_log_agent.retrieval.lexical import best_places


class MemoryIndex:
    """Exact search by one matrix product."""

    def __init__(self, documents: Sequence[Document], embedder: Embedder) -> None:
        self._documents = sorted(documents, key=lambda document: document.id)
        self._matrix = embedder.embed([document.text for document in self._documents])
        self._places = {document.id: place for place, document in enumerate(self._documents)}
        self._holders: dict[str, list[int]] = {}  # places by group and by origin
        for place, document in enumerate(self._documents):
            for name in {document.group, document.origin}:
                self._holders.setdefault(name, []).append(place)

    def documents(self) -> list[Document]:
        """As `VectorStore.documents`."""
        return list(self._documents)

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """As `VectorStore.vectors`."""
        return {identity: self._matrix[self._places[identity]] for identity in ids}

    def nearest(self, vector: Vectors, limit: int, excluded: Collection[str]) -> list[str]:
        """As `VectorStore.nearest`."""
        likeness = self._matrix @ vector
        barred = [place for name in excluded for place in self._holders.get(name, ())]
        if barred:
            likeness[barred] = -np.inf
        found = best_places(likeness, limit)
        return [self._documents[place].id for place in found if likeness[place] > -np.inf]
