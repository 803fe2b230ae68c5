"""One group of alerts as one incident: judged by the lines it points at, or, when there are none, by its own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from k8s_log_agent.ingest.loki_errors import LokiError
from k8s_log_agent.ingest.source_error import SourceError
from k8s_log_agent.llm.hostile_text import visible
from k8s_log_agent.records import Category, Component, EvidenceLine, Severity, Verdict, VerdictState
from k8s_log_agent.service.analysis import LONGEST_TITLE, Analyst, Finding, Outcome
from k8s_log_agent.service.lines import LinesError, Tick, Wanted
from k8s_log_agent.service.models import NOTHING, Incident, alert_key
from k8s_log_agent.service.shown_lines import SeenLines
from k8s_log_agent.triage.incidents import Findings
from k8s_log_agent.triage.opinions import UNKNOWN, TriageTrace

MOST_NAMES = 20
LONGEST_NAME = 120
_ALERT = "alert"  # the source of lines that an alert says of itself
_SAID = ("summary", "description", "message")
_SEVERITIES = {
    "critical": Severity.CRITICAL,
    "page": Severity.CRITICAL,
    "error": Severity.ERROR,
    "warning": Severity.WARN,
    "warn": Severity.WARN,
    "info": Severity.INFO,
}


@dataclass(frozen=True, slots=True)
class _Looked:
    """What came of the lines that an alert points at; `lines` and `noise` count them as `SeenLines` does."""

    incident: Incident | None = None
    quiet_windows: int = 0
    lines: int = 0
    noise: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    traces: tuple[TriageTrace, ...] = ()


class AlertAnalyst:
    """Does jobs of the kind alert."""

    def __init__(self, analyst: Analyst) -> None:
        self._analyst = analyst

    def analyze(self, payload: Mapping[str, Any], tick: Tick) -> Outcome:
        """One incident for the group, whatever Loki answers; its key is that of the group."""
        alerts = [one for one in payload.get("alerts") or [] if isinstance(one, Mapping)]
        names = _names(alerts)
        told = str(payload.get("note") or "")
        notes = [told] if told else []
        looked = self._by_lines(payload, notes, tick)
        incident = looked.incident or self._by_words(payload, alerts, names)
        worst_named = max(map(_severity, alerts), key=lambda one: one.rank, default=Severity.UNKNOWN)
        severity = max(incident.severity, worst_named, key=lambda one: one.rank)
        if truncated := int(payload.get("truncated") or 0):
            notes.append(f"Alertmanager left {truncated} alerts of this group out of its message")
        verdict = incident.verdict.model_copy(update={"notes": (*incident.verdict.notes, *notes)})
        incident = replace(
            incident,
            key=alert_key(str(payload.get("group_key") or "")),
            title=f"{names[0]}: {incident.title}"[:LONGEST_TITLE] if names else incident.title,
            severity=severity,
            namespace=str(payload.get("namespace") or "") or incident.namespace,
            alerts=names,
            source="alert",
            verdict=verdict,
        )
        result = {
            "incidents": [incident.id],
            "quiet_windows": looked.quiet_windows,
            "lines": looked.lines,
            "notes": notes,
        }
        return Outcome((incident,), result, looked.traces, looked.noise)

    def _by_lines(self, payload: Mapping[str, Any], notes: list[str], tick: Tick) -> _Looked:
        selector = str(payload.get("selector") or "")
        if not selector:
            notes.append("the alert names no log lines, so only its own words could be looked at")
            return _Looked()
        try:
            found, seen, traces = self._analyst.windows(Wanted.of(payload), notes, tick)
        except (LokiError, SourceError, LinesError) as error:
            notes.append(f"the alert's log lines could not be read, so only its own words were looked at: {error}")
            return _Looked()
        if not found.incidents:
            notes.append("no line of the alert's logs shows a failure, so only its own words were looked at")
            return _Looked(None, found.quiet_windows, seen.count, seen.noise, traces)
        if len(found.incidents) > 1:
            notes.append(f"{len(found.incidents) - 1} more windows of trouble lie in the alert's lines")
        incident = self._of_worst(found, seen, selector)
        return _Looked(incident, found.quiet_windows, seen.count, seen.noise, traces)

    def _of_worst(self, found: Findings, seen: SeenLines, selector: str) -> Incident:
        return self._analyst.incident(Finding.of(found.incidents[0]), seen, source="alert", selector=selector)

    def _by_words(
        self, payload: Mapping[str, Any], alerts: Sequence[Mapping[str, Any]], names: Sequence[str]
    ) -> Incident:
        """An incident from what the alert says of itself; its verdict is marked as degraded."""
        said = [visible(str(value)) for one in alerts for key in _SAID if (value := _part(one, "annotations").get(key))]
        text = "\n".join(f"ERROR {line}" for line in dict.fromkeys(said)) or f"ERROR {', '.join(names) or 'an alert'}"
        namespace = str(payload.get("namespace") or "")
        spoken = Wanted(text=text, namespace=namespace, name=_ALERT)
        found, seen, _ = self._analyst.windows(spoken, [], lambda _done: None)
        started = [moment for one in alerts if (moment := _moment(one.get("startsAt")))]
        verdict = _degraded(found.incidents[0].verdict if found.incidents else _unjudged(names), said or list(names))
        finding = Finding(namespace, min(started, default=None), None, len(alerts) or 1, verdict)
        return self._analyst.incident(finding, seen, source="alert", selector=str(payload.get("selector") or ""))


def _degraded(verdict: Verdict, said: Sequence[str]) -> Verdict:
    told = " ".join(said[:1])[:300]
    unknown = verdict.cause == UNKNOWN
    return verdict.model_copy(
        update={
            "state": VerdictState.DEGRADED,
            "root_cause": told or verdict.root_cause if unknown else verdict.root_cause,
            "reasoning": f"Told by the alert itself, not by log lines. {verdict.reasoning}",
        }
    )


def _unjudged(names: Sequence[str]) -> Verdict:
    """The verdict on an alert whose words say nothing to a rule."""
    told = f"The alert {', '.join(names[:3]) or 'without a name'} fired."
    return Verdict(
        id=_ALERT,
        state=VerdictState.DEGRADED,
        decided_by="none",
        severity=Severity.ERROR,
        category=Category.UNKNOWN,
        cause=UNKNOWN,
        root_cause=told,
        component=Component(kind="unknown", name=""),
        evidence=(EvidenceLine(source=_ALERT, line=1, text=told),),
        reasoning="No rule knows its words.",
        confidence=0.0,
    )


def _names(alerts: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    named = (visible(str(_part(one, "labels").get("alertname") or ""))[:LONGEST_NAME] for one in alerts)
    return tuple(dict.fromkeys(name for name in named if name))[:MOST_NAMES]


def _severity(alert: Mapping[str, Any]) -> Severity:
    return _SEVERITIES.get(str(_part(alert, "labels").get("severity", "")).lower(), Severity.UNKNOWN)


def _part(alert: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = alert.get(name)
    return found if isinstance(found, Mapping) else NOTHING


def _moment(written: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(written))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
