"""LogQL built from parts, every value quoted as a Go string; nothing is ever pasted into a query."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from k8s_log_agent.ingest.loki_errors import SelectorError

LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class MatchOp(StrEnum):
    """How a label is compared; the last two take an RE2 expression, which must match the whole value."""

    EQUAL = "="
    NOT_EQUAL = "!="
    MATCH = "=~"
    NOT_MATCH = "!~"


class FilterOp(StrEnum):
    """How a line is searched; the last two take an RE2 expression."""

    CONTAINS = "|="
    LACKS = "!="
    MATCH = "|~"
    NOT_MATCH = "!~"


def go_string(text: str) -> str:
    """`text` as a double-quoted Go string literal; raises `SelectorError` for what UTF-8 cannot hold."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        raise SelectorError(
            f"The text holds half of a surrogate pair (U+{code:04X}), which no log line can hold. Leave it out."
        )
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


class Stage(Protocol):
    """What can follow a selector in a query."""

    @property
    def logql(self) -> str:
        """The stage as LogQL."""
        ...


def _checked_name(name: str) -> str:
    if not LABEL_NAME.match(name):
        raise SelectorError(
            f"{name!r} is not a label name: letters, digits and underscores, not beginning with a digit."
        )
    return name


@dataclass(frozen=True, slots=True)
class Matcher:
    """One comparison inside the braces, such as `namespace="shop"`."""

    label: str
    op: MatchOp
    value: str

    def __post_init__(self) -> None:
        _checked_name(self.label)
        go_string(self.value)

    @property
    def logql(self) -> str:
        """The matcher as LogQL."""
        return f"{self.label}{self.op}{go_string(self.value)}"


@dataclass(frozen=True, slots=True)
class LabelFilter:
    """A comparison after the braces, which reaches structured metadata too. An absent label equals the empty text."""

    label: str
    op: MatchOp
    value: str

    def __post_init__(self) -> None:
        _checked_name(self.label)
        go_string(self.value)

    @property
    def logql(self) -> str:
        """The stage as LogQL."""
        return f"| {self.label}{self.op}{go_string(self.value)}"


@dataclass(frozen=True, slots=True)
class LineFilter:
    """A search in the line's text. An empty text would match every line and is refused."""

    op: FilterOp
    text: str

    def __post_init__(self) -> None:
        if not self.text:
            raise SelectorError("A line filter needs a text: an empty one matches every line. Leave the filter out.")
        go_string(self.text)

    @property
    def logql(self) -> str:
        """The stage as LogQL."""
        return f"{self.op} {go_string(self.text)}"


class LogQuery(Protocol):
    """A query for log lines that can be made narrower."""

    @property
    def logql(self) -> str:
        """The whole query as LogQL."""
        ...

    def narrowed(self, stage: Stage) -> LogQuery:
        """The same query, keeping only the lines that also pass `stage`."""
        ...


@dataclass(frozen=True, slots=True)
class Selector:
    """Label matchers and what follows them, in this order. Loki wants one matcher that an absent label would fail."""

    matchers: tuple[Matcher, ...]
    stages: tuple[Stage, ...] = ()

    def __post_init__(self) -> None:
        if not self.matchers:
            raise SelectorError("A selector needs at least one label, such as namespace; Loki refuses empty braces.")

    @classmethod
    def where(cls, **labels: str) -> Selector:
        """Streams whose labels have exactly these values."""
        return cls(tuple(Matcher(label, MatchOp.EQUAL, value) for label, value in labels.items()))

    def containing(self, text: str) -> Selector:
        """Only lines that hold `text`, taken literally."""
        return self.narrowed(LineFilter(FilterOp.CONTAINS, text))

    def lacking(self, text: str) -> Selector:
        """Only lines that do not hold `text`, taken literally."""
        return self.narrowed(LineFilter(FilterOp.LACKS, text))

    def matching(self, expression: str) -> Selector:
        """Only lines in which the RE2 `expression` is found."""
        return self.narrowed(LineFilter(FilterOp.MATCH, expression))

    def narrowed(self, stage: Stage) -> Selector:
        """The same selector with one more stage."""
        return Selector(self.matchers, (*self.stages, stage))

    @property
    def logql(self) -> str:
        """The selector as LogQL."""
        braces = "{" + ", ".join(matcher.logql for matcher in self.matchers) + "}"
        return " ".join([braces, *(stage.logql for stage in self.stages)])


@dataclass(frozen=True, slots=True)
class TypedQuery:
    """LogQL as the operator typed it on the command line or in the inventory; never build one from anything else.

    What narrows it stands on a line of its own, out of reach of a comment that the typed text may end with.
    """

    text: str
    stages: tuple[Stage, ...] = ()

    def __post_init__(self) -> None:
        if not self.text.lstrip().startswith("{"):
            raise SelectorError(
                f"{self.text!r} is not a query for log lines, which begins with labels in braces, such as "
                '{namespace="shop"} |= "error". Counts and rates are not lines.'
            )
        if any(0xD800 <= ord(character) <= 0xDFFF for character in self.text):
            raise SelectorError("The query is not UTF-8. Type it anew, or write the bytes as escapes.")

    def narrowed(self, stage: Stage) -> TypedQuery:
        """The same query with one more stage."""
        return TypedQuery(self.text, (*self.stages, stage))

    @property
    def logql(self) -> str:
        """The typed text, narrowed."""
        return "\n".join([self.text, *(stage.logql for stage in self.stages)])
