"""One incident as its page shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from k8s_log_agent.records import EvidenceLine
from k8s_log_agent.service.models import Incident, IncidentState, ShownLine
from k8s_log_agent.service.page.grafana import explore_url, selector_of
from k8s_log_agent.service.page.incident_list import HOURS, where
from k8s_log_agent.service.page.remedies import Piece, remedy_pieces
from k8s_log_agent.service.page.sparklines import Sparkline, sparkline
from k8s_log_agent.service.page.trust import STATES, Trust, decider, trust
from k8s_log_agent.service.store import IncidentStore
from k8s_log_agent.triage.calibration import Calibration

MOST_LINES = 2_000  # on one page; more is said, and lies behind the link to Grafana
SOURCES = {
    "request": "Somebody asked for an analysis.",
    "alert": "An alert came in.",
    "rule": "A rule over the logs fired.",
}


@dataclass(frozen=True, slots=True)
class SourceLines:
    """The shown lines of one source, in the order of the log. `steps` says for each how many lines lie before it."""

    source: str
    lines: tuple[tuple[ShownLine, int], ...]


@dataclass(frozen=True, slots=True)
class IncidentView:
    """All that the template shows beside the incident itself."""

    incident: Incident
    where: str
    lead: str
    kind: str
    open: bool
    trend: Sparkline
    trust: Trust
    decider: tuple[str, str]
    state_words: str
    source_words: str
    remedies: tuple[tuple[Piece, ...], ...]
    sources: tuple[SourceLines, ...]
    cited: int
    left_out: int
    other_candidates: tuple[str, ...]
    redactions: int
    selector: str
    explore: str


def incident_view(incident: Incident, store: IncidentStore, grafana: str, now: datetime) -> IncidentView:
    """The view; lines that the verdict cites are shown even where the store kept none around them."""
    verdict = incident.verdict
    lines = incident.lines or tuple(_as_line(one) for one in verdict.evidence)
    selector = selector_of(incident)
    trend = store.trend([incident.id], now, HOURS).get(incident.id, (0,) * HOURS)
    return IncidentView(
        incident=incident,
        where=where(incident),
        lead=_lead(incident),
        kind=kind if (kind := verdict.component.kind) != incident.component else "",
        open=incident.state is IncidentState.OPEN,
        trend=sparkline(trend),
        trust=trust(verdict, Calibration.default()),
        decider=decider(verdict),
        state_words=STATES[verdict.state.value],
        source_words=SOURCES[incident.source],
        remedies=tuple(remedy_pieces(remedy, incident) for remedy in verdict.remedies),
        sources=tuple(_by_source(lines[:MOST_LINES])),
        cited=sum(line.cited for line in lines[:MOST_LINES]),
        left_out=max(0, len(lines) - MOST_LINES),
        other_candidates=tuple(code for code in verdict.candidates if code != verdict.cause),
        redactions=sum(verdict.redactions.values()),
        selector=selector,
        explore=explore_url(grafana, selector, incident.opened_at, incident.last_seen),
    )


def _lead(incident: Incident) -> str:
    """What the cause's sentence says beyond the title, which begins like it."""
    whole = incident.verdict.root_cause.strip()
    first, _, rest = whole.partition(";")
    if first.rstrip(". ")[:40] not in incident.title:
        return whole
    return f"{rest.strip()[:1].upper()}{rest.strip()[1:]}"


def _as_line(evidence: EvidenceLine) -> ShownLine:
    return ShownLine(evidence.line, None, evidence.source, evidence.text, cited=True)


def _by_source(lines: Iterable[ShownLine]) -> list[SourceLines]:
    grouped: dict[str, list[ShownLine]] = {}
    for line in lines:
        grouped.setdefault(line.source, []).append(line)
    return [SourceLines(source, tuple(_with_gaps(each))) for source, each in grouped.items()]


def _with_gaps(lines: list[ShownLine]) -> Iterable[tuple[ShownLine, int]]:
    before: int | None = None
    for line in lines:
        yield line, 0 if before is None else max(0, line.number - before - 1)
        before = line.number
