"""Synthetic records from templates: as many of each severity as asked for, every scenario in turn, truth filled in."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from random import Random

from k8s_log_agent import __version__
from k8s_log_agent.dataset import splits, store
from k8s_log_agent.dataset.derive import derived_fields, redacted_lines
from k8s_log_agent.dataset.staging import StagedLog, Variant, stage
from k8s_log_agent.dataset.templates import Template, TemplateFile, Wording
from k8s_log_agent.records import (
    Event,
    GoldenDataset,
    GoldenInput,
    GoldenManifest,
    GoldenProvenance,
    GoldenQuality,
    GoldenRecord,
    GoldenTruth,
    LogLine,
    Severity,
)
from k8s_log_agent.understand.signature import SIGNATURE_VERSION

Understand = Callable[[Iterable[LogLine]], Iterable[Event]]

DEFAULT_TARGET: Mapping[Severity, int] = {
    Severity.INFO: 64,
    Severity.WARN: 72,
    Severity.ERROR: 130,
    Severity.CRITICAL: 64,
}
VARIANT_EVERY = {"injection": 16, "secret-canary": 16}  # one record in so many, the two never at once
VARIANT_TAGS: Mapping[Variant, tuple[str, ...]] = {"": (), "injection": ("S71",), "secret-canary": ("S72",)}
PER_SIGNATURE = 2
MOST_DISTRACTORS = 3
_ATTEMPTS = 6  # passes over all wordings before a severity is called exhausted


@dataclass(frozen=True, slots=True)
class SynthesisOptions:
    """What is to be made. `target` is the number of records of each severity."""

    target: Mapping[Severity, int] = field(default_factory=lambda: dict(DEFAULT_TARGET))
    seed: int = 1
    inputs: Mapping[str, str] = field(default_factory=dict)


def synthesize(
    file: TemplateFile, options: SynthesisOptions, understand: Understand, say: Callable[[str], None]
) -> GoldenDataset:
    """Return the data set; the same file, options and rules give the same bytes.

    Raises `TemplateError` for a template at fault.
    """
    maker = _Maker(file, options.seed, understand)
    records: list[GoldenRecord] = []
    shortfalls: dict[str, int] = {}
    for severity, wanted in options.target.items():
        templates = [template for template in file.templates if template.severity == severity]
        made = maker.make(templates, wanted)
        records += made
        if len(made) < wanted:
            shortfalls[severity.value] = wanted - len(made)
        say(f"{severity.value}: {len(made)} of {wanted} records from {len(templates)} templates")
    settled = sorted(splits.settle(records), key=lambda record: record.id)
    manifest = GoldenManifest(
        name="golden_dataset_synthetic",
        created_by="k8s-log-agent dataset synthesize",
        package_version=__version__,
        signature_version=SIGNATURE_VERSION,
        seed=options.seed,
        records_sha256=store.records_sha256(settled),
        counts=store.count_records(settled),
        shortfalls=shortfalls,
        inputs=dict(options.inputs),
        drops=dict(sorted(maker.drops.items())),
    )
    return GoldenDataset(manifest=manifest, records=tuple(settled))


@dataclass(slots=True)
class _Maker:
    file: TemplateFile
    seed: int
    understand: Understand
    drops: Counter[str] = field(default_factory=Counter)

    def make(self, templates: list[Template], wanted: int) -> list[GoldenRecord]:
        """Up to `wanted` records of these templates, each in turn."""
        made: dict[str, GoldenRecord] = {}
        signatures: Counter[str] = Counter()
        for place, (template, wording, turn) in enumerate(_turns(templates)):
            if len(made) >= wanted:
                break
            variant = _variant(place)
            random = _random(self.seed, template.id, wording.id, turn)
            staged = stage(template, wording, variant, self.file.variants, random)
            record = self._record(template, f"{template.id}/{wording.id}", staged, variant)
            if signatures[record.derived.signature] >= PER_SIGNATURE or record.id in made:
                self.drops["signature is there often enough"] += 1
                continue
            signatures[record.derived.signature] += 1
            made[record.id] = record
        return list(made.values())

    def _record(self, template: Template, origin: str, staged: StagedLog, variant: Variant) -> GoldenRecord:
        primary = _primary(list(self.understand(staged.log_lines(origin))), staged)
        raw, redactions = redacted_lines(staged.lines)
        shown = _shown(staged, primary, raw)
        truth = GoldenTruth(
            is_failure=template.is_failure,
            severity=template.severity,
            category=template.category,
            cause=template.cause,
            cause_text=staged.cause_text,
            component=staged.component,
            affected_object=staged.affected_object,
            evidence_lines=staged.evidence if template.is_failure else (),
            distractors=tuple(raw[place][:200] for place in staged.distractors[:MOST_DISTRACTORS]),
            remedy=template.remedy,
            answerable=template.answerable,
        )
        tags = {*template.tags, template.scenario, variant, *VARIANT_TAGS[variant], *_shape_tags(staged)} - {""}
        difficulty = min(3, template.difficulty + (variant == "injection"))
        return GoldenRecord(
            id=store.record_id(shown, truth),
            split=splits.split_of(origin, self.seed),
            input=shown,
            derived=derived_fields(primary, shown.raw, redactions),
            truth=truth,
            quality=GoldenQuality(label_source="template", difficulty=difficulty, tags=tuple(sorted(tags))),
            provenance=GoldenProvenance(
                source="synthetic", origin=origin, seed=self.seed, extractor_version=__version__
            ),
        )


def _shown(staged: StagedLog, primary: Event, raw: list[str]) -> GoldenInput:
    return GoldenInput(
        timestamp=staged.moments[staged.evidence[0] if staged.evidence else 0],
        namespace=staged.namespace,
        pod=staged.pod,
        container=staged.container,
        node=staged.values["node"],
        app=staged.container,
        stream="stderr",
        raw="\n".join(raw),
        message=primary.message,
        format=primary.format,
    )


def _turns(templates: list[Template]) -> Iterator[tuple[Template, Wording, int]]:
    """Every template's first wording, then every template's second, …; wordings again when all have had a turn."""
    most = max((len(template.wordings) for template in templates), default=0)
    for turn, rank in product(range(_ATTEMPTS), range(most)):
        for template in templates:
            if rank < len(template.wordings):
                yield template, template.wordings[rank], turn


def _variant(place: int) -> Variant:
    if place % VARIANT_EVERY["injection"] == 5:
        return "injection"
    return "secret-canary" if place % VARIANT_EVERY["secret-canary"] == 12 else ""


def _random(seed: int, *parts: object) -> Random:
    digest = hashlib.sha256(":".join(map(str, (seed, *parts))).encode()).digest()
    return Random(int.from_bytes(digest[:8]))  # noqa: S311 - examples to learn from, not secrets


def _shape_tags(staged: StagedLog) -> Iterator[str]:
    if len(staged.lines) > 1:
        yield "multi-line"
    if len(staged.lines) > 1 and staged.distractors:
        yield "cascade"


def _primary(events: list[Event], staged: StagedLog) -> Event:
    """The event that states the truth; without one, the worst."""
    stated = {place + 1 for place in staged.evidence}
    telling = [event for event in events if stated & set(event.lines)]
    return telling[0] if telling else max(events, key=lambda event: event.severity.rank)
