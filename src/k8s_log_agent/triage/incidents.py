"""From log lines of any length to a list of incidents: windows of trouble, each with its verdict, the worst first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from k8s_log_agent.llm.hostile_text import visible
from k8s_log_agent.records import Event, Verdict, VerdictState
from k8s_log_agent.triage.bursts import Burst, split_into_bursts
from k8s_log_agent.triage.opinions import TriageTrace
from k8s_log_agent.triage.pipeline import Triage


@dataclass(frozen=True, slots=True)
class Incident:
    """A window with its verdict. `events` counts all its troubled events, `scope` is its namespace or source."""

    scope: str
    start: datetime | None
    end: datetime | None
    events: int
    verdict: Verdict
    trace: TriageTrace

    def as_json(self) -> dict[str, Any]:
        """The verdict's fields and a `window` with scope, start and end (ISO 8601, UTC) and events."""
        window = {
            "scope": self.scope,
            "start": self.start.isoformat() if self.start else None,
            "end": self.end.isoformat() if self.end else None,
            "events": self.events,
        }
        return {"window": window, **self.verdict.model_dump(mode="json")}


@dataclass(frozen=True, slots=True)
class Findings:
    """All incidents, the worst first, and how many windows held nothing but warnings."""

    incidents: tuple[Incident, ...]
    quiet_windows: int


def find_incidents(
    events: Iterable[Event], triage: Triage, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> Findings:
    """Reads all events, then judges window after window; `progress` is told how many of how many are done."""
    bursts = split_into_bursts(events)
    found = []
    for done, burst in enumerate(bursts, start=1):
        found.append(_judged(burst, triage))
        progress(done, len(bursts))
    failures = [incident for incident in found if incident.verdict.state is not VerdictState.REJECTED]
    return Findings(tuple(_worst_first(failures)), len(found) - len(failures))


def _judged(burst: Burst, triage: Triage) -> Incident:
    triaged = triage.examine(burst.events)
    verdict = triaged.verdict
    if burst.left_out:
        note = f"{burst.left_out} repeats of known signatures were counted and not looked at"
        verdict = verdict.model_copy(update={"notes": (*verdict.notes, note)})
    return Incident(
        visible(burst.scope), _time(burst.start), _time(burst.end), burst.seen.total(), verdict, triaged.trace
    )


def _worst_first(incidents: Sequence[Incident]) -> list[Incident]:
    return sorted(incidents, key=lambda one: (-one.verdict.severity.rank, -one.verdict.confidence))


def _time(nanoseconds: int | None) -> datetime | None:
    return None if nanoseconds is None else datetime.fromtimestamp(nanoseconds // 1000 / 10**6, UTC)
