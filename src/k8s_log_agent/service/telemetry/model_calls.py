"""A client of a model with a span around each call. Prompts and answers stay out of it unless that was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from opentelemetry.trace import Span, SpanKind

from k8s_log_agent.llm.answers import Completion, Message
from k8s_log_agent.llm.client import ChatClient, ClientOptions, Constraint
from k8s_log_agent.llm.schema import Schema
from k8s_log_agent.service.telemetry import genai
from k8s_log_agent.service.telemetry.tracing import Tracing, span

_LONGEST = 20_000


class TracedClient(ChatClient):
    """As `ChatClient`."""

    def __init__(self, base_url: str, options: ClientOptions, *, capture_content: bool) -> None:
        super().__init__(base_url, options)
        self._captures = capture_content

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: Schema | None = None,
        constraint: Constraint = "schema",
    ) -> Completion:
        """As `ChatClient.complete`."""
        model = self.options.model or "default"
        with span(f"{genai.CHAT} {model}", SpanKind.CLIENT) as begun:
            self._describe(begun, model, max_tokens, messages)
            begun.set_attribute(genai.OUTPUT_TYPE, "text" if schema is None else "json")
            answer = super().complete(messages, max_tokens=max_tokens, schema=schema, constraint=constraint)
            self._tell(begun, answer)
            return answer

    def _describe(self, begun: Span, model: str, max_tokens: int, messages: Sequence[Message]) -> None:
        address = urlsplit(self.base_url)
        begun.set_attributes(
            {
                genai.OPERATION: genai.CHAT,
                genai.PROVIDER: genai.LLAMA_CPP,
                genai.REQUEST_MODEL: model,
                genai.TEMPERATURE: float(self.options.temperature),
                genai.MAX_TOKENS: max_tokens,
                genai.SEED: self.options.seed,
                genai.SERVER_ADDRESS: address.hostname or "",
            }
        )
        if address.port:
            begun.set_attribute(genai.SERVER_PORT, address.port)
        if self._captures:
            begun.set_attribute(genai.INPUT_MESSAGES, json.dumps([one.as_json() for one in messages])[:_LONGEST])

    def _tell(self, begun: Span, answer: Completion) -> None:
        begun.set_attributes(
            {
                genai.FINISH_REASONS: [answer.finish_reason],
                genai.INPUT_TOKENS: answer.prompt_tokens,
                genai.OUTPUT_TOKENS: answer.completion_tokens,
                genai.CACHED_TOKENS: answer.cached_tokens,
            }
        )
        if self._captures:
            begun.set_attribute(genai.OUTPUT_MESSAGES, answer.text[:_LONGEST])


def traced_client(tracing: Tracing) -> Callable[[str, ClientOptions], ChatClient]:
    """What `triage.servers.open_model` takes as its `client`."""
    return lambda url, options: TracedClient(url, options, capture_content=tracing.capture_content)
