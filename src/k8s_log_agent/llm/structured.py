"""Answers that are data: constrained by the server, validated here all the same, repaired once, or refused.

The constraint of a server is never trusted: one that it does not know may be dropped without a word, so a probe asks
for something that only a bound model would say, by JSON Schema and where that does not bind by llama.cpp's grammar. A
server that keeps to neither is not used, and every answer is validated again.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from k8s_log_agent.llm.answers import (
    Completion,
    ConstraintNotBoundError,
    InvalidAnswerError,
    Message,
    ServerAnswerError,
)
from k8s_log_agent.llm.client import ChatClient, Constraint
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
        self._constraint: Constraint | None = None
        self._probed = False
        self._lock = threading.Lock()

    def probe(self) -> Constraint:
        """The constraint that the server keeps to: a JSON Schema, else a grammar.

        Raises `ConstraintNotBoundError` when it keeps to neither; other `ModelError` as they come. A server that was
        once found to keep to one, or to none, is not asked again.
        """
        with self._lock:
            if not self._probed:
                self._constraint = next((one for one in get_args(Constraint) if self._binds(one)), None)
                self._probed = True
            if self._constraint is None:
                raise ConstraintNotBoundError(
                    f"{self.client.base_url} keeps neither to a JSON Schema nor to a grammar. It needs a llama.cpp "
                    "server that supports response_format.json_schema; until then the rules decide."
                )
            return self._constraint

    def _binds(self, constraint: Constraint) -> bool:
        schema = flat_object({"answer": choice([_PROBE_WORD])})
        try:
            answer = self.client.complete(_PROBE, max_tokens=32, schema=schema, constraint=constraint)
            return bool(json.loads(answer.text) == {"answer": _PROBE_WORD})
        except (ServerAnswerError, ValueError):  # it refuses what it does not know, or says something else
            return False

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
        constraint = self.probe()
        first = self.client.complete(messages, max_tokens=max_tokens, schema=schema, constraint=constraint)
        value, wrong = _validated(first, answer_type, check)
        if value is not None:
            return StructuredAnswer(value, repaired=False, calls=(first,))
        shown = Message("assistant", first.text[:_SHOWN_OF_A_BAD_ANSWER] or "(nothing)")
        again = [*messages, shown, Message("user", self._repair_prompt(wrong))]
        second = self.client.complete(again, max_tokens=max_tokens, schema=schema, constraint=constraint)
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
