"""What a span of logs looked like, small enough to keep: the side of a drift comparison.

Repeats of one signature within one minute count once, since they are not independent of each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal
from zlib import crc32

from pydantic import Field, ValidationError

from k8s_log_agent.records import Event, Record, VerdictState
from k8s_log_agent.triage.bursts import split_into_bursts
from k8s_log_agent.triage.digest import Digest
from k8s_log_agent.triage.pipeline import Triage
from k8s_log_agent.understand.causes import CauseTable

MOST_SIGNATURES = 20_000
MOST_LENGTHS = 4000
_MINUTE = 60 * 10**9
_MOST_SEEN = 200_000

Count = Annotated[int, Field(ge=0)]


class DriftError(ValueError):
    """A side of a comparison cannot be used; the text names it and the mend."""


class DriftProfile(Record):
    """Inputs: `statements` with their severity, format and category, lengths in characters, signatures.

    `novelty` is hits and trials: of the statements in one half, those whose signature the other half has not.
    Outputs are of the windows of trouble: causes, states, and the confidence of each.
    """

    kind: Literal["drift_profile"] = "drift_profile"
    schema_version: Literal[1] = 1
    signature_version: int
    statements: Count
    severities: dict[str, int]
    formats: dict[str, int]
    categories: dict[str, int]
    lengths: tuple[int, ...]
    signatures: dict[str, int]
    novelty: tuple[int, int]
    verdicts: Count
    causes: dict[str, int]
    states: dict[str, int]
    confidences: tuple[float, ...]

    @property
    def unknown(self) -> tuple[int, int]:
        """Verdicts `unknown`, of all."""
        return self.causes.get("unknown", 0), self.verdicts

    @property
    def invalid(self) -> tuple[int, int]:
        """Verdicts that a model was to give and gave no usable answer for, of all."""
        return self.states.get(VerdictState.DEGRADED.value, 0), self.verdicts

    def novel_beside(self, reference: DriftProfile) -> tuple[int, int]:
        """Statements with a signature that the reference has not, of all."""
        strange = sum(count for name, count in self.signatures.items() if name not in reference.signatures)
        return strange, sum(self.signatures.values())


def profile_of(events: Iterable[Event], triage: Triage, table: CauseTable, signature_version: int) -> DriftProfile:
    """One pass over the events, then a verdict on each window of trouble; memory is bounded."""
    digest = Digest()
    order: list[str] = []
    severities, formats, categories = Counter[str](), Counter[str](), Counter[str]()
    signatures: Counter[str] = Counter()
    lengths: list[int] = []
    statements = 0
    for event in _once_a_minute(events, digest.add):
        statements += 1
        severities[event.severity.value] += 1
        formats[event.format] += 1
        categories.update({table.cause(hint.code).category.value for hint in event.causes if hint.code in table.codes})
        if event.signature in signatures or len(signatures) < MOST_SIGNATURES:
            signatures[event.signature] += 1
            order.append(event.signature)
        lengths.append(len(event.message))
        if len(lengths) >= 2 * MOST_LENGTHS:
            lengths = lengths[::2]
    verdicts = [triage.verdict(burst.events) for burst in split_into_bursts(digest.kept())]
    return DriftProfile(
        signature_version=signature_version,
        statements=statements,
        severities=dict(sorted(severities.items())),
        formats=dict(sorted(formats.items())),
        categories=dict(sorted(categories.items())),
        lengths=tuple(sorted(lengths)),
        signatures=dict(sorted(signatures.items())),
        novelty=_novelty(order),
        verdicts=len(verdicts),
        causes=dict(sorted(Counter(one.cause for one in verdicts).items())),
        states=dict(sorted(Counter(one.state.value for one in verdicts).items())),
        confidences=tuple(sorted(one.confidence for one in verdicts)),
    )


def read_profile(path: Path) -> DriftProfile:
    """Raises `DriftError`."""
    try:
        return DriftProfile.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DriftError(
            f"{path} is no drift profile: {str(error).splitlines()[0]}. Make one with `drift --save`, or name logs."
        ) from error


def is_profile(path: Path) -> bool:
    """Whether a file is a profile and not a log."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return b'"drift_profile"' in file.read(64_000) or path.name.endswith(".profile.json")


def _once_a_minute(events: Iterable[Event], every: Callable[[Event], None]) -> Iterator[Event]:
    """Statements without noise and repeats; `every` is told of all events."""
    seen: set[tuple[str, str, int]] = set()
    for event in events:
        every(event)
        key = event.signature, event.stream.pod, (event.timestamp or 0) // _MINUTE
        if event.noise_rule is None and key not in seen:
            if len(seen) >= _MOST_SEEN:
                seen.clear()
            seen.add(key)
            yield event


def _novelty(order: list[str]) -> tuple[int, int]:
    """One half of the statements is held against the other; which is which has nothing to do with their order."""
    halves: tuple[list[str], list[str]] = ([], [])
    for place, name in enumerate(order):
        halves[crc32(place.to_bytes(8)) & 1].append(name)
    known = set(halves[0])
    return sum(name not in known for name in halves[1]), len(halves[1])
