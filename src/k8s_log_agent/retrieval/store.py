"""The vector store: what a retriever asks of one, and Chroma's server as the one that keeps it.

A collection is named `<base>-s<signature recipe>-<embedder>-g<generation>` and is readable once its metadata says
`ready`. A new generation is filled beside the old one, switched to `ready` by one call, and only then is the old one
deleted: a reader sees one or the other, never a mixture, and a run that was cut short leaves nothing that is read.
"""

from __future__ import annotations

import re
from collections.abc import Collection as Some
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import numpy as np

from k8s_log_agent.retrieval.documents import Document
from k8s_log_agent.retrieval.embeddings import Vectors
from k8s_log_agent.retrieval.errors import (
    IndexMissingError,
    IndexUnavailableError,
    OtherEmbedderError,
    RetrievalError,
)

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

BATCH = 500  # records a request; about 3 MB
_FIELDS = ("cause", "severity", "component", "namespace", "group", "origin")


class VectorStore(Protocol):
    """One index that can be searched."""

    def documents(self) -> list[Document]:
        """Everything in it, in the order of ids."""

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of these ids."""

    def nearest(self, vector: Vectors, limit: int, excluded: Some[str]) -> list[str]:
        """Ids by falling cosine similarity; none whose group or origin is in `excluded`."""


@dataclass(frozen=True, slots=True)
class IndexKey:
    """What makes two indexes comparable: base name, version of the signature recipe, embedder and its dimensions."""

    base: str
    recipe: int
    embedder: str
    dimensions: int

    @property
    def prefix(self) -> str:
        """The name of a collection up to its generation."""
        return f"{self.base}-s{self.recipe}-{self.embedder}-g"


@contextmanager
def chroma_errors(what: str) -> Iterator[None]:
    """Turns whatever the client raises into an `IndexUnavailableError` that names `what` was tried."""
    import httpx  # noqa: PLC0415 - beside chromadb, which takes seconds to load
    from chromadb.errors import ChromaError  # noqa: PLC0415 - as above

    try:
        yield
    except RetrievalError:
        raise
    except (ChromaError, httpx.HTTPError, ValueError, KeyError, OSError) as error:
        said = str(error).splitlines()[0][:300].rstrip("?. ") if str(error) else type(error).__name__
        raise IndexUnavailableError(
            f"Chroma could not {what}: {said}. Is its server running? `ansible-playbook site.yml -i inventory/local` "
            "starts it on this machine."
        ) from error


def connect(
    url: str, *, tenant: str = "default_tenant", database: str = "default_database", key: str = ""
) -> ClientAPI:
    """A client of the server at `url`; `key` goes as a bearer token to a gateway before it. Raises `RetrievalError`."""
    try:
        import chromadb  # noqa: PLC0415 - takes seconds to load
        from chromadb.config import Settings  # noqa: PLC0415 - as above
    except ImportError as error:
        raise IndexUnavailableError(
            f"The client of Chroma is missing: {error}. Install `k8s-log-agent[retrieval]`."
        ) from error
    parts = urlsplit(url)
    with chroma_errors(f"be reached at {url}"):
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the address is not of the form http://host:port")
        return chromadb.HttpClient(
            host=parts.hostname,
            port=parts.port or (443 if parts.scheme == "https" else 80),
            ssl=parts.scheme == "https",
            headers={"Authorization": f"Bearer {key}"} if key else None,
            tenant=tenant,
            database=database,
            settings=Settings(anonymized_telemetry=False),
        )


def generations(client: ClientAPI, key: IndexKey) -> dict[int, Collection]:
    """All collections of a key by generation, finished or not."""
    with chroma_errors("list its collections"):
        return {
            int(collection.name.removeprefix(key.prefix)): collection
            for collection in _listed(client)
            if re.fullmatch(re.escape(key.prefix) + r"\d+", collection.name)
        }


def _listed(client: ClientAPI) -> Iterator[Collection]:
    page = 200
    offset = 0
    while found := client.list_collections(limit=page, offset=offset):
        yield from found
        offset += len(found)


def ready(collection: Collection) -> bool:
    """Whether a collection is complete."""
    return (collection.metadata or {}).get("state") == "ready"


def open_index(client: ClientAPI, key: IndexKey) -> ChromaIndex:
    """The newest finished generation; raises `IndexMissingError`, `OtherEmbedderError`, `IndexUnavailableError`."""
    found = {generation: one for generation, one in generations(client, key).items() if ready(one)}
    if not found:
        raise _nothing_to_open(client, key)
    collection = found[max(found)]
    check_compatible(collection, key)
    with chroma_errors(f"count the records of {collection.name}"):
        if not collection.count():
            raise IndexMissingError(f"The collection {collection.name} is empty. Fill it with `k8s-log-agent index`.")
    return ChromaIndex(collection)


def check_compatible(collection: Collection, key: IndexKey) -> None:
    """Raises `OtherEmbedderError` when the collection says that something else made it, whatever its name."""
    made = collection.metadata or {}
    wanted = {"embedder": key.embedder, "dimensions": key.dimensions, "signature_version": key.recipe}
    other = {name: made.get(name) for name, value in wanted.items() if made.get(name) != value}
    if other:
        raise OtherEmbedderError(
            f"The collection {collection.name} was made with {_spelled(other)}, and {_spelled(wanted, other)} is asked "
            "for; their vectors cannot be compared. Choose that embedder, or make a collection of this one with "
            "`k8s-log-agent index`."
        )


def _nothing_to_open(client: ClientAPI, key: IndexKey) -> RetrievalError:
    with chroma_errors("list its collections"):
        others = sorted(one.name for one in _listed(client) if one.name.startswith(f"{key.base}-s") and ready(one))
    asked = f"signature recipe {key.recipe} and embedder {key.embedder}"
    if others:
        return OtherEmbedderError(
            f"Chroma has no collection {key.base} of {asked}, but {', '.join(others)}. Choose that one's embedder, "
            "or make a collection of this one with `k8s-log-agent index`."
        )
    return IndexMissingError(f"Chroma has no collection {key.base} of {asked}. Make it with `k8s-log-agent index`.")


def _spelled(values: Mapping[str, object], only: Some[str] | None = None) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if only is None or name in only)


class ChromaIndex:
    """A `VectorStore` in one collection."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    @property
    def name(self) -> str:
        """The collection's name."""
        return self._collection.name

    def documents(self) -> list[Document]:
        """As `VectorStore.documents`; raises `IndexUnavailableError`."""
        with chroma_errors(f"read {self.name}"):
            found = [
                document for page in pages(self._collection, ["documents", "metadatas"]) for document in _rows(page)
            ]
        return sorted(found, key=lambda document: document.id)

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """As `VectorStore.vectors`; raises `IndexUnavailableError`."""
        if not ids:
            return {}
        with chroma_errors(f"read vectors of {self.name}"):
            answer: Any = self._collection.get(ids=list(ids), include=["embeddings"])
            rows = np.asarray(answer["embeddings"], dtype=np.float32)
            return dict(zip(answer["ids"], rows, strict=True))

    def nearest(self, vector: Vectors, limit: int, excluded: Some[str]) -> list[str]:
        """As `VectorStore.nearest`; raises `IndexUnavailableError`."""
        where: Any = None
        if excluded:
            where = {"$and": [{field: {"$nin": sorted(excluded)}} for field in ("group", "origin")]}
        with chroma_errors(f"search {self.name}"):
            answer: Any = self._collection.query(
                query_embeddings=[vector.tolist()], n_results=limit, where=where, include=["distances"]
            )
            return [str(identity) for identity in answer["ids"][0]]


def pages(collection: Collection, include: Sequence[str]) -> Iterator[Any]:
    """The whole collection, `BATCH` records at a time, as Chroma's `get` gives them."""
    offset = 0
    while True:
        page: Any = collection.get(limit=BATCH, offset=offset, include=list(include))  # type: ignore[arg-type] # literals
        if not page["ids"]:
            return
        yield page
        offset += len(page["ids"])


def metadata_of(document: Document) -> dict[str, str]:
    """What Chroma keeps beside text and vector."""
    return {**{name: getattr(document, name) for name in _FIELDS}, "digest": document.digest}


def _rows(page: Mapping[str, Any]) -> Iterator[Document]:
    for identity, text, kept in zip(page["ids"], page["documents"], page["metadatas"], strict=True):
        yield Document(id=identity, text=text, **{name: str(kept.get(name, "")) for name in _FIELDS})
