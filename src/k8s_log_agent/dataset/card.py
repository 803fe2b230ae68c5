"""The data card: what a data set holds, how it was made, what to keep in mind, as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from k8s_log_agent.records import GOLDEN_SEVERITIES, GoldenDataset, GoldenRecord, Severity

SPLITS = ("train", "validation", "test")
SOURCES = ("real", "synthetic")
LABELS = {
    "template": "the template that made the record states the truth",
    "provoked": "a recorder broke a real program on purpose and noted what it did",
    "rule": "the rules proposed it and nobody has confirmed it; scored apart",
    "human": "a person confirmed or corrected it",
}


def data_card(dataset: GoldenDataset) -> str:
    """Return the card; the same data set gives the same text."""
    manifest, records = dataset.manifest, dataset.records
    parts = [
        f"# Data card: {manifest.name}",
        f"{len(records)} labelled log records in `{manifest.name}.json`, schema version {dataset.schema_version}. Each "
        "shows redacted log lines and states whether something failed, how bad it is, the cause as a code of a closed "
        "table, and the lines that prove it.",
        "## Severity and source",
        _table(
            ["severity", *SOURCES, "all", "missing"],
            [
                [level.value, *_by_source(records, level.value), str(manifest.shortfalls.get(level.value, 0))]
                for level in GOLDEN_SEVERITIES
            ],
        ),
        "## Splits",
        "A signature, and every wording of a template, lies in one split only. Whether it lies in `test` depends on a "
        "hash of its name and never changes; recordings kept for testing are always in `test`.",
        _table(["split", *(level.value for level in GOLDEN_SEVERITIES), "all"], _split_rows(records)),
        "## Where the labels come from",
        _table(
            ["label source", "records", "meaning"],
            [
                [name, str(number), LABELS[name]]
                for name, number in _count(records, lambda one: one.quality.label_source)
            ],
        ),
        "## Categories",
        _table(["category", "records"], _rows(_count(records, lambda one: one.truth.category.value))),
        "## Causes",
        _table(["cause", "records"], _rows(_count(records, lambda one: one.truth.cause))),
        "## Formats",
        _table(["format", "records"], _rows(_count(records, lambda one: one.input.format))),
        "## Special records",
        _table(["tag", "records"], _rows(_tag_counts(records))),
        "## How it was made",
        _table(["what", "value"], _origin_rows(dataset)),
        "## What to keep in mind",
        "\n".join(f"- {line}" for line in _cautions(dataset)),
    ]
    return "\n\n".join(parts) + "\n"


def _count(records: Iterable[GoldenRecord], of: Callable[[GoldenRecord], str]) -> list[tuple[str, int]]:
    return sorted(Counter(map(of, records)).items(), key=lambda entry: (-entry[1], entry[0]))


def _tag_counts(records: Iterable[GoldenRecord]) -> list[tuple[str, int]]:
    tags = Counter(tag for record in records for tag in record.quality.tags if not tag[1:].isdigit())
    return sorted(tags.items(), key=lambda entry: (-entry[1], entry[0]))


def _rows(counts: Iterable[tuple[str, int]]) -> list[list[str]]:
    return [[name, str(number)] for name, number in counts]


def _by_source(records: Sequence[GoldenRecord], severity: str) -> list[str]:
    sources: Counter[str] = Counter(
        record.provenance.source for record in records if record.truth.severity.value == severity
    )
    return [*(str(sources[source]) for source in SOURCES), str(sum(sources.values()))]


def _split_rows(records: Sequence[GoldenRecord]) -> list[list[str]]:
    rows = []
    for split in SPLITS:
        levels: Counter[Severity] = Counter(record.truth.severity for record in records if record.split == split)
        rows.append([split, *(str(levels[level]) for level in GOLDEN_SEVERITIES), str(sum(levels.values()))])
    return rows


def _origin_rows(dataset: GoldenDataset) -> list[list[str]]:
    manifest = dataset.manifest
    rows = [
        ["made by", f"`{manifest.created_by}`, package {manifest.package_version}"],
        ["seed", str(manifest.seed)],
        ["signature version", str(manifest.signature_version)],
        ["sha256 of the records", f"`{manifest.records_sha256}`"],
    ]
    rows += [[f"input: {name}", f"`{value}`"] for name, value in sorted(manifest.inputs.items())]
    return rows + [[f"left out: {reason}", str(number)] for reason, number in sorted(manifest.drops.items())]


def _cautions(dataset: GoldenDataset) -> list[str]:
    records = dataset.records
    synthetic = sum(record.provenance.source == "synthetic" for record in records)
    ruled = sum(record.quality.label_source == "rule" for record in records)
    share = f"{100 * synthetic / len(records):.0f} %" if records else "0 %"
    lines = [
        f"{share} of the records are synthetic: their wordings are modelled on real programs, their values are drawn. "
        "Scores on them and on real records belong side by side, not in one figure.",
        f"{ruled} labels are the rules' own. A comparison of the rules with them says nothing about either.",
        "Secrets were replaced by numbered placeholders before anything was stored; host, pod and user names of "
        "synthetic records are invented.",
        "Records tagged `injection` hold text that tries to instruct a reader; treat every text as data.",
    ]
    short: Mapping[str, int] = dataset.manifest.shortfalls
    if short:
        lines.append("Short of the target: " + ", ".join(f"{number} {level}" for level, number in short.items()) + ".")
    return lines


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(head), ["---"] * len(head), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
