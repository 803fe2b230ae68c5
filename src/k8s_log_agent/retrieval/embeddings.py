"""What turns text into vectors: one protocol for every embedder, and a bounded cache in front of any of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from k8s_log_agent.retrieval.errors import RetrievalError

Vectors = NDArray[np.float32]
Purpose = Literal["passage", "query"]


class EmbeddingError(RetrievalError):
    """Text could not be embedded; the message says what is missing or what the server said."""


class Embedder(Protocol):
    """`name` stands for model, weights and pooling: two embedders of one name give comparable vectors."""

    @property
    def name(self) -> str:
        """Letters, digits, dots and hyphens; part of the name of a collection."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> Vectors:
        """One row of length 1 for each text, in their order; raises `EmbeddingError`."""


def normalised(vectors: Vectors) -> Vectors:
    """Rows scaled to length 1; a row of zeros stays as it is."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled


class CachedEmbedder:
    """Remembers the vectors of the `capacity` texts used last (4,096 of 384 dimensions take 6 MiB). Thread-safe."""

    def __init__(self, inner: Embedder, capacity: int = 4096) -> None:
        self._inner = inner
        self._capacity = capacity
        self._kept: OrderedDict[tuple[str, Purpose, str], Vectors] = OrderedDict()
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0

    @property
    def name(self) -> str:
        """The name of the embedder behind the cache."""
        return self._inner.name

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._inner.dimensions

    def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> Vectors:
        """As `Embedder.embed`; each text that is not kept is embedded once, repeats among `texts` included."""
        keys = [(self._inner.name, purpose, text) for text in texts]
        found = self._take(keys)
        missing = list(dict.fromkeys(key for key in keys if key not in found))
        if missing:
            rows = self._inner.embed([text for _, _, text in missing], purpose)
            fresh = dict(zip(missing, rows, strict=True))
            found |= fresh
            self._keep(fresh)
        if not keys:
            return np.zeros((0, self._inner.dimensions), dtype=np.float32)
        return np.stack([found[key] for key in keys])

    def _take(self, keys: list[tuple[str, Purpose, str]]) -> dict[tuple[str, Purpose, str], Vectors]:
        found = {}
        with self._lock:
            for key in dict.fromkeys(keys):
                if key in self._kept:
                    self._kept.move_to_end(key)
                    found[key] = self._kept[key]
            self.hits += len(found)
            self.misses += len(set(keys)) - len(found)
        return found

    def _keep(self, fresh: dict[tuple[str, Purpose, str], Vectors]) -> None:
        with self._lock:
            self._kept.update(fresh)
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
