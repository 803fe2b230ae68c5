"""Where an extraction reads: recordings with their truth, any folder or file of logs, or a Loki."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from k8s_log_agent.dataset.log_filters import LogFilter
from k8s_log_agent.dataset.recorded_truth import RecordedTruth
from k8s_log_agent.dataset.store import DatasetError
from k8s_log_agent.ingest.files import read_path
from k8s_log_agent.ingest.loki import SECOND, Budget, LokiReader, Reading
from k8s_log_agent.ingest.loki_client import LokiClient
from k8s_log_agent.ingest.loki_errors import LokiUnavailableError
from k8s_log_agent.ingest.loki_selector import LogQuery
from k8s_log_agent.ingest.recordings import MANIFEST, Recording, Split, find_recordings, load_recording
from k8s_log_agent.records import LogLine

LOKI_LINES_A_FILTER = 20_000


@dataclass(frozen=True, slots=True)
class SourcePart:
    """Lines that belong together. `origin` begins the provenance of its records, `digest` tells whether it changed."""

    origin: str
    digest: str
    lines: Iterable[LogLine]
    recorded: RecordedTruth | None = None


class LogSource(Protocol):
    """Something that an extraction can read once, part after part."""

    def parts(self, dropped: Counter[str]) -> Iterator[SourcePart]:
        """Yield the parts; what is skipped or altered while reading is counted in `dropped`."""
        ...


@dataclass(frozen=True, slots=True)
class RecordedSource:
    """Recordings of the project, each with its manifest; all splits when none is named."""

    root: Path
    splits: tuple[Split, ...] = ()

    def parts(self, dropped: Counter[str]) -> Iterator[SourcePart]:
        """One part a recording."""
        for recording in self._recordings():
            manifest = recording.manifest
            yield SourcePart(
                origin=f"recording {manifest.split}/{manifest.program.name}",
                digest=hashlib.sha256((recording.folder / MANIFEST).read_bytes()).hexdigest(),
                lines=_timed(read_path(recording.folder, dropped)),
                recorded=RecordedTruth(recording),
            )

    def _recordings(self) -> Sequence[Recording]:
        if (self.root / MANIFEST).is_file():
            return [load_recording(self.root)]
        return sorted(find_recordings(self.root, *self.splits), key=lambda one: one.folder.as_posix())


def _timed(lines: Iterable[LogLine]) -> Iterator[LogLine]:
    """Every line of a recording has a time; what has none is not part of it."""
    return (line for line in lines if line.timestamp is not None)


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file or folder of logs, or a journald export, without truth."""

    path: Path

    def parts(self, dropped: Counter[str]) -> Iterator[SourcePart]:
        """The whole as one part."""
        yield SourcePart(f"file {self.path.name}", "", read_path(self.path, dropped))


@dataclass(slots=True)
class LokiFilters:
    """A Loki, asked by each filter over `start` <= time < `end`, in nanoseconds; a line found twice counts once."""

    client: LokiClient
    selector: LogQuery
    filters: Sequence[LogFilter]
    start: int
    end: int
    lines_a_filter: int = LOKI_LINES_A_FILTER
    _seen: set[int] = field(default_factory=set)

    def parts(self, dropped: Counter[str]) -> Iterator[SourcePart]:
        """One part a filter; raises `DatasetError` with the port-forward line when Loki cannot be reached."""
        for asked in self.filters:
            query = asked.query(self.selector)
            reading = Reading(query, self.start, self.end, budget=Budget(lines=self.lines_a_filter))
            digest = f"{query.logql} from {self.start} to {self.end}"
            yield SourcePart(f"loki {asked.name}", digest, self._read(LokiReader(self.client, reading), dropped))

    def _read(self, reader: LokiReader, dropped: Counter[str]) -> Iterator[LogLine]:
        try:
            for line in reader:
                key = hash((line.timestamp, line.text, tuple(sorted(line.labels.items()))))
                if key in self._seen:
                    dropped["found by an earlier filter"] += 1
                    continue
                self._seen.add(key)
                yield line
        except LokiUnavailableError as error:
            raise unreachable(error) from error
        if reader.provenance.stopped_by:
            dropped["filters that stopped at their bound on lines"] += 1


def unreachable(error: LokiUnavailableError) -> DatasetError:
    """Return what to tell somebody whose Loki does not answer."""
    return DatasetError(
        f"{error} In a cluster, open the way to it first: "
        "`kubectl port-forward -n logging svc/loki 3100:3100`; or read a folder with --source PATH."
    )


def is_recording(path: Path) -> bool:
    """Whether the folder holds recordings with manifests, or is one."""
    return (path / MANIFEST).is_file() or any(path.glob(f"*/*/{MANIFEST}"))


def last_hours(hours: float, now: float) -> tuple[int, int]:
    """Return start and end in nanoseconds: the last `hours` before `now`, in seconds, ending at a whole minute."""
    end = int(now) // 60 * 60
    return int((end - hours * 3600) * SECOND), end * SECOND
