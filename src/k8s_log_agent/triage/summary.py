"""The reduce step of a summary: from the rows of a digest to a short incident report, the worst first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from k8s_log_agent.llm.hostile_text import visible
from k8s_log_agent.records import Component, EvidenceLine, Record, Severity, Verdict, VerdictState
from k8s_log_agent.triage.bursts import Burst, split_into_bursts
from k8s_log_agent.triage.digest import MOST_PODS, Digest, Row
from k8s_log_agent.triage.evidence import speaking_line
from k8s_log_agent.triage.histogram import Trend, trend_of
from k8s_log_agent.triage.pipeline import Triage

SCHEMA_VERSION: Literal[1] = 1
MOST_INCIDENTS = 12
MOST_SIGNATURES = 5  # of an incident
MOST_OTHERS = 10
COLUMNS = 12  # of the small plots
LONGEST_TEMPLATE = 200


class SignatureSummary(Record):
    """One signature over the whole window. `over_time` are its counts in twelve equal parts of the window."""

    template: str
    severity: Severity
    count: Annotated[int, Field(ge=1)]
    first: datetime | None
    last: datetime | None
    trend: Trend
    over_time: tuple[int, ...]
    pods: tuple[str, ...]
    more_pods: bool
    exemplar: EvidenceLine


class IncidentSummary(Record):
    """What went wrong in one namespace, over all windows of trouble with the same cause.

    `sentence` is a model's, checked against the lines, and empty without one; `decided_by` and `state` tell where the
    cause comes from. `windows` are the separate times that it happened.
    """

    scope: str
    cause: str
    root_cause: str
    severity: Severity
    component: Component
    since: datetime | None
    until: datetime | None
    windows: int
    events: int
    pods: tuple[str, ...]
    confidence: float
    decided_by: str
    state: VerdictState
    evidence: tuple[EvidenceLine, ...]
    next_steps: tuple[str, ...]
    signatures: tuple[SignatureSummary, ...]
    more_signatures: int
    other_candidates: tuple[str, ...]
    sentence: str = ""


class Summary(Record):
    """A window of logs in short. `counts` hold events, lines and noise, and what did not fit into memory."""

    schema_version: Literal[1] = SCHEMA_VERSION
    start: datetime | None
    end: datetime | None
    counts: dict[str, int]
    severities: dict[str, int]
    incidents: tuple[IncidentSummary, ...]
    more_incidents: int
    others: tuple[SignatureSummary, ...]
    more_others: int
    model: str = ""
    notes: tuple[str, ...] = ()


def summarize(
    digest: Digest, triage: Triage, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> Summary:
    """The report without a model's words; `progress` is told how many windows of trouble are judged."""
    bursts = split_into_bursts(digest.kept())
    judged: dict[tuple[str, str], list[tuple[Burst, Verdict]]] = {}
    for done, burst in enumerate(bursts, start=1):
        verdict = triage.verdict(burst.events)
        if verdict.state is not VerdictState.REJECTED:
            judged.setdefault((burst.scope, verdict.cause), []).append((burst, verdict))
        progress(done, len(bursts))
    told = {(burst.scope, name) for pairs in judged.values() for burst, _ in pairs for name in burst.seen}
    incidents = [_incident(digest, pairs) for pairs in judged.values()]
    incidents.sort(key=lambda one: (-one.severity.rank, -one.confidence, -one.events, one.scope, one.cause))
    rest = _worst_first([row for key, row in digest.rows.items() if key not in told and row.kept])
    return Summary(
        start=_time(digest.start),
        end=_time(digest.end),
        counts=dict(sorted(digest.counts.items())),
        severities={name.value: digest.severities[name.value] for name in Severity if digest.severities[name.value]},
        incidents=tuple(incidents[:MOST_INCIDENTS]),
        more_incidents=max(0, len(incidents) - MOST_INCIDENTS),
        others=tuple(_signature(digest, row) for row in rest[:MOST_OTHERS]),
        more_others=max(0, len(rest) - MOST_OTHERS),
    )


def _incident(digest: Digest, pairs: Sequence[tuple[Burst, Verdict]]) -> IncidentSummary:
    best = max((verdict for _, verdict in pairs), key=lambda one: (one.severity.rank, one.confidence))
    scope = pairs[0][0].scope
    names = dict.fromkeys(name for burst, _ in pairs for name in burst.seen)
    rows = _worst_first([row for name in names if (row := digest.rows.get((scope, name))) and row.kept])
    spans = [_span(digest, burst) for burst, _ in pairs if burst.start is not None and burst.end is not None]
    pods = sorted({pod for row in rows for pod in row.pods})
    return IncidentSummary(
        scope=visible(scope),
        cause=best.cause,
        root_cause=best.root_cause,
        severity=best.severity,
        component=best.component,
        since=_time(min((start for start, _ in spans), default=None)),
        until=_time(max((end for _, end in spans), default=None)),
        windows=len(pairs),
        events=sum(row.count for row in rows),
        pods=tuple(visible(pod) for pod in pods[:MOST_PODS]),
        confidence=best.confidence,
        decided_by=best.decided_by,
        state=best.state,
        evidence=best.evidence,
        next_steps=best.remedies,
        signatures=tuple(_signature(digest, row) for row in rows[:MOST_SIGNATURES]),
        more_signatures=max(0, len(rows) - MOST_SIGNATURES),
        other_candidates=tuple(code for code in best.candidates if code != best.cause),
    )


def _span(digest: Digest, burst: Burst) -> tuple[int, int]:
    """The times of a window of trouble, those of its signatures included whose events were not kept."""
    start, end = burst.start or 0, burst.end or 0
    for name in burst.seen:
        if row := digest.rows.get((burst.scope, name)):
            low, high = row.around(burst.start or 0, burst.end or 0)
            start, end = min(start, low), max(end, high)
    return start, end


def _signature(digest: Digest, row: Row) -> SignatureSummary:
    counts = [row.count] + [0] * (COLUMNS - 1)
    if digest.start is not None and digest.end is not None and row.first is not None:
        counts = row.histogram.over(digest.start, digest.end, COLUMNS)
    return SignatureSummary(
        template=visible(row.template)[:LONGEST_TEMPLATE],
        severity=row.severity,
        count=row.count,
        first=_time(row.first),
        last=_time(row.last),
        trend=trend_of(counts),
        over_time=tuple(counts),
        pods=tuple(sorted(visible(pod) for pod in row.pods)),
        more_pods=row.more_pods,
        exemplar=speaking_line(row.kept[0]),
    )


def _worst_first(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-row.severity.rank, -row.count, row.scope, row.signature))


def _time(nanoseconds: int | None) -> datetime | None:
    return None if nanoseconds is None else datetime.fromtimestamp(nanoseconds // 1000 / 10**6, UTC)
