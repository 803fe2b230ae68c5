"""A client of any OpenAI-compatible chat server; what only llama.cpp has (token counts, context size) is optional.

Retries with jitter happen only where asking again can help: no connection, time-out, 429, 5xx.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from k8s_log_agent.llm.answers import (
    CircuitOpenError,
    Completion,
    ContextOverflowError,
    Message,
    ModelError,
    ServerAnswerError,
    ServerUnavailableError,
)
from k8s_log_agent.llm.circuit_breaker import CircuitBreaker
from k8s_log_agent.llm.grammar import grammar_of
from k8s_log_agent.llm.schema import Schema

_CHARACTERS_PER_TOKEN = 2.5  # of log text, on the safe side; used only where a server cannot count
_TURN_TOKENS = 8  # what a chat template adds for each turn, at most

Constraint = Literal["schema", "grammar"]  # how a server is told what an answer has to be


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How a server is used. `slots` calls run at once; `cache_prompt` reuses the unchanged start of the last prompt."""

    model: str = ""
    timeout_seconds: float = 60
    attempts: int = 3
    slots: int = 2
    cache_prompt: bool = True
    temperature: float = 0
    seed: int = 0


class ChatClient:
    """One server. Thread-safe; closes its connections with `close` or as a context manager."""

    def __init__(  # noqa: PLR0913 - clock, sleep and breaker are what a test puts in the place of time
        self,
        base_url: str,
        options: ClientOptions = ClientOptions(),
        *,
        api_key: str = "",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.options = options
        # The server closes idle connections on its own; one that is used at that moment would lose its request.
        fresh = httpx.Limits(max_keepalive_connections=0)
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        timeout = httpx.Timeout(options.timeout_seconds, connect=min(5, options.timeout_seconds))
        self._http = httpx.Client(base_url=self.base_url, timeout=timeout, limits=fresh, headers=headers)
        self._clock = clock
        self._sleep = sleep
        self._breaker = breaker or CircuitBreaker(clock)
        self._turns = threading.BoundedSemaphore(options.slots)
        self._context: int | None = None

    def __enter__(self) -> ChatClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: Schema | None = None,
        constraint: Constraint = "schema",
    ) -> Completion:
        """One answer, constrained to `schema` where one is given; raises `ModelError`.

        `constraint` says whether the schema goes as it is or as llama.cpp's own grammar.
        """
        body: dict[str, Any] = {
            "model": self.options.model,
            "messages": [message.as_json() for message in messages],
            # Some builds know only one of the two names.
            "max_tokens": max_tokens,
            "max_completion_tokens": max_tokens,
            "temperature": self.options.temperature,
            "seed": self.options.seed,
            "cache_prompt": self.options.cache_prompt,
        }
        if schema is not None and constraint == "grammar":
            body["grammar"] = grammar_of(schema)
        elif schema is not None:
            # At the top level of `response_format` a schema is silently ignored.
            named = {"name": "answer", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        with self._turns:
            started = self._clock()
            answer = self._post("/v1/chat/completions", body)
            return _completion(answer, self._clock() - started)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the prompt that these messages become; estimated from above where the server cannot count."""
        try:
            turns = {"messages": [message.as_json() for message in messages]}
            prompt = self._post("/apply-template", turns)["prompt"]
            body = {"content": prompt, "add_special": True, "parse_special": True}
            return len(self._post("/tokenize", body)["tokens"])
        except (ServerAnswerError, KeyError, TypeError):
            characters = sum(len(message.content) for message in messages)
            return int(characters / _CHARACTERS_PER_TOKEN) + _TURN_TOKENS * len(messages)

    def context_tokens(self) -> int | None:
        """Tokens of one slot, prompt and answer together; None where the server does not say."""
        if self._context is None:
            try:
                self._context = int(self._get("/props")["default_generation_settings"]["n_ctx"])
            except (ServerAnswerError, KeyError, TypeError, ValueError):
                return None
        return self._context

    def _get(self, path: str) -> dict[str, Any]:
        return self._asked(lambda: self._http.get(path), path)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._asked(lambda: self._http.post(path, json=body), path)

    def _asked(self, call: Callable[[], httpx.Response], path: str) -> dict[str, Any]:
        if (left := self._breaker.wait_seconds()) > 0:
            raise CircuitOpenError(
                f"{self.base_url} failed several times in a row and is left alone for another {left:.0f} s."
            )
        retrying = Retrying(
            stop=stop_after_attempt(self.options.attempts),
            wait=wait_exponential_jitter(multiplier=0.5, max=8, jitter=0.5),
            retry=retry_if_exception(lambda error: isinstance(error, ModelError) and error.retryable),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            answer = retrying(self._once, call, path)
        except ServerUnavailableError:
            self._breaker.failed()
            raise
        except ModelError:
            self._breaker.succeeded()  # it answers, even if not what was wanted
            raise
        self._breaker.succeeded()
        return answer

    def _once(self, call: Callable[[], httpx.Response], path: str) -> dict[str, Any]:
        try:
            response = call()
        except (httpx.TransportError, httpx.DecodingError) as error:
            reason = str(error) or type(error).__name__
            raise ServerUnavailableError(f"{self.base_url} did not answer {path}: {reason}.") from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise ServerAnswerError(f"{self.base_url}{path} cannot be asked: {error}.") from error
        said = response.text[:300]
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
            raise ServerUnavailableError(f"{self.base_url} answered {path} with {response.status_code}: {said}")
        if "exceed_context_size" in said:
            raise ContextOverflowError(f"The prompt does not fit into the context of {self.base_url}: {said}")
        if not response.is_success:
            raise ServerAnswerError(f"{self.base_url} refused {path} with {response.status_code}: {said}")
        try:
            answer = response.json()
        except ValueError as error:
            raise ServerAnswerError(f"{self.base_url} answered {path} with what is not JSON: {said!r}") from error
        if not isinstance(answer, dict):
            raise ServerAnswerError(f"{self.base_url} answered {path} with what is not a JSON object: {said!r}")
        return answer


def _completion(answer: dict[str, Any], seconds: float) -> Completion:
    try:
        choice = answer["choices"][0]
        text = choice["message"]["content"]
        if not isinstance(text, str):
            raise TypeError(f"content is {text!r}")  # noqa: TRY301 - one place says what a bad answer looks like
        usage = answer.get("usage") or {}
        details = usage.get("prompt_tokens_details") or {}
        return Completion(
            text=text,
            finish_reason=str(choice.get("finish_reason")),
            prompt_tokens=int(usage.get("prompt_tokens", 0)),
            cached_tokens=int(details.get("cached_tokens") or 0),
            completion_tokens=int(usage.get("completion_tokens", 0)),
            seconds=seconds,
        )
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise ServerAnswerError(f"The answer is not a chat completion ({error!r}): {str(answer)[:300]}") from error
