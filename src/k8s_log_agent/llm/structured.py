"""Answers that are data: constrained by the server, validated here all the same, repaired once, or refused.

The constraint of a server is never trusted: a grammar that it cannot parse may be dropped without a word, so a probe
asks for something that only a bound model would say, and every answer is validated again.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from k8s_log_agent.llm.answers import Completion, ConstraintNotBoundError, InvalidAnswerError, Message
from k8s_log_agent.llm.client import ChatClient
from k8s_log_agent.llm.schema import Schema, choice, flat_object

Answer = TypeVar("Answer", bound=BaseModel)

_PROBE_WORD = "heron-4417"
_PROBE = (Message("user", "Write one sentence about the sea."),)
_SHOWN_OF_A_BAD_ANSWER = 400  # characters


@dataclass(frozen=True, slots=True)
class StructuredAnswer(Generic[Answer]):
    """A valid answer, whether it took the repair, and every call that was made for it."""

    value: Answer
    repaired: bool
    calls: tuple[Completion, ...]


class StructuredChat:
    """Structured answers from one server, which is probed before the first of them. Thread-safe."""

    def __init__(self, client: ChatClient, repair_prompt: Callable[[str], str]) -> None:
        """`repair_prompt` makes the user's turn from what was wrong with the answer."""
        self.client = client
        self._repair_prompt = repair_prompt
        self._bound: bool | None = None
        self._lock = threading.Lock()

    def probe(self) -> None:
        """Raises `ConstraintNotBoundError` when the server does not keep to a schema; other `ModelError` as they come.

        A server that was once found to keep to it, or not to, is not asked again.
        """
        with self._lock:
            if self._bound is None:
                schema = flat_object({"answer": choice([_PROBE_WORD])})
                answer = self.client.complete(_PROBE, max_tokens=32, schema=schema)
                try:
                    self._bound = json.loads(answer.text) == {"answer": _PROBE_WORD}
                except ValueError:
                    self._bound = False
            if not self._bound:
                raise ConstraintNotBoundError(
                    f"{self.client.base_url} takes a JSON Schema and does not keep to it. It needs a llama.cpp server "
                    "that supports response_format.json_schema; until then the rules decide."
                )

    def ask(
        self,
        messages: Sequence[Message],
        answer_type: type[Answer],
        schema: Schema,
        *,
        max_tokens: int,
        check: Callable[[Answer], str | None] = lambda _: None,
    ) -> StructuredAnswer[Answer]:
        """One valid answer; raises `ModelError`.

        `check` says in one sentence what is wrong with a value that the type alone allows, or None.
        """
        self.probe()
        first = self.client.complete(messages, max_tokens=max_tokens, schema=schema)
        value, wrong = _validated(first, answer_type, check)
        if value is not None:
            return StructuredAnswer(value, repaired=False, calls=(first,))
        shown = Message("assistant", first.text[:_SHOWN_OF_A_BAD_ANSWER] or "(nothing)")
        again = [*messages, shown, Message("user", self._repair_prompt(wrong))]
        second = self.client.complete(again, max_tokens=max_tokens, schema=schema)
        value, still = _validated(second, answer_type, check)
        if value is None:
            raise InvalidAnswerError(
                f"The model's answer was not valid ({wrong}), nor was its repair ({still}).", (first, second)
            )
        return StructuredAnswer(value, repaired=True, calls=(first, second))


def _validated(
    completion: Completion, answer_type: type[Answer], check: Callable[[Answer], str | None]
) -> tuple[Answer | None, str]:
    if completion.finish_reason != "stop":
        return None, f"it ended by {completion.finish_reason!r} after {completion.completion_tokens} tokens"
    try:
        value = answer_type.model_validate_json(completion.text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        return None, f"{place}: {first['msg']}"
    wrong = check(value)
    return (None, wrong) if wrong else (value, "")
