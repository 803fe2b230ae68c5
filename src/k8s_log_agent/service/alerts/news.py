"""What is told of incidents, as ntfy and generic webhooks take it. Texts are redacted already, and bounded here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import orjson

from k8s_log_agent.llm.hostile_text import visible
from k8s_log_agent.records import Severity
from k8s_log_agent.service.alerts.targets import Target, secret
from k8s_log_agent.service.alerts.verification import SIGNATURE, TIMESTAMP, signature
from k8s_log_agent.service.models import Incident

What = Literal["opened", "worse", "closed"]
LISTED = 5  # incidents that a message about many names
_PRIORITIES = {Severity.CRITICAL: 5, Severity.ERROR: 4, Severity.WARN: 3}  # of ntfy, 1..5
_TAGS = {Severity.CRITICAL: "rotating_light", Severity.ERROR: "x", Severity.WARN: "warning"}
_LONGEST_TITLE, _LONGEST = 200, 3000


@dataclass(frozen=True, slots=True)
class News:
    """One thing that happened to an incident; `mark` is the same for the same thing."""

    incident: Incident
    what: What
    mark: str


def request_of(target: Target, news: Sequence[News], page_url: str, now: int) -> httpx.Request:
    """The request that tells the news; `now` is in seconds since 1970. Raises `OSError` for a secret that is gone."""
    if target.kind == "ntfy":
        headers = {"Authorization": f"Bearer {secret(target.token_file)}"} if target.token_file else {}
        return httpx.Request("POST", target.url, json=_ntfy(target, news, page_url), headers=headers)
    body = orjson.dumps({"version": "1", "page_url": page_url, "incidents": [_told(one, page_url) for one in news]})
    headers = {"Content-Type": "application/json"}
    if target.token_file:
        headers["Authorization"] = f"Bearer {secret(target.token_file)}"
    if target.secret_file:
        signed = signature(secret(target.secret_file).encode(), str(now), body)
        headers |= {SIGNATURE: f"sha256={signed}", TIMESTAMP: str(now)}
    return httpx.Request("POST", target.url, content=body, headers=headers)


def _ntfy(target: Target, news: Sequence[News], page_url: str) -> dict[str, Any]:
    worst = max((one.incident.severity for one in news), key=lambda one: one.rank)
    closed = all(one.what == "closed" for one in news)
    message: dict[str, Any] = {
        "topic": target.topic,
        "title": _title(news)[:_LONGEST_TITLE],
        "message": _text(news)[:_LONGEST],
        "priority": 2 if closed else _PRIORITIES.get(worst, 2),
        "tags": ["white_check_mark" if closed else _TAGS.get(worst, "information_source")],
    }
    if page_url:
        message["click"] = _address(news[0].incident, page_url) if len(news) == 1 else _base(page_url)
    return message


def _title(news: Sequence[News]) -> str:
    if len(news) > 1:
        return f"{len(news)} changes of incidents"
    one = news[0]
    done = "Closed: " if one.what == "closed" else ""
    return f"{done}{one.incident.severity.value} {visible(one.incident.title)}"


def _text(news: Sequence[News]) -> str:
    if len(news) == 1:
        incident = news[0].incident
        place = " ".join(part for part in (incident.namespace, incident.component) if part)
        said = [visible(incident.verdict.root_cause), f"Where: {place}" if place else "", f"Seen: {incident.count}"]
        said += ["Do: " + visible(step) for step in incident.verdict.remedies[:1]]
        return "\n".join(line for line in said if line)
    lines = [f"{one.what}: {one.incident.severity.value} {visible(one.incident.title)}" for one in news[:LISTED]]
    left = len(news) - LISTED
    return "\n".join([*lines, f"and {left} more"] if left > 0 else lines)


def _told(one: News, page_url: str) -> dict[str, Any]:
    incident = one.incident
    return {
        "event": one.what,
        "id": incident.id,
        "title": visible(incident.title),
        "state": incident.state.value,
        "severity": incident.severity.value,
        "category": incident.category.value,
        "cause": incident.cause,
        "root_cause": visible(incident.verdict.root_cause),
        "namespace": incident.namespace,
        "component": incident.component,
        "count": incident.count,
        "alerts": list(incident.alerts[:20]),
        "opened_at": incident.opened_at.isoformat(),
        "last_seen": incident.last_seen.isoformat(),
        "closed_at": incident.closed_at.isoformat() if incident.closed_at else None,
        "url": _address(incident, page_url) if page_url else "",
    }


def _base(page_url: str) -> str:
    return f"{page_url.rstrip('/')}/incidents"


def _address(incident: Incident, page_url: str) -> str:
    return f"{_base(page_url)}/{incident.id}"
