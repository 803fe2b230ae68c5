"""What a job about a group of alerts is told: the alerts, the lines to look at and the time that they are from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from k8s_log_agent.service.alerts.messages import Alert
from k8s_log_agent.service.alerts.selectors import OWN_APP, choose
from k8s_log_agent.service.models import PRIORITY_ALERT, PRIORITY_CRITICAL
from k8s_log_agent.service.rows import kept
from k8s_log_agent.understand.redaction import Redactor

BEFORE = timedelta(minutes=10)  # of an alert's start, in which its cause is looked for
LONGEST = timedelta(hours=1)
MOST_SHOWN = 200  # alerts that a job is told in full; the others are counted
_LONGEST_TEXT = 1000
_MOST_TEXTS = 40
PRIORITIES = {
    "critical": PRIORITY_CRITICAL,
    "page": PRIORITY_CRITICAL,
    "error": PRIORITY_ALERT + 1,
    "warning": PRIORITY_ALERT,
    "warn": PRIORITY_ALERT,
}


def stored(alert: Alert) -> dict[str, Any]:
    """The alert as it is kept: bounded, and without the secrets that somebody put into a label or annotation."""
    return {
        "status": alert.status,
        "labels": _texts(alert.labels),
        "annotations": _texts(alert.annotations),
        "startsAt": alert.starts_at.astimezone(UTC).isoformat(),
        "fingerprint": alert.fingerprint[:64],
    }


def payload(
    group_key: str, alerts: Sequence[Mapping[str, Any]], truncated: int, now: datetime, own_app: str = OWN_APP
) -> dict[str, Any]:
    """The payload of a job of kind alert; `alerts` are as `stored` made them, the oldest first."""
    first = min((datetime.fromisoformat(one["startsAt"]) for one in alerts), default=now)
    start = max(min(first, now) - BEFORE, now - LONGEST)
    chosen, told = None, ""
    for one in alerts:
        found = choose(one["labels"], one["annotations"], own_app)
        told = told or found.note
        if found.selector:
            chosen = found.selector
            break
    return {
        "group_key": group_key,
        "alerts": _one_of_each_first(alerts)[:MOST_SHOWN],
        "alert_count": len(alerts),
        "truncated": truncated,
        "namespace": _namespace(alerts),
        "priority": priority_of(alerts),
        "selector": chosen.logql if chosen else "",
        "note": told,
        "traceparent": next((one["traceparent"] for one in alerts if one.get("traceparent")), ""),
        "start": start.isoformat(),
        "end": (now + timedelta(seconds=1)).isoformat(),
    }


def _namespace(alerts: Sequence[Mapping[str, Any]]) -> str:
    """The namespace that all the alerts are about; empty when there is not one."""
    named = {str(one["labels"].get("namespace", "")) for one in alerts}
    return named.pop() if len(named) == 1 else ""


def priority_of(alerts: Sequence[Mapping[str, Any]]) -> int:
    """How urgent the worst alert is, by its label `severity`."""
    return max(
        (PRIORITIES.get(str(one["labels"].get("severity", "")).lower(), PRIORITY_ALERT) for one in alerts),
        default=PRIORITY_ALERT,
    )


def _one_of_each_first(alerts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """One alert of each name, then the rest, so that no name is lost where not all are shown."""
    first = {str(one["labels"].get("alertname", "")): one for one in reversed(alerts)}
    chosen = {id(one) for one in first.values()}
    return [one for one in alerts if id(one) in chosen] + [one for one in alerts if id(one) not in chosen]


def _texts(texts: Mapping[str, str]) -> dict[str, str]:
    redact = Redactor.default().redact
    some = list(texts.items())[:_MOST_TEXTS]
    return {kept(name)[:200]: redact(kept(value)[:_LONGEST_TEXT]).text for name, value in some}
