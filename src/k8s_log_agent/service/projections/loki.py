"""Verdicts as log lines of the stream `{job="log-analyzer/verdicts"}`, for Grafana.

A line's time is when the incident changed and its text is the change, so the same change is the same entry to Loki,
which keeps it once. Loki refuses what is too old or too far behind; such a line is counted and not sent again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import httpx

from k8s_log_agent.ingest.windows import nanoseconds
from k8s_log_agent.service.outbox import Delivery, Target
from k8s_log_agent.service.projections.projection import UndeliveredError

LABELS = {"job": "log-analyzer/verdicts"}
PUSH = "loki/api/v1/push"
_REFUSED = (400, 413, 422)


class LokiProjection:
    """Pushes to the Loki that `http` has as its base."""

    target: Target = "loki"

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def deliver(self, deliveries: Sequence[Delivery]) -> int:
        """As `Projection.deliver`. A batch that is refused is sent line by line, so that one bad line costs itself."""
        entries = [_entry(one) for one in deliveries if one.payload]
        if not entries or self._taken(entries):
            return 0
        return sum(not self._taken([entry]) for entry in entries)

    def _taken(self, entries: Sequence[tuple[str, str]]) -> bool:
        body = {"streams": [{"stream": LABELS, "values": [list(entry) for entry in entries]}]}
        try:
            answer = self._http.post(PUSH, json=body)
        except httpx.HTTPError as error:
            raise UndeliveredError(f"Loki could not be reached: {error or type(error).__name__}") from error
        if answer.is_success:
            return True
        if answer.status_code in _REFUSED:
            return False
        raise UndeliveredError(f"Loki answered {answer.status_code}: {' '.join(answer.text[:200].split())}")


def _entry(delivery: Delivery) -> tuple[str, str]:
    payload = delivery.payload or {}
    changed = nanoseconds(datetime.fromisoformat(payload["changed_at"]))
    return str(changed), json.dumps(payload, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
