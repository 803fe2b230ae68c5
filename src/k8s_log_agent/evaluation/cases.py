"""Makes cases of recordings and of a golden data set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator

from k8s_log_agent.evaluation.outcomes import Case, Truth
from k8s_log_agent.ingest.recordings import RecordedWindow, Recording
from k8s_log_agent.ingest.windows import lines_within, recording_lines
from k8s_log_agent.records import Category, GoldenDataset, GoldenRecord, LogLine, Severity, StreamKey

RECORD_SOURCE = "record"  # what the lines of a golden record name as their source


def recorded_cases(recordings: Iterable[Recording], category_of: Callable[[str], Category]) -> Iterator[Case]:
    """Every window of every recording, healthy ones included, in their order.

    Repeats of one fault of one program are one group; the healthy windows of a program are one as well.
    """
    for recording in recordings:
        lines = recording_lines(recording)
        for window in recording.manifest.windows:
            yield _recorded(recording, window, tuple(lines_within(lines, window)), category_of)


def golden_cases(dataset: GoldenDataset) -> Iterator[Case]:
    """Every record of the test split; its lines are numbered from 1 and come from the source `record`."""
    for record in dataset.records:
        if record.split == "test":
            yield _golden(record)


def content_key(case: Case) -> str:
    """A hash of what a method sees of the case: streams, places, times and texts of its lines, not its truth."""
    digest = hashlib.sha256()
    for line in case.lines:
        digest.update(repr((line.stream, line.source, line.number, line.timestamp, line.text)).encode())
    return digest.hexdigest()


def _recorded(
    recording: Recording, window: RecordedWindow, lines: tuple[LogLine, ...], category_of: Callable[[str], Category]
) -> Case:
    manifest = recording.manifest
    failure = window.kind == "fault"
    component = window.component.kind if window.component else manifest.program.kind
    truth = Truth(
        is_failure=failure,
        cause=window.cause,
        category=category_of(window.cause) if failure else Category.NONE,
        severity=window.severity,
        component=component,
        evidence=frozenset((place.source, place.line) for place in window.evidence),
    )
    return Case(
        id=f"{manifest.split}/{manifest.program.name}/{window.id}",
        part=manifest.split,
        group=f"{manifest.program.name}/{window.cause}",
        program=manifest.program.name,
        title=window.description,
        truth=truth,
        lines=lines,
    )


def _golden(record: GoldenRecord) -> Case:
    given, right = record.input, record.truth
    stream = StreamKey(given.namespace, given.pod, given.container, given.stream)
    start = round(given.timestamp.timestamp() * 1_000_000) * 1000 if given.timestamp else None
    lines = tuple(
        LogLine(stream, number, start, text, RECORD_SOURCE, given.labels)
        for number, text in enumerate(given.raw.splitlines(), start=1)
    )
    truth = Truth(
        is_failure=right.is_failure,
        cause=right.cause,
        category=right.category,
        severity=Severity(right.severity),
        component=right.component.kind,
        evidence=frozenset((RECORD_SOURCE, line + 1) for line in right.evidence_lines),
    )
    return Case(
        id=f"golden/{record.id}",
        part="golden_real" if record.provenance.source == "real" else "golden_synthetic",
        group=record.derived.signature,
        program=given.container,
        title=right.cause_text or right.cause,
        truth=truth,
        lines=lines,
    )
