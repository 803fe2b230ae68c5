"""From the payload of a job to incidents: lines are read, understood and triaged, and nothing is stored yet."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from k8s_log_agent.records import Verdict
from k8s_log_agent.retrieval.retriever import Retriever
from k8s_log_agent.service.lines import PASTED, READING, LineSource, Tick, Wanted
from k8s_log_agent.service.model_budget import BudgetedPanel
from k8s_log_agent.service.models import NOTHING, Incident, IncidentSource, IncidentState
from k8s_log_agent.service.shown_lines import SeenLines
from k8s_log_agent.service.store import PastIncidents
from k8s_log_agent.triage import incidents as triage_incidents
from k8s_log_agent.triage.asking import Panel
from k8s_log_agent.triage.digest import Digest
from k8s_log_agent.triage.opinions import UNKNOWN, Policy, TriageTrace
from k8s_log_agent.triage.pipeline import Triage, TriageOptions
from k8s_log_agent.triage.summary import summarize
from k8s_log_agent.triage.summary_text import markdown
from k8s_log_agent.understand.causes import CauseTable
from k8s_log_agent.understand.masking import mask
from k8s_log_agent.understand.pipeline import Understanding

LONGEST_TITLE = 140
_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
MOST_SIMILAR = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job: incidents to be kept, the job's result as JSON, and how each verdict came about.

    `noise` counts the lines that were left out, by rule.
    """

    incidents: tuple[Incident, ...]
    result: Mapping[str, Any]
    traces: tuple[TriageTrace, ...] = ()
    noise: Mapping[str, int] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Finding:
    """What an incident is made from. `scope` is a namespace or source, `events` counts what was seen."""

    scope: str
    start: datetime | None
    end: datetime | None
    events: int
    verdict: Verdict

    @classmethod
    def of(cls, found: triage_incidents.Incident) -> Finding:
        """What a triage found."""
        return cls(found.scope, found.start, found.end, found.events, found.verdict)


class Analyst:
    """Does jobs of the kinds analyze and summarize. Thread-safe; every job has its own state."""

    def __init__(  # noqa: PLR0913 - what a triage asks, and what a test puts in the place of time and chance
        self,
        source: LineSource,
        past: PastIncidents,
        *,
        model: Panel | None,
        retriever: Retriever | None,
        model_calls: int,
        clock: Callable[[], datetime],
        identity: Callable[[], str],
    ) -> None:
        """`model_calls` is the budget of one job; `clock` gives UTC, `identity` fresh ids."""
        self._source = source
        self._past = past
        self._model = model
        self._retriever = retriever
        self._model_calls = model_calls
        self._clock = clock
        self._identity = identity
        self._causes = CauseTable.default()

    def analyze(self, payload: Mapping[str, Any], tick: Tick) -> Outcome:
        """Triage of every window of trouble in the lines; raises `SourceError` and `LinesError`."""
        notes: list[str] = []
        found, seen, traces = self.windows(Wanted.of(payload), notes, tick)
        selector = str(payload.get("selector") or "")
        incidents = tuple(self.incident(Finding.of(one), seen, selector=selector) for one in found.incidents)
        result = {
            "incidents": [incident.id for incident in incidents],
            "quiet_windows": found.quiet_windows,
            "lines": seen.count,
            "notes": notes,
        }
        return Outcome(incidents, result, traces, seen.noise)

    def summarize(self, payload: Mapping[str, Any], tick: Tick) -> Outcome:
        """A short report on the lines, by rules alone; raises `SourceError` and `LinesError`."""
        notes: list[str] = []
        digest = Digest()
        for event in Understanding.default().events(self._source.read(Wanted.of(payload), notes, tick)):
            digest.add(event)
        judge = Triage(self._causes, options=TriageOptions(Policy.RULES))
        summary = summarize(digest, judge, _second_part(tick))
        summary = summary.model_copy(update={"notes": (*summary.notes, *notes)})
        return Outcome((), {"summary": summary.model_dump(mode="json"), "markdown": markdown(summary)})

    def windows(
        self, wanted: Wanted, notes: list[str], tick: Tick
    ) -> tuple[triage_incidents.Findings, SeenLines, tuple[TriageTrace, ...]]:
        """The findings of a triage within the model's budget, and the lines that it saw."""
        panel = BudgetedPanel(self._model, self._model_calls) if self._model else None
        judge = Triage(self._causes, self._retriever, panel)
        seen = SeenLines()
        events = seen.passing(Understanding.default().events(self._source.read(wanted, notes, tick)))
        found = triage_incidents.find_incidents(events, judge, _second_part(tick))
        return found, seen, tuple(one.trace for one in found.incidents)

    def incident(
        self,
        found: Finding,
        seen: SeenLines,
        *,
        source: IncidentSource = "request",
        key: str = "",
        selector: str = "",
    ) -> Incident:
        """The finding as it is to be kept; times in the future, which a wrong clock makes, count as now."""
        now = self._clock()
        last_seen = min(found.end or now, now)
        verdict = found.verdict
        made = Incident(
            id=self._identity(),
            key=key or key_of(found.scope, verdict),
            title=title_of(verdict),
            state=IncidentState.OPEN,
            severity=verdict.severity,
            category=verdict.category,
            cause=verdict.cause,
            namespace=found.scope if _NAMESPACE.fullmatch(found.scope) and found.scope != PASTED else "",
            component=verdict.component.name or verdict.component.kind,
            opened_at=min(found.start or last_seen, last_seen),
            last_seen=last_seen,
            closed_at=None,
            count=max(1, found.events),
            verdict=verdict,
            lines=seen.around(verdict),
            selector=selector,
            source=source,
        )
        return replace(made, similar=self._past.like(likeness(verdict), MOST_SIMILAR, besides=made.key))


def key_of(scope: str, verdict: Verdict) -> str:
    """The same for the same cause of the same part in the same place; unknown causes are told apart by their lines."""
    parts = [scope, verdict.cause, verdict.component.kind, verdict.component.name]
    if verdict.cause == UNKNOWN:
        parts += [mask(line.text) for line in verdict.evidence[:1]]
    return f"logs:{hashlib.sha256(chr(31).join(parts).encode('utf-8', 'replace')).hexdigest()[:24]}"


def title_of(verdict: Verdict) -> str:
    """The cause in a few words, with the part that it concerns."""
    said = verdict.root_cause.split(";")[0].strip().rstrip(".")
    named = f": {verdict.component.name}" if verdict.component.name else ""
    return f"{said[: LONGEST_TITLE - len(named)]}{named}"[:LONGEST_TITLE]


def likeness(verdict: Verdict) -> str:
    """The text by which incidents are compared: what the verdict rests on."""
    return "\n".join(line.text for line in verdict.evidence) or verdict.root_cause


def _second_part(tick: Tick) -> Callable[[int, int], None]:
    def judged(done: int, total: int) -> None:
        tick(READING + (1 - READING) * done / max(1, total) * 0.99)

    return judged
