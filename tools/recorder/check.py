"""Verifies the whole set of recordings: quantities, evidence, line format, privacy and the sums of what is held out."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from k8s_log_agent.ingest.files import read_path
from k8s_log_agent.ingest.recordings import MANIFEST, RecordedWindow, Recording, find_recordings
from k8s_log_agent.understand.pipeline import Understanding
from tools.recorder.privacy import FORBIDDEN

SUMS = "held_out/SHA256SUMS"
MINIMA = {"programs": 12, "causes provoked three times": 20, "lines": 20_000, "signatures": 400}
LARGEST_SHARE = 0.20
HEALTHY_SHARE = 0.40
MAX_BYTES = 12 << 20
CRI_LINE = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z (stdout|stderr) [FP] ")


@dataclass(frozen=True)
class Line:
    """A physical line: `moment` with microseconds, `text` without the CRI prefix."""

    number: int
    moment: datetime
    text: str


def read_lines(path: Path) -> Iterator[Line]:
    """The lines of a CRI file; raises `ValueError` with the place of a malformed one."""
    content = path.read_bytes()
    if not content.endswith(b"\n"):
        raise ValueError(f"{path} does not end with a newline")
    for number, line in enumerate(content[:-1].split(b"\n"), 1):
        match = CRI_LINE.match(line)
        if not match:
            raise ValueError(f"{path}, line {number}, is no CRI line: {line[:80]!r}")
        second = datetime.fromisoformat(match[1].decode()).replace(tzinfo=UTC)
        micro = int((match[2] or b"0").ljust(9, b"0")[:6])
        yield Line(number, second + timedelta(microseconds=micro), line[match.end() :].decode("utf-8", "replace"))


def faults_in(recording: Recording) -> list[str]:
    """What is wrong with one recording, as sentences."""
    wrong: list[str] = []
    lines: dict[str, list[Line]] = {}
    for path in sorted(recording.folder.glob("pods/*/*/0.log")):
        source = path.relative_to(recording.folder).as_posix()
        try:
            lines[source] = list(read_lines(path))
        except ValueError as error:
            wrong.append(str(error))
            continue
        private = next((line for line in lines[source] if FORBIDDEN.search(line.text)), None)
        if private:
            wrong.append(f"{path}, line {private.number}, names the machine it was made on")
        moments = [line.moment for line in lines[source]]
        if moments != sorted(moments):
            wrong.append(f"{path} is not in the order of time")
    if FORBIDDEN.search((recording.folder / MANIFEST).read_text(encoding="utf-8")):
        wrong.append(f"{recording.folder / MANIFEST} names the machine it was made on")
    total = sum(map(len, lines.values()))
    if total != recording.manifest.lines:
        wrong.append(f"{recording.folder} has {total} lines, its manifest says {recording.manifest.lines}")
    ends = [window.end for window in recording.manifest.windows]
    starts = [window.start for window in recording.manifest.windows]
    if any(start <= end for start, end in zip(starts[1:], ends, strict=False)):
        wrong.append(f"{recording.folder} has windows that overlap")
    for window in recording.manifest.windows:
        wrong += [f"{recording.folder}, {window.id}: {text}" for text in _wrong_evidence(window, lines)]
    return wrong


def _wrong_evidence(window: RecordedWindow, lines: dict[str, list[Line]]) -> Iterator[str]:
    for place in window.evidence:
        found = lines.get(place.source, [])
        if place.line > len(found):
            yield f"evidence line {place.line} of {place.source} does not exist"
        elif not window.start <= found[place.line - 1].moment <= window.end:
            yield f"evidence line {place.line} of {place.source} lies outside of the window"


@dataclass(frozen=True)
class Quantities:
    """What the set holds. `causes` counts fault windows by code, `values` the different values by code."""

    lines: Counter[str]
    healthy: int
    signatures: int
    causes: Counter[str]
    values: dict[str, int]
    size: int

    def shortfalls(self) -> list[str]:
        """Every quantity that is missed, as a sentence."""
        total = sum(self.lines.values())
        enough = sum(1 for code, count in self.causes.items() if count >= 3 and self.values[code] >= 3)
        found = {"programs": len(self.lines), "lines": total, "signatures": self.signatures}
        found["causes provoked three times"] = enough
        wrong = [f"{name}: {found[name]} of at least {least}" for name, least in MINIMA.items() if found[name] < least]
        few = [code for code, count in self.causes.items() if count < 3]
        wrong += [f"cause {code} was provoked only {self.causes[code]} times" for code in few]
        wrong += [
            f"{name} has {count / total:.0%} of all lines, at most {LARGEST_SHARE:.0%} are wanted"
            for name, count in self.lines.items()
            if count > LARGEST_SHARE * total
        ]
        if self.healthy < HEALTHY_SHARE * total:
            wrong.append(
                f"{self.healthy / total:.0%} of all lines are healthy, at least {HEALTHY_SHARE:.0%} are wanted"
            )
        if self.size > MAX_BYTES:
            wrong.append(f"the set takes {self.size >> 20} MiB, at most {MAX_BYTES >> 20} are wanted")
        return wrong


def measure(recordings: list[Recording]) -> Quantities:
    """Count; signatures are those that the package's own understanding gives the events of one recording."""
    lines: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    values: dict[str, set[str]] = {}
    signatures: set[str] = set()
    healthy, size = 0, 0
    for recording in recordings:
        name = recording.manifest.program.name
        lines[name] += recording.manifest.lines
        for window in recording.manifest.windows:
            healthy += window.lines if window.kind == "healthy" else 0
            if window.kind == "fault":
                causes[window.cause] += 1
                values.setdefault(window.cause, set()).add(f"{name} {sorted(window.values.items())}")
        size += sum(path.stat().st_size for path in recording.folder.glob("pods/*/*/0.log"))
        lines_of_all = read_path(recording.folder / "pods", Counter())
        signatures.update(event.signature for event in Understanding.default().events(lines_of_all))
    return Quantities(lines, healthy, len(signatures), causes, {code: len(kept) for code, kept in values.items()}, size)


def sums(root: Path) -> str:
    """The sha256 of every file of the held-out recordings, as sha256sum prints them."""
    files = sorted(path for path in (root / "held_out").glob("[!.]*/**/*") if path.is_file())
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(root / 'held_out').as_posix()}\n"
        for path in files
    )


def check_set(root: Path, *, freeze: bool) -> int:
    """Print the table and what is wrong; with `freeze` write the held-out sums and the data card's table."""
    from tools.recorder.card import refresh_card, table  # noqa: PLC0415 -- the card counts with this file

    recordings = list(find_recordings(root))
    wrong = [text for recording in recordings for text in faults_in(recording)]
    quantities = measure(recordings)
    print(table(recordings))
    total = sum(quantities.lines.values())
    print(
        f"{len(quantities.lines)} programs, {len(quantities.causes)} causes in {quantities.causes.total()} faults, "
        f"{total} lines, {quantities.healthy / max(total, 1):.0%} healthy, {quantities.signatures} signatures, "
        f"{quantities.size / 2**20:.1f} MiB"
    )
    for code, count in sorted(quantities.causes.items()):
        print(f"  {code:24} {count:3}")
    wrong += quantities.shortfalls()
    if freeze:
        (root / SUMS).write_text(sums(root), encoding="utf-8")
        refresh_card(root, recordings, quantities)
    elif not (root / SUMS).exists() or (root / SUMS).read_text(encoding="utf-8") != sums(root):
        wrong.append("held-out recordings differ from their frozen sums; --freeze writes them anew")
    for text in wrong:
        print(f"wrong: {text}")
    return 1 if wrong else 0
