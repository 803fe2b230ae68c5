"""Opens what a triage asks beside its rules: the index of labelled records in Chroma, and the model."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from k8s_log_agent.llm.client import ChatClient, ClientOptions
from k8s_log_agent.llm.prompt_templates import Prompt
from k8s_log_agent.llm.structured import StructuredChat
from k8s_log_agent.retrieval.embeddings import CachedEmbedder, Embedder
from k8s_log_agent.retrieval.retriever import Retriever
from k8s_log_agent.retrieval.store import IndexKey, connect, open_index
from k8s_log_agent.triage.asking import ModelPanel, Panel
from k8s_log_agent.triage.routing import TIERS, RoutedPanel, Tier, read_routes
from k8s_log_agent.understand.signature import SIGNATURE_VERSION

PROMPT_TOKENS = 900  # about a second for a model of 135 million parameters on two cores
COLLECTION = "golden"


def fresh_nonce() -> str:
    """A word that nobody who writes log lines can know."""
    return secrets.token_hex(4)


def index_key(collection: str, embedder: Embedder) -> IndexKey:
    """The key of an index that this version of the package can read."""
    return IndexKey(collection, SIGNATURE_VERSION, embedder.name, embedder.dimensions)


def open_retriever(chroma_url: str, collection: str, embedder: Embedder) -> Retriever:
    """A search in a collection of Chroma, which is opened at the first question."""
    cached = CachedEmbedder(embedder)
    return Retriever(lambda: open_index(connect(chroma_url), index_key(collection, cached)), cached)


@contextmanager
def open_model(  # noqa: PLR0913 - what a panel is made of
    url: str,
    options: ClientOptions,
    *,
    prompts: Path | None = None,
    prompt_tokens: int = PROMPT_TOKENS,
    nonce: Callable[[], str] = fresh_nonce,
    defended: bool = True,
    client: Callable[[str, ClientOptions], ChatClient] = ChatClient,
) -> Iterator[ModelPanel]:
    """The model behind `url`; `prompts` is a directory whose files take the place of the shipped prompts.

    Raises `PromptError`; the server is asked nothing yet.
    """
    prompt = Prompt("triage", prompts)
    with client(url, options) as opened:
        chat = StructuredChat(opened, lambda problem: prompt.render("repair", problem=problem))
        yield ModelPanel(chat, prompt, prompt_tokens=prompt_tokens, nonce=nonce, defended=defended)


@contextmanager
def open_routes(path: Path, options: ClientOptions, *, prompts: Path | None = None) -> Iterator[RoutedPanel]:
    """The models of a file of routes behind one panel; `options` hold for all but their names.

    Raises `RoutesError` and `PromptError`; no server is asked yet.
    """
    routes = read_routes(path)
    with ExitStack() as stack:
        panels: dict[Tier, Panel] = {
            tier: stack.enter_context(open_model(one.url, replace(options, model=one.model), prompts=prompts))
            for tier in TIERS
            if (one := routes.endpoints.get(tier))
        }
        yield RoutedPanel(routes, panels, time.monotonic)
