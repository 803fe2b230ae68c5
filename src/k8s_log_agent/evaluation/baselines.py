"""What every score is held against: the most frequent answer, and a list of keywords that a person would grep for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, TypeVar

import yaml

from k8s_log_agent.evaluation.outcomes import Answer, Case, LinePlace, Truth
from k8s_log_agent.records import Category, Severity

LONGEST_LINE = 4096  # characters that a keyword is looked for in
_Value = TypeVar("_Value", bound=str)
CategoryOf = Callable[[str], Category]


def majority(truths: Iterable[Truth]) -> Answer:
    """The most frequent value of each field among `truths`, ties to the first by name.

    Raises ValueError when there are none.
    """
    known = list(truths)
    if not known:
        raise ValueError("the most frequent answer of nothing was asked for")

    return Answer(
        cause=_most(truth.cause for truth in known),
        category=_most(truth.category for truth in known),
        severity=_most(truth.severity for truth in known),
        component=_most(truth.component for truth in known),
    )


@dataclass(frozen=True, slots=True)
class Keyword:
    """`words` are looked for without regard to case; the first keyword in the list that is found anywhere wins."""

    words: re.Pattern[str]
    answer: str


@dataclass(frozen=True, slots=True)
class Keywords:
    """The two lists of `keywords.yaml`."""

    severities: tuple[Keyword, ...]
    causes: tuple[Keyword, ...]

    @classmethod
    @cache
    def default(cls) -> Keywords:
        """The lists that ship with the package."""
        text = resources.files(__package__).joinpath("keywords.yaml").read_text(encoding="utf-8")
        lists = yaml.safe_load(text)
        return cls(_compiled(lists["severities"]), _compiled(lists["causes"]))

    def answer(self, case: Case, component: str, category_of: CategoryOf) -> Answer:
        """Cites the lines in which the winning keyword of the cause stands; knows no component, so takes the given."""
        texts = [line.text[:LONGEST_LINE] for line in case.lines]
        cause = _first(self.causes, texts)
        severity = _first(self.severities, texts)
        if cause is None:
            level = Severity(severity.answer) if severity else Severity.INFO
            serious = level.rank > Severity.WARN.rank
            code = "unknown" if serious else "none"
            return Answer(code, Category.UNKNOWN if serious else Category.NONE, level, component)
        places: frozenset[LinePlace] = frozenset(
            (line.source, line.number) for line, text in zip(case.lines, texts, strict=True) if cause.words.search(text)
        )
        level = Severity(severity.answer) if severity else Severity.ERROR
        return Answer(cause.answer, category_of(cause.answer), level, component, places)


def _most(values: Iterable[_Value]) -> _Value:
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value))


def _compiled(entries: Sequence[dict[str, Any]]) -> tuple[Keyword, ...]:
    return tuple(
        Keyword(re.compile("|".join(re.escape(word) for word in entry["words"]), re.IGNORECASE), entry["answer"])
        for entry in entries
    )


def _first(keywords: Sequence[Keyword], texts: Sequence[str]) -> Keyword | None:
    return next((keyword for keyword in keywords if any(keyword.words.search(text) for text in texts)), None)
