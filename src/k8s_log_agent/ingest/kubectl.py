"""What `kubectl logs` prints with `--timestamps` and `--prefix`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from k8s_log_agent.ingest.line_reader import decode
from k8s_log_agent.ingest.timestamps import optional_rfc3339
from k8s_log_agent.records import LogLine, StreamKey

PREFIX = re.compile(r"\[pod/([^/\]\s]{1,253})/([^/\]\s]{1,253})\] ?")
TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7,9}(?:Z|[+-]\d\d:\d\d))(?: |$)")


def read_kubectl(lines: Iterable[bytes], base: StreamKey, source: str, dropped: Counter[str]) -> Iterator[LogLine]:
    """Log lines of the output of `kubectl logs`; prefix and timestamp are taken off where a line has them."""
    streams: dict[tuple[str, str], StreamKey] = {}
    for number, raw in enumerate(lines, 1):
        text, stream, timestamp = decode(raw, dropped), base, None
        if found := PREFIX.match(text):
            place = (found[1], found[2])
            stream = streams.get(place) or streams.setdefault(place, StreamKey(base.namespace, *place, base.output))
            text = text[found.end() :]
        if found := TIMESTAMP.match(text):
            timestamp = optional_rfc3339(found[1])
            text = text[found.end() :]
        yield LogLine(stream, number, timestamp, text, source)
