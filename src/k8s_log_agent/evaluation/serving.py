"""Opens what an evaluation asks: the index of labelled records, and the model."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from k8s_log_agent.llm.client import ClientOptions
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
