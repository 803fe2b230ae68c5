"""The line format of the container runtime interface: `2026-11-24T20:00:00.123456789Z stdout F text`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from k8s_log_agent.ingest.line_reader import MAX_LINE_BYTES, decode
from k8s_log_agent.ingest.timestamps import rfc3339
from k8s_log_agent.records import LogLine, StreamKey

CRI_LINE = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d) std(?:out|err) [FP](?::\S*)? ")


@dataclass(slots=True)
class _Partial:
    """The first pieces of a line that the runtime wrote in several."""

    number: int
    timestamp: int
    pieces: list[str]
    length: int = 0
    cut: bool = False


def read_cri(lines: Iterable[bytes], base: StreamKey, source: str, dropped: Counter[str]) -> Iterator[LogLine]:
    """Log lines of a CRI file; pieces marked `P` are joined without a break, for each output on its own.

    A line without the prefix (cut in half by a crash or a full disk) keeps its text, has no time and is counted as
    `broken_cri`; a joined line beyond the bound is cut and counted as `truncated`; one whose end never came is given
    as it is and counted as `unfinished_partial`.
    """
    streams = {output: base._replace(output=output) for output in ("stdout", "stderr")}
    partials: dict[str, _Partial] = {}
    number = 0
    for raw in lines:
        number += 1
        line = decode(raw, dropped)
        parts = line.split(" ", 3)
        try:
            time, output, tag = parts[:3]
            stream = streams[output]
            timestamp = rfc3339(time)
            full = tag == "F" or _is_full(tag)
        except (ValueError, KeyError):
            if line.strip():
                dropped["broken_cri"] += 1
                yield LogLine(base, number, None, line, source)
            continue
        text = parts[3] if len(parts) > 3 else ""
        if full and output not in partials:
            yield LogLine(stream, number, timestamp, text, source)
            continue
        partial = partials.setdefault(output, _Partial(number, timestamp, []))
        _append(partial, text, dropped)
        if full:
            del partials[output]
            yield LogLine(stream, partial.number, partial.timestamp, "".join(partial.pieces), source)
    for output, partial in partials.items():
        dropped["unfinished_partial"] += 1
        yield LogLine(streams[output], partial.number, partial.timestamp, "".join(partial.pieces), source)


def _is_full(tag: str) -> bool:
    if tag == "F":
        return True
    if tag == "P" or tag.startswith("P:"):
        return False
    if tag.startswith("F:"):
        return True
    raise ValueError(tag)


def _append(partial: _Partial, text: str, dropped: Counter[str]) -> None:
    room = MAX_LINE_BYTES - partial.length
    if len(text) > room:
        text = text[:room]
        if not partial.cut:
            partial.cut = True
            dropped["truncated"] += 1
    partial.length += len(text)
    if text:
        partial.pieces.append(text)
