"""The typed records that flow through every room, from a log line to a verdict.

`LogLine` and `Event` are plain slotted classes, since millions of them pass; what is stored, exchanged or published
(`GoldenRecord`, `Verdict`) is a pydantic model, whose JSON Schema is the one definition of the data set and the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from k8s_log_agent.quickly_made import quickly_made

SCHEMA_VERSION = 1

NO_LABELS: Mapping[str, str] = MappingProxyType({})


class Severity(StrEnum):
    """How bad a line is, for the one who operates the system. `UNKNOWN` is an answer, not a level."""

    UNKNOWN = "UNKNOWN"
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        """Order of badness: UNKNOWN 0, DEBUG 1, … CRITICAL 5."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}

GOLDEN_SEVERITIES = (Severity.INFO, Severity.WARN, Severity.ERROR, Severity.CRITICAL)


class Category(StrEnum):
    """What kind of thing went wrong."""

    RESOURCE = "resource"
    SCHEDULING = "scheduling"
    IMAGE = "image"
    CONFIG = "config"
    STORAGE = "storage"
    NETWORK = "network"
    AUTH = "auth"
    DEPENDENCY = "dependency"
    APPLICATION = "application"
    PLATFORM = "platform"
    NONE = "none"
    UNKNOWN = "unknown"


class StreamKey(NamedTuple):
    """One container's one output; lines are joined into events within a stream and never across."""

    namespace: str
    pod: str
    container: str
    output: str  # stdout, stderr, journal, or empty where a source does not say


@quickly_made
@dataclass(frozen=True, slots=True)
class LogLine:
    """One line as a source gave it, CRI prefix removed and partial lines joined.

    `number` is 1-based in its source file (the first physical line of a joined one); `timestamp` is nanoseconds since
    the epoch or None; `source` names the file or query.
    """

    stream: StreamKey
    number: int
    timestamp: int | None
    text: str
    source: str = ""
    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)


@dataclass(frozen=True, slots=True)
class CauseHint:
    """A cause code that a rule proposes for an event. `weight` is 0..1, higher is surer."""

    code: str
    rule: str
    weight: float
    line: int  # number of the line in its source that carries the evidence


@quickly_made
@dataclass(frozen=True, slots=True)
class Event:
    """One log statement, continuation lines included, understood and redacted.

    `level` is what the program said, `severity` what it means to the operator; `method` and `confidence` (0..1) say how
    the severity was found. `signature` is stable across runs and ids; `cluster` is the Drain group or None.
    """

    stream: StreamKey
    timestamp: int | None
    lines: tuple[int, ...]
    source: str
    text: str
    message: str
    format: str
    level: Severity
    severity: Severity
    method: str
    confidence: float
    signature: str
    template: str
    cluster: int | None = None
    noise_rule: str | None = None
    causes: tuple[CauseHint, ...] = ()
    redactions: Mapping[str, int] = field(default_factory=dict)
    truncated: bool = False
    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)


class Record(BaseModel):
    """Base of everything stored: unknown fields are errors, instances do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Component(Record):
    """The part of the system that a record speaks of, such as kind `database`, name `postgresql`."""

    kind: str
    name: str


class GoldenInput(Record):
    """What the record shows: redacted text with where and when it came from."""

    timestamp: datetime | None
    namespace: str
    pod: str
    container: str
    node: str = ""
    app: str = ""
    stream: str = ""
    labels: dict[str, str] = {}
    raw: str
    message: str
    format: str
    context_before: tuple[str, ...] = ()
    context_after: tuple[str, ...] = ()
    occurrence_count: Annotated[int, Field(ge=1)] = 1


class GoldenDerived(Record):
    """What the rules made of the input; recomputed when the rules change."""

    signature: str
    signature_version: int
    template: str
    cluster: int | None = None
    detected_severity: Severity
    detection_method: str
    detection_confidence: float
    token_estimate: int
    redactions: dict[str, int] = {}


class GoldenTruth(Record):
    """What is right. `cause` is a code of the cause table, `none` or `unknown`."""

    is_failure: bool
    severity: Literal[Severity.INFO, Severity.WARN, Severity.ERROR, Severity.CRITICAL]
    category: Category
    cause: str
    cause_text: str = ""
    component: Component
    affected_object: str = ""
    evidence_lines: tuple[int, ...] = ()  # 0-based within `raw`
    distractors: tuple[str, ...] = ()
    remedy: str = ""
    answerable: bool = True


class GoldenQuality(Record):
    """How far the truth can be trusted, and what makes the record special."""

    label_source: Literal["template", "provoked", "rule", "human"]
    difficulty: Annotated[int, Field(ge=1, le=3)] = 1
    tags: tuple[str, ...] = ()
    note: str = ""
    author: str = ""


class GoldenProvenance(Record):
    """Where the record came from, so that it can be made again."""

    source: Literal["real", "synthetic"]
    origin: str  # Loki query and range, recording id, or template id
    seed: int | None = None
    extractor_version: str
    history: tuple[str, ...] = ()


class GoldenRecord(Record):
    """One labelled example. `id` is a hash of its content; `split` goes by signature group, never by row."""

    id: str
    schema_version: int = SCHEMA_VERSION
    split: Literal["train", "validation", "test"]
    input: GoldenInput
    derived: GoldenDerived
    truth: GoldenTruth
    quality: GoldenQuality
    provenance: GoldenProvenance


class GoldenManifest(Record):
    """How a data set was made: counts by field, seed, versions, inputs, and the sha256 of its records."""

    name: str
    created_by: str
    package_version: str
    signature_version: int
    seed: int
    records_sha256: str
    counts: dict[str, dict[str, int]]
    shortfalls: dict[str, int] = {}
    inputs: dict[str, str] = {}
    drops: dict[str, int] = {}


class GoldenDataset(Record):
    """A data set file: `golden_dataset_real.json`, `golden_dataset_synthetic.json`, `golden_dataset.json`."""

    schema_version: int = SCHEMA_VERSION
    manifest: GoldenManifest
    records: tuple[GoldenRecord, ...]


class EvidenceLine(Record):
    """A line that a verdict rests on: `source` file or query, 1-based `line` number in it, its redacted text."""

    source: str
    line: int
    text: str


class VerdictState(StrEnum):
    """How an answer came about; every triage ends in exactly one of them."""

    OK = "ok"  # the model answered, validated and grounded
    REPAIRED = "repaired"  # valid after one repair
    DEGRADED = "degraded"  # the model failed; the answer is the rules'
    RULED = "ruled"  # rules were sure enough, or the model is switched off
    REJECTED = "rejected"  # nothing to answer: no lines, or no failure found


class Verdict(Record):
    """What triage says about one window of logs."""

    schema_version: int = SCHEMA_VERSION
    id: str
    state: VerdictState
    decided_by: Literal["rule", "memory", "model", "none"]
    severity: Severity
    category: Category
    cause: str
    root_cause: str
    component: Component
    evidence: tuple[EvidenceLine, ...]
    reasoning: str
    confidence: Annotated[float, Field(ge=0, le=1)]
    candidates: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    redactions: dict[str, int] = {}
    notes: tuple[str, ...] = ()
