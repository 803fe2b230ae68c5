"""Stratified choice of records: quotas by largest remainder, ceilings per signature, workload and cause, seeded."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from k8s_log_agent.records import GOLDEN_SEVERITIES, GoldenRecord, Severity

CONTRACT_TARGET: Mapping[Severity, int] = {
    Severity.INFO: 37,
    Severity.WARN: 38,
    Severity.ERROR: 60,
    Severity.CRITICAL: 15,
}

Stratum = tuple[str, str]


class TargetError(ValueError):
    """A target distribution cannot be understood; the text says how to write one."""


@dataclass(frozen=True, slots=True)
class Ceilings:
    """How many records of one kind may be chosen. `workload_share` and `cause_share` are shares of a class's target."""

    per_signature: int = 2
    workload_share: float = 0.34
    cause_share: float = 0.15
    no_fault_share: float = 0.7

    def only_per_signature(self) -> Ceilings:
        """The same without ceilings per workload and cause."""
        return Ceilings(self.per_signature, 1.0, 1.0, 1.0)


@dataclass(slots=True)
class Tally:
    """What has been chosen so far, by the kinds that have a ceiling."""

    signatures: Counter[str] = field(default_factory=Counter)
    workloads: Counter[tuple[str, str]] = field(default_factory=Counter)
    causes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, record: GoldenRecord) -> None:
        """Count a chosen record."""
        level = record.truth.severity.value
        self.signatures[record.derived.signature] += 1
        self.workloads[(level, workload(record))] += 1
        self.causes[(level, _cause_of(record))] += 1

    def has_room(self, record: GoldenRecord, ceilings: Ceilings, target: int) -> bool:
        """Whether the record may still be chosen in a class of `target` records."""
        level = record.truth.severity.value
        share = ceilings.no_fault_share if record.truth.cause == "none" else ceilings.cause_share
        return (
            self.signatures[record.derived.signature] < ceilings.per_signature
            and self.workloads[(level, workload(record))] < max(1, math.ceil(ceilings.workload_share * target))
            and self.causes[(level, _cause_of(record))] < max(1, math.ceil(share * target))
        )


def workload(record: GoldenRecord) -> str:
    """Return what ran: namespace and application."""
    return f"{record.input.namespace}/{record.input.app or record.input.container}"


def _cause_of(record: GoldenRecord) -> str:
    """The cause; where nothing failed, real and synthetic apart, so that invented look-alikes keep a place."""
    return f"none/{record.provenance.source}" if record.truth.cause == "none" else record.truth.cause


def parse_target(text: str) -> dict[Severity, int]:
    """Read a target such as `INFO=37,WARN=38,ERROR=60,CRITICAL=15`; raises `TargetError`."""
    target = dict.fromkeys(GOLDEN_SEVERITIES, 0)
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, number = part.partition("=")
        if name.strip().upper() not in {level.value for level in GOLDEN_SEVERITIES} or not number.strip().isdigit():
            raise TargetError(
                f"{part!r} is no part of a target distribution. Write one as INFO=37,WARN=38,ERROR=60,CRITICAL=15; "
                "each of the four severities may be left out and then counts 0."
            )
        target[Severity(name.strip().upper())] = int(number)
    return target


def largest_remainder(weights: Mapping[Stratum, float], seats: int) -> dict[Stratum, int]:
    """Divide `seats` among strata by weight; the quotas are whole, add up to `seats`, each within 1 of its share."""
    total = sum(weights.values())
    if total <= 0:
        return dict.fromkeys(weights, 0)
    exact = {stratum: seats * weight / total for stratum, weight in weights.items()}
    quotas = {stratum: math.floor(share) for stratum, share in exact.items()}
    by_remainder = sorted(exact, key=lambda stratum: (quotas[stratum] - exact[stratum], stratum))
    for stratum in by_remainder[: seats - sum(quotas.values())]:
        quotas[stratum] += 1
    return quotas


def seeded_order(records: Iterable[GoldenRecord], seed: int) -> list[GoldenRecord]:
    """Return the records in an order that depends on their content and the seed only."""
    return sorted(records, key=lambda record: hashlib.sha256(f"{seed}:{record.id}".encode()).digest())


@dataclass(slots=True)
class Chooser:
    """Chooses records of one severity after another, and remembers what it has chosen."""

    seed: int
    tally: Tally = field(default_factory=Tally)

    def fill(self, records: Sequence[GoldenRecord], target: int, ceilings: Ceilings) -> list[GoldenRecord]:
        """Choose `target` records of one severity: under the ceilings first, then what they had kept out."""
        chosen = self.choose(records, target, target, ceilings)
        ids = {record.id for record in chosen}
        left = [record for record in records if record.id not in ids]
        return chosen + self.choose(left, target - len(chosen), target, ceilings.only_per_signature())

    def choose(
        self, records: Sequence[GoldenRecord], seats: int, target: int, ceilings: Ceilings
    ) -> list[GoldenRecord]:
        """Choose up to `seats` records of one severity, of which `target` are wanted in all.

        Strata are category x format. Each gets its quota; within one, labels that were provoked or confirmed come
        first, then causes and signatures not yet chosen. What a stratum cannot fill goes to the others.
        """
        strata: dict[Stratum, list[GoldenRecord]] = defaultdict(list)
        ordered = seeded_order(records, self.seed)
        for record in ordered:
            strata[(record.truth.category.value, record.input.format)].append(record)
        quotas = largest_remainder({name: math.sqrt(len(found)) for name, found in strata.items()}, seats)

        def has_room(record: GoldenRecord) -> bool:
            return self.tally.has_room(record, ceilings, target)

        chosen: list[GoldenRecord] = []
        for name in sorted(strata):
            chosen += _take(strata[name], quotas[name], self.tally, has_room)
        ids = {record.id for record in chosen}
        left = [record for record in ordered if record.id not in ids]
        return chosen + _take(left, seats - len(chosen), self.tally, has_room)


def _take(
    pool: list[GoldenRecord], wanted: int, tally: Tally, has_room: Callable[[GoldenRecord], bool]
) -> list[GoldenRecord]:
    taken: list[GoldenRecord] = []
    waiting = pool
    while len(taken) < wanted:
        waiting = [record for record in waiting if has_room(record)]
        if not waiting:
            break
        best = min(range(len(waiting)), key=lambda index: (*_novelty(waiting[index], tally), index))
        record = waiting.pop(best)
        tally.add(record)
        taken.append(record)
    return taken


_TRUST = {"human": 0, "provoked": 0, "template": 0, "rule": 1}


def _novelty(record: GoldenRecord, tally: Tally) -> tuple[int, ...]:
    level = record.truth.severity.value
    return (
        _TRUST[record.quality.label_source],
        sum(tally.causes[(other.value, _cause_of(record))] for other in GOLDEN_SEVERITIES),
        tally.causes[(level, _cause_of(record))],
        tally.signatures[record.derived.signature],
        tally.workloads[(level, workload(record))],
    )
