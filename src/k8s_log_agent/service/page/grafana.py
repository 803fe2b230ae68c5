"""Addresses of Grafana's Explore that open at an incident: its lines, a little before and after it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit

from k8s_log_agent.ingest.loki_errors import SelectorError
from k8s_log_agent.ingest.loki_selector import Selector
from k8s_log_agent.service.models import Incident

DATASOURCE = "loki"  # the uid under which the platform's Grafana knows its Loki
MARGIN = timedelta(minutes=5)


def selector_of(incident: Incident) -> str:
    """The LogQL that shows an incident's lines: its own, else all of its namespace; empty where neither is known.

    Lines that came without a namespace have the name of their source in its place, which no label holds.
    """
    if incident.selector.strip():
        return incident.selector.strip()
    if not incident.namespace or incident.namespace in {line.source for line in incident.verdict.evidence}:
        return ""
    try:
        return Selector.where(namespace=incident.namespace).logql
    except SelectorError:
        return ""


def explore_url(grafana: str, query: str, start: datetime, end: datetime, *, datasource: str = DATASOURCE) -> str:
    """Explore of the Grafana at the address `grafana`, with the query over five minutes around start and end.

    Empty where there is no Grafana, no query, or the address is not one of http or https.
    """
    if not query or urlsplit(grafana).scheme not in ("http", "https"):
        return ""
    pane = {
        "datasource": datasource,
        "queries": [
            {
                "refId": "A",
                "datasource": {"type": "loki", "uid": datasource},
                "editorMode": "code",
                "expr": query,
                "queryType": "range",
            }
        ],
        "range": {"from": _milliseconds(start - MARGIN), "to": _milliseconds(end + MARGIN)},
    }
    asked = {"schemaVersion": "1", "panes": json.dumps({"incident": pane}, separators=(",", ":")), "orgId": "1"}
    return f"{grafana.rstrip('/')}/explore?{urlencode(asked)}"


def _milliseconds(moment: datetime) -> str:
    return str(int(moment.astimezone(UTC).timestamp() * 1000))
