"""What can go wrong between this program and a Loki; each text says what, why, and the next step."""

from __future__ import annotations

from k8s_log_agent.ingest.source_error import SourceError


class LokiError(SourceError):
    """Base of everything below. No text of it holds a password, a token, or a header."""


class SelectorError(LokiError):
    """A label name, a value or a query of which no valid LogQL can be made."""


class LokiAccessError(LokiError):
    """The address, a secret's file or a certificate cannot be used as given."""


class LokiRefusedError(LokiError):
    """Loki answered with a status that asking again will not change. `message` is Loki's own text."""

    def __init__(self, status: int, message: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.message = message


class LokiUnavailableError(LokiError):
    """Loki did not answer, or answered 429 or 5xx, as often as it was asked."""


class LokiAnswerError(LokiError):
    """The answer is not a list of log lines: a metric query, a login page, something cut short."""


class AnswerTooLargeError(LokiError):
    """One answer is larger than the bound on memory; fewer lines must be asked for."""


class OutOfTimeError(LokiError):
    """The budget of seconds ends before the next attempt would begin."""


class TieError(LokiError):
    """More lines carry one timestamp than one answer can hold, and no label or text tells them apart."""


class CursorError(LokiError):
    """The cursor file cannot be read or written, or belongs to another query or range."""
