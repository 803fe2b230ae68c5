"""What is judged: a case with its truth, a method's answer to it, and the pair of both.

An answer that could not be read counts as wrong; a case that a method was never asked is kept apart and in no rate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from k8s_log_agent.records import Category, LogLine, Severity, Verdict, VerdictState
from k8s_log_agent.triage.components import canonical_kind

Part = Literal["held_out", "training", "golden_real", "golden_synthetic"]
PARTS: tuple[Part, ...] = ("held_out", "training", "golden_real", "golden_synthetic")
RECORDED: tuple[Part, ...] = ("held_out", "training")

LinePlace = tuple[str, int]  # source, 1-based physical line in it

FIELDS = ("cause", "category", "severity", "component")


@dataclass(frozen=True, slots=True)
class Truth:
    """What is right about a case. `component` is the component's kind; `evidence` the lines that state the cause."""

    is_failure: bool
    cause: str
    category: Category
    severity: Severity
    component: str
    evidence: frozenset[LinePlace] = frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    """One window of log lines with its truth.

    `group` joins cases that are repeats of one thing (a program with one fault, or one signature): intervals are drawn
    over groups, since repeats are not independent. `title` is for people.
    """

    id: str
    part: Part
    group: str
    program: str
    title: str
    truth: Truth
    lines: tuple[LogLine, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a method says about a case, in the fields that are scored."""

    cause: str
    category: Category
    severity: Severity
    component: str
    evidence: frozenset[LinePlace] = frozenset()

    @property
    def alarms(self) -> bool:
        """Whether someone would be told: any cause but `none`, at WARN or above."""
        return self.cause != "none" and self.severity.rank >= Severity.WARN.rank


class NoAnswer(Enum):
    """Why there is no answer: `INVALID` counts as wrong, `UNSCORED` counts nowhere."""

    INVALID = "invalid"
    UNSCORED = "unscored"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One method's answer beside the truth."""

    case: str
    group: str
    truth: Truth
    answer: Answer | NoAnswer

    def right(self, field: str) -> bool:
        """Whether the answer's `field` is the truth's; an invalid answer is right in nothing."""
        if isinstance(self.answer, NoAnswer):
            return False
        if field == "component":
            return canonical_kind(self.answer.component) == canonical_kind(self.truth.component)
        return bool(getattr(self.answer, field) == getattr(self.truth, field))


def answer_of(verdict: Verdict) -> Answer:
    """The scored fields of a verdict; a rejected one says that nothing is wrong."""
    if verdict.state is VerdictState.REJECTED:
        return Answer("none", Category.NONE, Severity.INFO, verdict.component.kind)
    severity = Severity.INFO if verdict.severity is Severity.DEBUG else verdict.severity
    places = frozenset((line.source, line.line) for line in verdict.evidence)
    return Answer(verdict.cause, verdict.category, severity, verdict.component.kind, places)


def scored(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The outcomes that count: all but the unscored."""
    return [outcome for outcome in outcomes if outcome.answer is not NoAnswer.UNSCORED]
