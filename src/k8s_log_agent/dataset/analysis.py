"""What a data set is worth: how it is distributed, how complete, how repetitive, how trustworthy its labels are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from k8s_log_agent.dataset import label_quality, splits
from k8s_log_agent.dataset.analysis_result import (
    Agreement,
    Analysis,
    Completeness,
    Distribution,
    Diversity,
    Preview,
    RealAndSynthetic,
    Repetition,
    Spread,
)
from k8s_log_agent.dataset.distribution import distance, evenness
from k8s_log_agent.dataset.domain_classifier import FEWEST, domain_auc
from k8s_log_agent.dataset.near_duplicates import near_duplicates
from k8s_log_agent.records import GOLDEN_SEVERITIES, Category, GoldenDataset, GoldenRecord, Severity
from k8s_log_agent.understand.masking import mask
from k8s_log_agent.understand.redaction import Redactor

PREVIEWS_A_SEVERITY = 2
PREVIEW_CHARACTERS = 600
CANARY = "klacanary"
_TOKEN_STEPS = (50, 100, 200, 400, 800, 1600, 3200)


def analyse(
    dataset: GoldenDataset, target: Mapping[Severity, int], codes: Iterable[str], inputs: Mapping[str, str]
) -> Analysis:
    """Return the analysis against a target distribution and the table's cause `codes`. Pure and repeatable."""
    records = dataset.records
    counts = {level.value: number for level, number in target.items()}
    found = Counter(record.truth.severity.value for record in records)
    masked = [mask(" ".join(record.input.raw.split())) for record in records]
    causes = Counter(record.truth.cause for record in records)
    return Analysis(
        name=dataset.manifest.name,
        records=len(records),
        inputs=dict(inputs),
        distribution=Distribution(
            target=counts,
            found={level.value: found[level.value] for level in GOLDEN_SEVERITIES},
            missing={name: number - found[name] for name, number in counts.items() if found[name] < number},
            distance=distance(found, counts),
            by_source=_by_source(records),
        ),
        categories=_counted(record.truth.category.value for record in records),
        categories_missing=sorted(
            {category.value for category in Category} - {r.truth.category.value for r in records}
        ),
        causes=dict(sorted(causes.items())),
        causes_missing=sorted(set(codes) - set(causes)),
        scenarios=_counted(
            tag for record in records for tag in record.quality.tags if tag[:1] == "S" and tag[1:].isdigit()
        ),
        diversity=_diversity(records),
        completeness=_completeness(records),
        repetition=_repetition(records, masked),
        splits=_counted(record.split for record in records),
        leaks=splits.leaks(records),
        label_sources=_counted(record.quality.label_source for record in records),
        label_conflicts=label_quality.conflicts(records),
        severity_agreement=_agreement(records),
        tokens=_tokens(records),
        redaction_residue=_residue(records),
        real_and_synthetic=_real_and_synthetic(records, masked),
        previews=_previews(records),
    )


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _by_source(records: Sequence[GoldenRecord]) -> dict[str, dict[str, int]]:
    return {
        source: _counted(record.truth.severity.value for record in records if record.provenance.source == source)
        for source in ("real", "synthetic")
    }


def _diversity(records: Sequence[GoldenRecord]) -> dict[str, Diversity]:
    fields = {
        "namespace": [record.input.namespace for record in records],
        "app": [record.input.app for record in records],
        "component": [record.truth.component.kind for record in records],
        "format": [record.input.format for record in records],
        "signature": [record.derived.signature for record in records],
    }
    found = {}
    for name, values in fields.items():
        counts = Counter(values)
        top = dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:10])
        found[name] = Diversity(different=len(counts), evenness=evenness(counts), most=top)
    return found


def _completeness(records: Sequence[GoldenRecord]) -> dict[str, Completeness]:
    failures = [record for record in records if record.truth.is_failure]
    checks = {
        "timestamp": (records, lambda one: one.input.timestamp is not None),
        "namespace": (records, lambda one: bool(one.input.namespace)),
        "pod": (records, lambda one: bool(one.input.pod)),
        "message": (records, lambda one: bool(one.input.message)),
        "context": (records, lambda one: bool(one.input.context_before or one.input.context_after)),
        "component name": (records, lambda one: bool(one.truth.component.name)),
        "evidence of failures": (failures, lambda one: bool(one.truth.evidence_lines)),
        "cause text of answerable failures": (
            [record for record in failures if record.truth.answerable],
            lambda one: bool(one.truth.cause_text),
        ),
        "remedy of answerable failures": (
            [record for record in failures if record.truth.answerable],
            lambda one: bool(one.truth.remedy),
        ),
    }
    return {name: Completeness(of=len(of), complete=sum(map(has, of))) for name, (of, has) in checks.items()}


def _repetition(records: Sequence[GoldenRecord], masked: Sequence[str]) -> Repetition:
    texts = Counter(" ".join(record.input.raw.split()) for record in records)
    pairs = near_duplicates(masked)
    across = [pair for pair in pairs if records[pair[0]].split != records[pair[1]].split]
    return Repetition(
        exact=sum(number - 1 for number in texts.values()),
        near_pairs=len(pairs),
        near_pairs_across_splits=[(records[one].id, records[other].id, alike) for one, other, alike in across],
        largest_signature_group=max(Counter(record.derived.signature for record in records).values(), default=0),
    )


def _agreement(records: Sequence[GoldenRecord]) -> dict[str, Agreement]:
    """By label source; of labels that are the rules' own the agreement is left out, since it says nothing."""
    found: dict[str, Agreement] = {}
    for source in sorted({record.quality.label_source for record in records} - {"rule"}):
        of = [record for record in records if record.quality.label_source == source]
        pairs: Counter[tuple[Severity, Severity]] = Counter(
            (record.truth.severity, record.derived.detected_severity) for record in of
        )
        found[source] = Agreement(
            records=len(of),
            equal=sum(number for (truth, rule), number in pairs.items() if truth == rule),
            within_one=sum(number for (truth, rule), number in pairs.items() if abs(truth.rank - rule.rank) <= 1),
            confusion={
                level.value: _counted_pairs(pairs, level) for level in GOLDEN_SEVERITIES if _counted_pairs(pairs, level)
            },
        )
    return found


def _counted_pairs(pairs: Mapping[tuple[Severity, Severity], int], level: Severity) -> dict[str, int]:
    return {rule.value: number for (truth, rule), number in sorted(pairs.items()) if truth == level}


def _tokens(records: Sequence[GoldenRecord]) -> Spread:
    sizes = sorted(record.derived.token_estimate for record in records) or [0]
    steps = {str(step): sum(size <= step for size in sizes) for step in _TOKEN_STEPS}
    return Spread(minimum=sizes[0], median=median(sizes), largest=sizes[-1], at_most=steps)


def _residue(records: Sequence[GoldenRecord]) -> list[str]:
    """Places where a canary survived, or where redacting once more still finds something."""
    redactor = Redactor()
    found = []
    for record in records:
        shown = record.input
        texts = {
            "raw": shown.raw,
            "message": shown.message,
            "context": "\n".join((*shown.context_before, *shown.context_after)),
        }
        for name, text in texts.items():
            kinds = sorted(redactor.redact(text).counts) + ["canary"] * (CANARY in text)
            found += [f"{record.id} {name}: {kind}" for kind in kinds]
    return found


def _real_and_synthetic(records: Sequence[GoldenRecord], masked: Sequence[str]) -> RealAndSynthetic:
    made = [record.provenance.source == "synthetic" for record in records]
    words = {
        kind: {
            word.lower() for text, is_made in zip(masked, made, strict=True) if is_made is kind for word in text.split()
        }
        for kind in (True, False)
    }
    either = words[True] | words[False]
    auc = domain_auc(masked, made, [record.derived.signature for record in records])
    return RealAndSynthetic(
        real=made.count(False),
        synthetic=made.count(True),
        vocabulary_overlap=round(len(words[True] & words[False]) / len(either), 3) if either else None,
        classifier_auc=auc,
        note="" if auc is not None else f"too few records of one kind for a classifier; it needs {FEWEST} of each",
    )


def _previews(records: Sequence[GoldenRecord]) -> list[Preview]:
    shown = []
    for level in reversed(GOLDEN_SEVERITIES):
        of = [record for record in records if record.truth.severity == level]
        by_source = sorted(of, key=lambda record: (record.provenance.source, record.id))
        picked = by_source[:1] + by_source[-1:] if len(by_source) > 1 else by_source
        shown += [
            Preview(
                id=record.id,
                severity=level.value,
                cause=record.truth.cause,
                component=f"{record.truth.component.kind}/{record.truth.component.name}",
                source=record.provenance.source,
                origin=record.provenance.origin,
                text=record.input.raw[:PREVIEW_CHARACTERS],
                evidence_lines=record.truth.evidence_lines,
            )
            for record in picked[:PREVIEWS_A_SEVERITY]
        ]
    return shown
