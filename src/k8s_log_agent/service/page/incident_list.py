"""The list of incidents as the page shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from k8s_log_agent.records import Severity
from k8s_log_agent.service.models import Incident, IncidentPage, IncidentQuery, IncidentState
from k8s_log_agent.service.page.filters import SEVERITIES, Filters
from k8s_log_agent.service.page.sparklines import Sparkline, sparkline
from k8s_log_agent.service.store import IncidentStore

A_PAGE = 50
HOURS = 24
_PLURALS = {
    Severity.CRITICAL: ("critical", "critical"),
    Severity.ERROR: ("error", "errors"),
    Severity.WARN: ("warning", "warnings"),
    Severity.INFO: ("notice", "notices"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One incident of the list with its last 24 hours."""

    incident: Incident
    where: str
    trend: Sparkline

    @property
    def open(self) -> bool:
        """Whether it goes on."""
        return self.incident.state is IncidentState.OPEN


@dataclass(frozen=True, slots=True)
class Listing:
    """The page: its rows, how many there are on all pages, and the headline."""

    rows: tuple[Row, ...]
    total: int
    next_cursor: str
    headline: str
    breakdown: str


class IncidentList:
    """Reads pages of the list. The breakdown by severity is counted anew only when what is shown has changed."""

    def __init__(self, store: IncidentStore) -> None:
        self._store = store
        self._counted: tuple[object, str] = (None, "")

    def read(self, filters: Filters, now: datetime) -> Listing:
        """One page; raises `CursorError`."""
        query = filters.query(now, A_PAGE)
        page = self._store.search(query)
        trends = self._store.trend([one.id for one in page.incidents], now, HOURS)
        rows = tuple(Row(one, where(one), sparkline(trends.get(one.id, (0,) * HOURS))) for one in page.incidents)
        return Listing(rows, page.total, page.next_cursor, _headline(filters, page), self._breakdown(query, page))

    def _breakdown(self, query: IncidentQuery, page: IncidentPage) -> str:
        if not page.total or query.cursor or len(query.severities) == 1:
            return ""
        if not page.next_cursor:
            return _told({severity: sum(one.severity is severity for one in page.incidents) for severity in SEVERITIES})
        shown = page.total, tuple((one.id, one.severity, one.state) for one in page.incidents)
        asked = replace(query, since=None), shown
        if self._counted[0] != asked:
            self._counted = asked, _told({severity: self._count(query, severity) for severity in SEVERITIES})
        return self._counted[1]

    def _count(self, query: IncidentQuery, severity: Severity) -> int:
        if query.severities and severity not in query.severities:
            return 0
        return self._store.search(replace(query, severities=frozenset({severity}), limit=1)).total


def where(incident: Incident) -> str:
    """The place in a few words: namespace and component, as far as they are known."""
    return " / ".join(part for part in (incident.namespace, incident.component) if part) or "place not known"


def _headline(filters: Filters, page: IncidentPage) -> str:
    kind = {"open": "open ", "closed": "closed ", "all": ""}[filters.state]
    if filters.narrowed:
        return f"{page.total:,} matching {kind}{_incidents(page.total)}" if page.total else "Nothing matches"
    if not page.total:
        return {"open": "All quiet", "closed": "Nothing was closed yet", "all": "No incident yet"}[filters.state]
    return f"{page.total:,} {kind}{_incidents(page.total)}"


def _incidents(count: int) -> str:
    return "incident" if count == 1 else "incidents"


def _told(counts: dict[Severity, int]) -> str:
    parts = [f"{count:,} {_PLURALS[severity][count != 1]}" for severity, count in counts.items() if count]
    return ", ".join(parts)
