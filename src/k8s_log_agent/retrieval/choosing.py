"""Chooses the embedder: a server where one is named, else MiniLM in this process."""

from __future__ import annotations

import httpx

from k8s_log_agent.retrieval.embeddings import Embedder
from k8s_log_agent.retrieval.minilm import MiniLM
from k8s_log_agent.retrieval.served_embedder import ServedEmbedder

TIMEOUT_SECONDS = 60


def choose_embedder(embedding_url: str = "") -> Embedder:
    """BGE-small-en-v1.5 behind the llama.cpp server at `embedding_url`; MiniLM when it is empty."""
    if not embedding_url:
        return MiniLM()
    return ServedEmbedder(httpx.Client(base_url=embedding_url, timeout=TIMEOUT_SECONDS))
