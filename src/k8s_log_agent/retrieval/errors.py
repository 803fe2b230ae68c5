"""Why nothing could be retrieved, in words for the person who operates the platform."""

from __future__ import annotations


class RetrievalError(RuntimeError):
    """Base of everything here; a triage goes on without neighbours."""


class IndexUnavailableError(RetrievalError):
    """The Chroma server does not answer, or answers with an error."""


class IndexMissingError(RetrievalError):
    """The server has no finished collection of this name, or an empty one."""


class OtherEmbedderError(RetrievalError):
    """The collection was made by another embedder or signature recipe, so its vectors cannot be compared."""
