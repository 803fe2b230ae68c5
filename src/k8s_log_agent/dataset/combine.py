"""One data set of a wanted distribution: real records first, synthetic ones where real ones are short."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from k8s_log_agent import __version__
from k8s_log_agent.dataset import splits, store
from k8s_log_agent.dataset.sampling import CONTRACT_TARGET, Ceilings, Chooser, seeded_order
from k8s_log_agent.records import GoldenDataset, GoldenManifest, GoldenRecord, Severity
from k8s_log_agent.understand.signature import SIGNATURE_VERSION


@dataclass(frozen=True, slots=True)
class CombineOptions:
    """`target` is the number of records of each severity; the shares are of it.

    At most `synthetic_share` may be synthetic; up to `coverage_share` is kept for causes that no real record shows; at
    most `test_share` may be real records of the test split.
    """

    target: Mapping[Severity, int] = field(default_factory=lambda: dict(CONTRACT_TARGET))
    synthetic_share: float = 1.0
    coverage_share: float = 0.4
    test_share: float = 0.4
    seed: int = 1
    ceilings: Ceilings = field(default_factory=Ceilings)
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Hash of what decides the outcome besides the records."""
        target = sorted((severity.value, number) for severity, number in self.target.items())
        shares = (self.synthetic_share, self.coverage_share, self.test_share)
        words = repr((__version__, target, shares, self.seed, self.ceilings))
        return hashlib.sha256(words.encode()).hexdigest()[:16]


def combine(
    real: Sequence[GoldenRecord],
    synthetic: Sequence[GoldenRecord],
    options: CombineOptions,
    say: Callable[[str], None],
) -> GoldenDataset:
    """Return the combined data set; what the records cannot fill stands in `manifest.shortfalls`."""
    drops: Counter[str] = Counter()
    pool = splits.settle(without_repeats([*real, *synthetic], drops))
    chosen: list[GoldenRecord] = []
    shortfalls: dict[str, int] = {}
    chooser = Chooser(options.seed)
    for severity, wanted in options.target.items():
        of_class = [record for record in pool if record.truth.severity == severity]
        found = _of_class(of_class, wanted, options, chooser)
        chosen += found
        if len(found) < wanted:
            shortfalls[severity.value] = wanted - len(found)
        shares = Counter(record.provenance.source for record in found)
        say(f"{severity.value}: {len(found)} of {wanted}, {shares['real']} real, {shares['synthetic']} synthetic")
    records = sorted(chosen, key=lambda record: record.id)
    return GoldenDataset(
        manifest=GoldenManifest(
            name="golden_dataset",
            created_by="k8s-log-agent dataset combine",
            package_version=__version__,
            signature_version=SIGNATURE_VERSION,
            seed=options.seed,
            records_sha256=store.records_sha256(records),
            counts=store.count_records(records),
            shortfalls=shortfalls,
            inputs={**options.inputs, "options": options.fingerprint},
            drops=dict(sorted(drops.items())),
        ),
        records=tuple(records),
    )


def without_repeats(records: Iterable[GoldenRecord], drops: Counter[str]) -> list[GoldenRecord]:
    """Return the records with different texts, the first of each, so that real ones stay; counts what is left out."""
    seen: set[str] = set()
    kept = []
    for record in records:
        text = " ".join(record.input.raw.split())
        if text in seen:
            drops["the same text"] += 1
            continue
        seen.add(text)
        kept.append(record)
    return kept


def _of_class(
    records: Sequence[GoldenRecord], wanted: int, options: CombineOptions, chooser: Chooser
) -> list[GoldenRecord]:
    """Real records, synthetic ones for causes that only they show, and the rest real before synthetic.

    What the ceilings keep out comes last, when seats are still free.
    """
    real = [record for record in records if record.provenance.source == "real"]
    synthetic = [record for record in records if record.provenance.source == "synthetic"]
    shown = {record.truth.cause for record in real}
    unseen = [record for record in synthetic if record.truth.cause not in shown]
    most_synthetic = math.floor(options.synthetic_share * wanted)
    kept_free = min(
        len({record.truth.cause for record in unseen}), math.floor(options.coverage_share * wanted), most_synthetic
    )
    relaxed = options.ceilings.only_per_signature()
    found: list[GoldenRecord] = []
    for pool, seats, ceilings in (
        (_few_tests(real, wanted, options), wanted - kept_free, options.ceilings),
        (unseen, kept_free, options.ceilings),
        (synthetic, wanted, options.ceilings),
        (real, wanted, relaxed),
        (synthetic, wanted, relaxed),
    ):
        ids = {record.id for record in found}
        left = [record for record in pool if record.id not in ids]
        made = sum(record.provenance.source == "synthetic" for record in found)
        room = min(seats, wanted - len(found))
        if left and left[0].provenance.source == "synthetic":
            room = min(room, most_synthetic - made)
        found += chooser.choose(left, max(0, room), wanted, ceilings)
    return found


def _few_tests(records: Sequence[GoldenRecord], wanted: int, options: CombineOptions) -> list[GoldenRecord]:
    """Leave out test records beyond their share of a class, so that recordings kept for testing do not crowd it."""
    most = math.ceil(options.test_share * wanted)
    tests = seeded_order((record for record in records if record.split == "test"), options.seed)
    kept = {record.id for record in tests[:most]}
    return [record for record in records if record.split != "test" or record.id in kept]


def shortage(shortfalls: Mapping[str, int]) -> str:
    """Return what is short in one paragraph; empty when the target is met."""
    if not shortfalls:
        return ""
    parts = ", ".join(f"{number} {severity}" for severity, number in shortfalls.items())
    return (
        f"The target is not met: {parts} are short. Record or extract more logs, add templates for these severities, "
        "or ask for another target with --target."
    )
