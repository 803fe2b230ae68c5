"""Recordings: logs that real programs wrote while the recorder broke them on purpose, with the truth beside them.

A recording is a folder `<root>/<split>/<program>/` with `manifest.json` and a tree of CRI files below `pods/`. Its
windows do not overlap: in a healthy one nothing was provoked, in a fault one exactly one cause was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from k8s_log_agent.records import Component, Record, Severity

MANIFEST = "manifest.json"
SCHEMA_VERSION: Literal[1] = 1

Split = Literal["training", "held_out"]


class RecordingError(ValueError):
    """A recording cannot be used; the text names the file and the mend."""


class RecordedProgram(Record):
    """The program under observation. `kind` is its role, such as `database`; `command` is what started it."""

    name: str
    kind: str
    version: str
    command: tuple[str, ...]
    packages: tuple[str, ...] = ()


class EvidencePlace(Record):
    """A line that states the cause: `source` relative to the recording's folder, 1-based physical `line` in it."""

    source: str
    line: Annotated[int, Field(ge=1)]


class RecordedWindow(Record):
    """A span of time, `start` and `end` included. The fields of the truth are set for faults and empty for health."""

    id: str
    kind: Literal["healthy", "fault"]
    start: datetime
    end: datetime
    description: str
    values: dict[str, str] = Field(default_factory=dict)
    cause: str = "none"
    severity: Severity = Severity.INFO
    component: Component | None = None
    evidence: tuple[EvidencePlace, ...] = ()
    lines: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _a_fault_has_its_truth(self) -> RecordedWindow:
        if self.end < self.start:
            raise ValueError(f"window {self.id} ends before it starts")
        if self.kind == "fault" and (self.cause == "none" or self.component is None or not self.evidence):
            raise ValueError(f"window {self.id} is a fault without cause, component or evidence")
        if self.kind == "healthy" and (self.cause != "none" or self.evidence):
            raise ValueError(f"window {self.id} is healthy but names a cause or evidence")
        return self


class RecordingManifest(Record):
    """What `manifest.json` holds. `rewritten` counts the machine's own names that were replaced, by replacement."""

    schema_version: Literal[1] = SCHEMA_VERSION
    program: RecordedProgram
    split: Split
    recorded_at: datetime
    machine: dict[str, str]
    rewritten: dict[str, int] = Field(default_factory=dict)
    lines: int
    windows: tuple[RecordedWindow, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording on disk."""

    folder: Path
    manifest: RecordingManifest

    @property
    def faults(self) -> tuple[RecordedWindow, ...]:
        """The windows in which something was provoked."""
        return tuple(window for window in self.manifest.windows if window.kind == "fault")


def load_recording(folder: Path) -> Recording:
    """Read one recording; raises `RecordingError`."""
    path = folder / MANIFEST
    try:
        return Recording(folder, RecordingManifest.model_validate_json(path.read_bytes()))
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}. Record it anew with tools/recorder.") from error
    except ValidationError as error:
        raise RecordingError(f"{path} is not a manifest of version {SCHEMA_VERSION}: {error}") from error


def find_recordings(root: Path, *splits: Split) -> Iterator[Recording]:
    """Every recording below `root`, in the order of split and program; of all splits when none is named."""
    for split in splits or ("held_out", "training"):
        for path in sorted(root.glob(f"{split}/*/{MANIFEST}")):
            yield load_recording(path.parent)
