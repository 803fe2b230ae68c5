"""Puts one case before the triage, and keeps what each of its parts thought of it.

Two passes: the first without a model tells which cases a model is wanted for; the second asks it. What the model makes
of a case where rules decide is its opinion all the same, so that it can be scored alone. Labelled records with a
signature of the case, or of its group, are not looked at: they would hold its answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from k8s_log_agent.evaluation.outcomes import Answer, Case, NoAnswer
from k8s_log_agent.records import Category, Event, GoldenRecord, LogLine, Record, Severity, Verdict, VerdictState
from k8s_log_agent.retrieval.errors import RetrievalError
from k8s_log_agent.retrieval.retriever import Retriever
from k8s_log_agent.triage.evidence import speaking
from k8s_log_agent.triage.opinions import ModelOpinion
from k8s_log_agent.triage.pipeline import Triage
from k8s_log_agent.understand.causes import CauseTable

QUERY_LINES = 10


class Reader(Protocol):
    """What makes events of lines, with its counts of what it cut or dropped."""

    counts: Counter[str]

    def events(self, lines: Iterable[LogLine]) -> Iterator[Event]:
        """Events of a window."""


class Opinion(Record):
    """An answer in a form that can be kept."""

    cause: str
    category: Category
    severity: Severity
    component: str
    evidence: tuple[tuple[str, int], ...] = ()

    @property
    def answer(self) -> Answer:
        """As it is scored."""
        return Answer(self.cause, self.category, self.severity, self.component, frozenset(self.evidence))


class FirstPass(Record):
    """A case without the model. `wants_model`: the rules are unsure; `may_ask`: there is something to ask about.

    `unavailable`: the index of labelled records could not be asked.
    """

    verdict: Verdict
    wants_model: bool
    may_ask: bool
    nearest: Opinion | None
    unavailable: bool
    lines: int
    events: int
    signatures: tuple[str, ...]
    noise: dict[str, int]
    dropped: dict[str, int]
    seconds: dict[str, float]


class SecondPass(Record):
    """A case with the model. `model` is None when it gave no valid answer; `unavailable` when the server gave none."""

    verdict: Verdict
    model: Opinion | None
    repaired: bool
    unavailable: bool
    prompt_tokens: int
    generated_tokens: int
    seconds: dict[str, float]

    @property
    def model_answer(self) -> Answer | NoAnswer:
        """The model's own choice: unscored without a server, invalid when what came could not be read."""
        if self.model is not None:
            return self.model.answer
        return NoAnswer.UNSCORED if self.unavailable else NoAnswer.INVALID


@dataclass(frozen=True, slots=True)
class Reading:
    """How lines become events: a fresh `reader` for each window, the table of causes, and a `clock` in seconds."""

    reader: Callable[[], Reader]
    causes: CauseTable
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Pipelines:
    """The triage without its model, and with it where there is one, which then has to be asked always."""

    without_model: Triage
    with_model: Triage | None


@dataclass(frozen=True, slots=True)
class Memory:
    """Labelled records by their id, and what finds them."""

    retriever: Retriever
    records: Mapping[str, GoldenRecord]


class Judge:
    """The triage that is under evaluation, with and without its model."""

    def __init__(self, reading: Reading, pipelines: Pipelines, memory: Memory | None) -> None:
        """`memory` is what the pipelines look up in, for the nearest record as a baseline."""
        self._reading = reading
        self._pipelines = pipelines
        self._memory = memory

    @property
    def has_model(self) -> bool:
        """Whether there is a second pass."""
        return self._pipelines.with_model is not None

    def first(self, case: Case) -> FirstPass:
        """The case without the model."""
        started = self._reading.clock()
        reader = self._reading.reader()
        events = list(reader.events(case.lines))
        understood = self._reading.clock() - started
        kept = speaking(events)
        signatures = sorted({event.signature for event in events})
        own = [*signatures, case.group]
        triaged = self._pipelines.without_model.examine(events, own)
        shown = [line.place.text for line in triaged.trace.shown]
        query = shown or [event.message for event in kept[:QUERY_LINES]]
        noise: Counter[str] = Counter()
        for event in events:
            if event.noise_rule:
                noise[event.noise_rule] += len(event.lines)
        nearest, unavailable = self._nearest(query, own)
        rejected = triaged.verdict.state is VerdictState.REJECTED
        return FirstPass(
            verdict=triaged.verdict,
            wants_model=not rejected and not triaged.trace.rules.sure,
            may_ask=not rejected and bool(triaged.trace.rules.candidates),
            nearest=nearest,
            unavailable=unavailable,
            lines=len(case.lines),
            events=len(events),
            signatures=tuple(signatures),
            noise=dict(sorted(noise.items())),
            dropped=dict(sorted(reader.counts.items())),
            seconds={"understanding": understood, **triaged.trace.seconds},
        )

    def second(self, case: Case) -> SecondPass:
        """The case with the model; raises ValueError without one."""
        if self._pipelines.with_model is None:
            raise ValueError("there is no model to ask")
        events = list(self._reading.reader().events(case.lines))
        triaged = self._pipelines.with_model.examine(events, [*{event.signature for event in events}, case.group])
        trace = triaged.trace
        return SecondPass(
            verdict=triaged.verdict,
            model=self._opinion(trace.model, triaged.verdict) if trace.model else None,
            repaired=trace.model is not None and trace.model.repaired,
            unavailable=trace.model is None and not trace.calls,
            prompt_tokens=trace.prompt_tokens,
            generated_tokens=trace.completion_tokens,
            seconds={"model": trace.seconds.get("model", 0.0)},
        )

    def _nearest(self, query: Sequence[str], own: Sequence[str]) -> tuple[Opinion | None, bool]:
        """The label of the nearest record, and whether the index failed."""
        if self._memory is None or not query:
            return None, False
        try:
            found = self._memory.retriever.similar("\n".join(query), 1, own)
        except RetrievalError:
            return None, True
        record = self._memory.records.get(found[0].id) if found else None
        return (_label(record) if record else None), False

    def _opinion(self, opinion: ModelOpinion, verdict: Verdict) -> Opinion:
        known = opinion.cause in self._reading.causes.codes
        entry = self._reading.causes.cause(opinion.cause) if known else None
        return Opinion(
            cause=opinion.cause,
            category=entry.category if entry else Category.UNKNOWN,
            severity=opinion.severity,
            component=entry.component_kind if entry else verdict.component.kind,
            evidence=tuple((line.source, line.line) for line in opinion.evidence),
        )


def _label(record: GoldenRecord) -> Opinion:
    truth = record.truth
    return Opinion(
        cause=truth.cause, category=truth.category, severity=Severity(truth.severity), component=truth.component.kind
    )
