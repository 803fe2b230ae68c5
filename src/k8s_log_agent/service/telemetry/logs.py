"""Logs as one JSON object a line, each with the trace that it belongs to, so that Loki and Grafana can join them."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime

from k8s_log_agent.service.telemetry.tracing import ids

_LONGEST = 4000
_LONGEST_TRACE = 8000
_NOISY = ("httpx", "httpcore", "chromadb", "opentelemetry")
_LEVELS = {"WARNING": "warn", "CRITICAL": "critical"}


class JsonLines(logging.Formatter):
    """Members: ts, level, logger, msg; where there are any trace_id, span_id, error, stack and `extra["fields"]`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": _LEVELS.get(record.levelname, record.levelname.lower()),
            "logger": record.name,
            "msg": record.getMessage()[:_LONGEST],
        }
        trace, span = ids()
        if trace:
            line |= {"trace_id": trace, "span_id": span}
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line |= {str(name): value for name, value in fields.items() if name not in line}
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["stack"] = "".join(traceback.format_exception(*record.exc_info))[-_LONGEST_TRACE:]
        return json.dumps(line, ensure_ascii=True, default=str)


def configure() -> None:
    """Makes the process log in this way; for the command that starts the service, once."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
