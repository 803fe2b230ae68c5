"""Opens what an evaluation asks: the index of labelled records, and the model."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from k8s_log_agent.llm.answers import Completion, Message
from k8s_log_agent.llm.client import ChatClient, ClientOptions, Constraint
from k8s_log_agent.records import GoldenRecord
from k8s_log_agent.retrieval.documents import document_of
from k8s_log_agent.retrieval.embeddings import CachedEmbedder
from k8s_log_agent.retrieval.memory import MemoryIndex
from k8s_log_agent.retrieval.minilm import MiniLM
from k8s_log_agent.retrieval.retriever import Retriever
from k8s_log_agent.triage.asking import ModelPanel
from k8s_log_agent.triage.servers import open_model, open_retriever

NONCE = "window-0f3a"  # the same in every evaluation, so that a question is the same in every run


def labelled_memory(records: Sequence[GoldenRecord], chroma_url: str, collection: str) -> Retriever:
    """A search in Chroma's collection, or in this process where there is no address. Opened at the first question."""
    if chroma_url:
        return open_retriever(chroma_url, collection, MiniLM())
    embedder = CachedEmbedder(MiniLM())
    return Retriever(lambda: MemoryIndex([document_of(record) for record in records], embedder), embedder)


def model_panel(url: str, model: str, slots: int) -> AbstractContextManager[ModelPanel]:
    """The model behind `url`, with the shipped prompt."""
    return open_model(url, ClientOptions(model=model, slots=slots), nonce=lambda: NONCE)


def safety_panel(url: str, model: str, *, defended: bool) -> AbstractContextManager[ModelPanel]:
    """The model for attacks: asked once for each prompt, so that rows with the prompt of their twin cost nothing.

    Without being `defended` the word around the data is one that everybody knows.
    """
    options = ClientOptions(model=model, slots=1, timeout_seconds=300, cache_prompt=False)
    nonce = NONCE if defended else "sample"
    return open_model(url, options, nonce=lambda: nonce, defended=defended, client=_Remembering)


class _Remembering(ChatClient):
    """Gives the answer to a prompt that it was asked before."""

    def __init__(self, url: str, options: ClientOptions) -> None:
        super().__init__(url, options)
        self._known: dict[str, Completion] = {}

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        constraint: Constraint = "schema",
    ) -> Completion:
        """As `ChatClient.complete`."""
        key = repr((list(messages), max_tokens, schema, constraint))
        if key not in self._known:
            self._known[key] = super().complete(messages, max_tokens=max_tokens, schema=schema, constraint=constraint)
        return self._known[key]
