"""Real records: read, understand, drop noise, one or two of each signature, label, sample by strata."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from k8s_log_agent import __version__
from k8s_log_agent.dataset import splits, store
from k8s_log_agent.dataset.candidates import Candidate, CandidatePool
from k8s_log_agent.dataset.derive import derived_fields
from k8s_log_agent.dataset.labelling import Label, Labeller
from k8s_log_agent.dataset.sampling import Ceilings, Chooser
from k8s_log_agent.dataset.sources import LogSource, SourcePart
from k8s_log_agent.dataset.store import DatasetError
from k8s_log_agent.records import (
    Event,
    GoldenDataset,
    GoldenInput,
    GoldenManifest,
    GoldenProvenance,
    GoldenQuality,
    GoldenRecord,
    LogLine,
    Severity,
)
from k8s_log_agent.understand.signature import SIGNATURE_VERSION

DEFAULT_TARGET: Mapping[Severity, int] = {
    Severity.INFO: 80,
    Severity.WARN: 80,
    Severity.ERROR: 120,
    Severity.CRITICAL: 60,
}
LONGEST_RECORD = 16_000  # characters
PROGRESS_EVERY = 10_000  # events


@dataclass(frozen=True, slots=True)
class ExtractOptions:
    """What is wanted: the number of records of each severity, ceilings, and the seed of every choice."""

    target: Mapping[Severity, int] = field(default_factory=lambda: dict(DEFAULT_TARGET))
    ceilings: Ceilings = field(default_factory=Ceilings)
    seed: int = 1


Understand = Callable[[Iterable[LogLine]], Iterable[Event]]


@dataclass(slots=True)
class Extraction:
    """One run over a source.

    `drops` counts, by reason, every event that did not become a record; `reading` what reading skipped or altered.
    """

    understand: Understand
    labeller: Labeller
    options: ExtractOptions
    say: Callable[[str], None]
    drops: Counter[str] = field(default_factory=Counter)
    reading: Counter[str] = field(default_factory=Counter)
    inputs: dict[str, str] = field(default_factory=dict)
    events: int = 0

    def run(self, source: LogSource) -> GoldenDataset:
        """Return the data set; raises `DatasetError` when there is no line, and what the source raises."""
        labelled = [record for part in source.parts(self.reading) for record in self._of_part(part)]
        if not self.events:
            raise DatasetError(
                "No log lines were found, so there is nothing to make records of. Name a folder or file of logs with "
                "--source, or ask Loki about a longer time with --hours."
            )
        settled = splits.settle(labelled)
        chooser = Chooser(self.options.seed)
        chosen: list[GoldenRecord] = []
        shortfalls: dict[str, int] = {}
        for severity, wanted in self.options.target.items():
            of_class = [record for record in settled if record.truth.severity == severity]
            found = chooser.fill(of_class, wanted, self.options.ceilings)
            chosen += found
            if len(found) < wanted:
                shortfalls[severity.value] = wanted - len(found)
            self.say(f"{severity.value}: {len(found)} of {wanted} records from {len(of_class)} examples")
        self.drops["not sampled"] = len(settled) - len(chosen)
        records = sorted(chosen, key=lambda record: record.id)
        return GoldenDataset(manifest=self._manifest(records, shortfalls), records=tuple(records))

    def _manifest(self, records: list[GoldenRecord], shortfalls: dict[str, int]) -> GoldenManifest:
        drops = {**self.drops, **{f"reading: {reason}": number for reason, number in self.reading.items()}}
        return GoldenManifest(
            name="golden_dataset_real",
            created_by="k8s-log-agent dataset extract",
            package_version=__version__,
            signature_version=SIGNATURE_VERSION,
            seed=self.options.seed,
            records_sha256=store.records_sha256(records),
            counts=store.count_records(records),
            shortfalls=shortfalls,
            inputs={**self.inputs, "events": str(self.events)},
            drops={reason: number for reason, number in sorted(drops.items()) if number},
        )

    def _of_part(self, part: SourcePart) -> Iterator[GoldenRecord]:
        pool = CandidatePool()
        recorded = part.recorded
        for event in self.understand(part.lines):
            found = recorded.evidence(event) if recorded else None
            pool.add(event, found[0].id if found else "")
            if pool.events % PROGRESS_EVERY == 0:
                self.say(f"{part.origin}: {pool.events} events, {pool.signatures} signatures")
        self.events += pool.events
        self.drops.update(pool.drops)
        self.inputs[part.origin] = part.digest
        self.say(f"{part.origin}: {pool.events} events, {pool.signatures} signatures")
        for candidate, count in pool.candidates():
            record = self._record(candidate, count, part)
            if isinstance(record, str):
                self.drops[record] += 1
            else:
                yield record

    def _record(self, candidate: Candidate, count: int, part: SourcePart) -> GoldenRecord | str:
        event = candidate.event
        if len(event.text) > LONGEST_RECORD:
            return "too long for a record"
        label = self._label(event, part)
        if isinstance(label, str):
            return label
        shown = _shown(candidate, count, part)
        held_out = part.recorded is not None and part.recorded.split == "held_out"
        return GoldenRecord(
            id=store.record_id(shown, label.truth),
            split="test" if held_out else splits.split_of(event.signature, self.options.seed),
            input=shown,
            derived=derived_fields(event, shown.raw, event.redactions),
            truth=label.truth,
            quality=GoldenQuality(
                label_source=label.source,
                difficulty=1 if label.source == "provoked" else 2,
                tags=(*label.tags, "held-out") if held_out else label.tags,
                note=label.note,
            ),
            provenance=GoldenProvenance(
                source="real",
                origin=f"{part.origin}: {event.source}:{event.lines[0]}",
                seed=self.options.seed,
                extractor_version=__version__,
            ),
        )

    def _label(self, event: Event, part: SourcePart) -> Label | str:
        found = part.recorded.evidence(event) if part.recorded else None
        if found:
            return self.labeller.provoked(event, *found)
        return self.labeller.ruled(event, part.recorded)


def _shown(candidate: Candidate, count: int, part: SourcePart) -> GoldenInput:
    event = candidate.event
    moment = None
    if event.timestamp is not None:
        moment = datetime.fromtimestamp(event.timestamp // 1_000_000_000, UTC)
        moment = moment.replace(microsecond=event.timestamp % 1_000_000_000 // 1000)
    program = part.recorded.program.name if part.recorded else ""
    return GoldenInput(
        timestamp=moment,
        namespace=event.stream.namespace,
        pod=event.stream.pod,
        container=event.stream.container,
        node=event.labels.get("node", ""),
        app=event.labels.get("app") or program or event.stream.container,
        stream=event.stream.output,
        labels=dict(sorted(event.labels.items())),
        raw=event.text,
        message=event.message,
        format=event.format,
        context_before=candidate.before,
        context_after=tuple(candidate.after),
        occurrence_count=count,
    )
