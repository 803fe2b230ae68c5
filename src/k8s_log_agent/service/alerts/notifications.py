"""Tells targets about incidents: at least once, not more often than agreed, and never less than all of it.

What was told is in the database, so a restart repeats nothing. News that there is no room for wait and go out together.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import httpx
from sqlalchemy import delete, select

from k8s_log_agent.records import Severity
from k8s_log_agent.service.alerts.news import News, What, request_of
from k8s_log_agent.service.alerts.tables import NoticeRow
from k8s_log_agent.service.alerts.targets import Target, Targets
from k8s_log_agent.service.alerts.ticking import Ticking
from k8s_log_agent.service.database import Database
from k8s_log_agent.service.models import Incident, IncidentQuery, IncidentState
from k8s_log_agent.service.security.rates import Rates
from k8s_log_agent.service.store import IncidentStore
from k8s_log_agent.service.telemetry.metrics import Metrics

WINDOW = timedelta(hours=24)  # what is older and was not told is news no more
TICK_SECONDS = 2.0
BURST = 3
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=2), timedelta(minutes=10)
_AT_ONCE, _MOST = 200, 1000
_KEPT = timedelta(days=2)
_TIMEOUT = 10.0
_log = logging.getLogger(__name__)


class Notifier:
    """Looks for news and sends them. Two processes on one database may both send the same; give one of them targets."""

    def __init__(  # noqa: PLR0913 - where news come from and go to, and what a test puts in the place of time
        self,
        database: Database,
        incidents: IncidentStore,
        targets: Targets,
        metrics: Metrics,
        *,
        clock: Callable[[], datetime],
        rates: Rates | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        self._database = database
        self._incidents = incidents
        self._targets = targets
        self._metrics = metrics
        self._clock = clock
        self._rates = rates or Rates()
        self._http = http or httpx.Client(timeout=_TIMEOUT, follow_redirects=False)
        self._failures: dict[
            str, tuple[int, datetime]
        ] = {}  # by target: how often in a row, and when it is tried again
        self._ticking = Ticking("notifications", self.tick, TICK_SECONDS)

    def start(self) -> None:
        """Begins, where there is a target."""
        if self._targets.targets:
            self._ticking.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Ends; what was not told is told after the next start."""
        self._ticking.stop(seconds)
        self._http.close()

    def tick(self) -> int:
        """Sends what is due; returns how many messages went out."""
        now = self._clock()
        if not self._targets.targets:
            return 0
        recent = self._recent(now)
        return sum(self._tell(target, recent, now) for target in self._targets.targets)

    def _recent(self, now: datetime) -> list[Incident]:
        """Incidents that were seen or opened within the window, the oldest first."""
        found: list[Incident] = []
        cursor = ""
        while len(found) < _MOST:
            page = self._incidents.search(IncidentQuery(since=now - WINDOW, limit=_AT_ONCE, cursor=cursor))
            found += page.incidents
            cursor = page.next_cursor
            if not cursor:
                break
        return found[::-1]

    def _tell(self, target: Target, recent: Sequence[Incident], now: datetime) -> int:
        _, again = self._failures.get(target.name, (0, now))
        if timedelta(0) < again - now <= _LONGEST_WAIT:
            return 0
        with self._database.reading() as session:
            sent = select(NoticeRow.incident, NoticeRow.what).where(NoticeRow.target == target.name)
            told = {(incident, mark) for incident, mark in session.execute(sent)}
        news = [one for incident in recent for one in _news(target, incident, told)]
        if not news or self._rates.take(target.name, target.per_hour / 60, burst=BURST):
            return 0
        if not self._send(target, news, now):
            return 0
        with self._database.writing() as session:
            for one in news:
                session.add(NoticeRow(target=target.name, incident=one.incident.id, what=one.mark, sent_at=now))
            session.execute(delete(NoticeRow).where(NoticeRow.sent_at < now - _KEPT))
        return 1

    def _send(self, target: Target, news: Sequence[News], now: datetime) -> bool:
        try:
            request = request_of(target, news, self._targets.page_url, int(now.timestamp()))
            response = self._http.send(request)
            problem = "" if response.is_success else f"it answered {response.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            problem = type(error).__name__
        self._metrics.notifications.labels(target.name, "failed" if problem else "sent").inc()
        if not problem:
            self._failures.pop(target.name, None)
            return True
        failed = self._failures.get(target.name, (0, now))[0] + 1
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(failed - 1, 10))
        self._failures[target.name] = (failed, now + wait)
        _log.warning("%s was not told of %d news: %s. It is tried again in %s.", target.name, len(news), problem, wait)
        return False


def _news(target: Target, incident: Incident, told: set[tuple[str, str]]) -> list[News]:
    if incident.severity.rank < target.least.rank:
        return []
    opened = any((incident.id, f"opened {severity.value}") in told for severity in Severity)
    if incident.state is IncidentState.CLOSED:
        closed = target.closed and opened and (incident.id, "closed") not in told
        if opened:
            return [News(incident, "closed", "closed")] if closed else []
    mark = f"opened {incident.severity.value}"
    if (incident.id, mark) in told or _told_worse(incident, told):
        return []
    what: What = "worse" if opened else "opened"
    return [News(incident, what, mark)]


def _told_worse(incident: Incident, told: set[tuple[str, str]]) -> bool:
    worse = (severity for severity in Severity if severity.rank > incident.severity.rank)
    return any((incident.id, f"opened {severity.value}") in told for severity in worse)
