"""What a model server gives back, and every way in which it can fail to."""

from __future__ import annotations

from dataclasses import dataclass


class ModelError(RuntimeError):
    """Base: the model gave no usable answer. The text says what happened; `retryable` whether asking again may help.

    `calls` are the answers that were paid for all the same.
    """

    retryable = False

    def __init__(self, text: str, calls: tuple[Completion, ...] = ()) -> None:
        super().__init__(text)
        self.calls = calls


class ServerUnavailableError(ModelError):
    """No connection, a time-out, 429 or 5xx, after all retries."""

    retryable = True


class CircuitOpenError(ModelError):
    """The server failed several times just now and is left alone for a while."""


class ServerAnswerError(ModelError):
    """The server answered with something that is not a chat completion, or refused the request."""


class ContextOverflowError(ModelError):
    """The prompt has more tokens than the server's context."""


class InvalidAnswerError(ModelError):
    """The text was cut off or not what the schema asks for, and one repair did not mend it."""


class ConstraintNotBoundError(ModelError):
    """The server takes a schema and does not keep to it; it is not used for structured answers."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. `role` is system, user or assistant."""

    role: str
    content: str

    def as_json(self) -> dict[str, str]:
        """As the API wants it."""
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer. Tokens as the server counted them, `cached_tokens` of the prompt; `seconds` as the client saw."""

    text: str
    finish_reason: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    seconds: float
