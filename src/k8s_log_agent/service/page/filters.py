"""What a reader asks the list for, between the address of the page and a query of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from k8s_log_agent.records import Severity
from k8s_log_agent.service.models import IncidentQuery, IncidentState

SEVERITIES = (Severity.CRITICAL, Severity.ERROR, Severity.WARN, Severity.INFO)
SPANS = {
    "1h": ("the last hour", timedelta(hours=1)),
    "24h": ("the last 24 hours", timedelta(hours=24)),
    "7d": ("the last 7 days", timedelta(days=7)),
    "30d": ("the last 30 days", timedelta(days=30)),
}
STATES = {"open": "Open", "closed": "Closed", "all": "All"}
LONGEST = 200  # characters of a field; more is cut


@dataclass(frozen=True, slots=True)
class Filters:
    """The fields of the form. `state` is open, closed or all; `span` a key of `SPANS` or empty."""

    severities: tuple[Severity, ...] = ()
    state: str = "open"
    span: str = ""
    cause: str = ""
    namespace: str = ""
    text: str = ""
    cursor: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether anything but the state is asked for."""
        return bool(self.severities or self.folded or self.text)

    @property
    def folded(self) -> bool:
        """Whether anything is asked for that the form shows only when it is unfolded."""
        return bool(self.span or self.cause or self.namespace)

    def query(self, now: datetime, limit: int) -> IncidentQuery:
        """The same for the store."""
        return IncidentQuery(
            severities=frozenset(self.severities),
            states=frozenset() if self.state == "all" else frozenset({IncidentState(self.state)}),
            cause=self.cause,
            namespace=self.namespace,
            text=self.text,
            since=now - SPANS[self.span][1] if self.span else None,
            cursor=self.cursor,
            limit=limit,
        )

    def address(self, **changed: str) -> str:
        """The query part of an address, empty or with its question mark; `changed` fields replace those of now."""
        wanted = replace(self, **changed)  # type: ignore[arg-type]  # all fields that links change are texts
        fields = [("severity", severity.value) for severity in wanted.severities]
        if wanted.state != "open":
            fields.append(("state", wanted.state))
        names = {"since": wanted.span, "cause": wanted.cause, "namespace": wanted.namespace, "q": wanted.text}
        fields += [(name, value) for name, value in {**names, "cursor": wanted.cursor}.items() if value]
        return f"?{urlencode(fields)}" if fields else ""


def read_filters(fields: Mapping[str, str], severities: Sequence[str]) -> Filters:
    """From the fields of an address; what is not known is left out, since an address is easily mistyped."""

    def text(name: str) -> str:
        return fields.get(name, "").strip()[:LONGEST]

    asked = {name.upper() for name in severities}
    return Filters(
        severities=tuple(severity for severity in SEVERITIES if severity.value in asked),
        state=text("state") if text("state") in STATES else "open",
        span=text("since") if text("since") in SPANS else "",
        cause=text("cause"),
        namespace=text("namespace"),
        text=text("q"),
        cursor=text("cursor"),
    )
