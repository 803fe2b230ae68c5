"""Where the verbs that look for trouble take their lines from: files, or a Loki."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k8s_log_agent.records import LogLine

_SECOND = 10**9


@dataclass(frozen=True, slots=True)
class LineSource:
    """Either a file or folder, or a Loki. `since` is a span such as 90m; empty means all of a file, 1h of a Loki."""

    path: Path | None
    loki: str = ""
    selector: str = ""
    since: str = ""
    tenant: str | None = None
    token_file: Path | None = None

    def lines(self, stack: ExitStack, dropped: Counter[str]) -> Iterator[LogLine]:
        """The lines of the span that ends now; `stack` closes what they come through, `dropped` counts what is skipped.

        Raises `ValueError` with what to name instead, and `SourceError`, also while the lines are taken.
        """
        from k8s_log_agent.triage.time_spans import span_seconds  # noqa: PLC0415 - a verb loads only what it needs

        if (self.path is None) == (not self.loki):
            raise ValueError("Name either a file or folder of logs, or a Loki with --loki ADDRESS.")
        now = time.time_ns()
        if self.path is None:
            return self._from_loki(stack, now - span_seconds(self.since or "1h") * _SECOND, now)
        earliest = now - span_seconds(self.since) * _SECOND if self.since else None
        return _from_files(self.path, dropped, earliest)

    def _from_loki(self, stack: ExitStack, start: int, end: int) -> Iterator[LogLine]:
        from k8s_log_agent.dataset.log_filters import selector_of  # noqa: PLC0415 - a verb loads only what it needs
        from k8s_log_agent.ingest.loki import LokiReader, Reading  # noqa: PLC0415 - as above
        from k8s_log_agent.ingest.loki_access import LokiAccess, http_client, secret_from_file  # noqa: PLC0415 - as above
        from k8s_log_agent.ingest.loki_client import LokiClient  # noqa: PLC0415 - as above

        token = secret_from_file(self.token_file) if self.token_file else None
        http = stack.enter_context(http_client(LokiAccess(url=self.loki, tenant=self.tenant, token=token)))
        return iter(LokiReader(LokiClient(http, attempts=3), Reading(selector_of(self.selector), start, end)))


def _from_files(path: Path, dropped: Counter[str], earliest: int | None) -> Iterator[LogLine]:
    from k8s_log_agent.ingest.files import read_path  # noqa: PLC0415 - a verb loads only what it needs

    for line in read_path(path, dropped):
        if earliest is None or line.timestamp is None or line.timestamp >= earliest:
            yield line
