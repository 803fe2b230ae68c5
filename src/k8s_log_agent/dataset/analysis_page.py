"""The analysis as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from k8s_log_agent.dataset.analysis_result import Analysis, Completeness, Preview
from k8s_log_agent.records import GOLDEN_SEVERITIES

_MOST_LISTED = 10


def page(analysis: Analysis) -> str:
    """Return the page; its first section says what to look at."""
    shown = analysis.distribution
    far = shown.distance
    kinds = analysis.real_and_synthetic
    parts = [
        f"# Analysis of {analysis.name}",
        f"{analysis.records} records, {kinds.real} real and {kinds.synthetic} synthetic.",
        "## What to look at",
        "\n".join(f"- {line}" for line in concerns(analysis) or ["Nothing."]),
        "## Severity against target",
        _table(
            ["severity", "target", "found", "real", "synthetic"],
            [
                [
                    level,
                    wanted,
                    shown.found.get(level, 0),
                    *(shown.by_source[kind].get(level, 0) for kind in shown.by_source),
                ]
                for level, wanted in _by_rank(shown.target)
            ],
        ),
        f"Total variation {_figure(far.total_variation)}, Jensen-Shannon divergence {_figure(far.jensen_shannon)} "
        "bits; 0 is equal.",
        "## Categories",
        _counts("category", analysis.categories),
        "## Namespaces, components, formats",
        _table(
            ["field", "different values", "evenness", "most frequent"],
            [
                [name, of.different, f"{of.evenness:.2f}", ", ".join(_most(of.most)[:5])]
                for name, of in analysis.diversity.items()
                if name != "signature"
            ],
        ),
        "## Completeness",
        _table(["field", "complete", "of"], [[name, of.complete, of.of] for name, of in analysis.completeness.items()]),
        "## Severity by rules against the label",
        _table(
            ["label source", "records", "equal", "within one level"],
            [
                [name, of.records, _share(of.equal, of.records), _share(of.within_one, of.records)]
                for name, of in analysis.severity_agreement.items()
            ],
        ),
        "## Real against synthetic",
        f"Shared words {_figure(kinds.vocabulary_overlap)}, classifier AUC {_figure(kinds.classifier_auc)} "
        f"(0.5 cannot tell them apart, 1 always). {kinds.note}".strip(),
        "## Tokens (estimated)",
        f"From {analysis.tokens.minimum} to {analysis.tokens.largest}, median {analysis.tokens.median:g}.",
        _table(
            ["tokens", "records"], [[f"up to {size}", number] for size, number in _by_size(analysis.tokens.at_most)]
        ),
        "## Previews",
        *(_preview(one) for one in analysis.previews),
    ]
    return "\n\n".join(parts) + "\n"


def concerns(analysis: Analysis) -> list[str]:
    """Return what a reader should know first, one sentence each; none when all is well."""
    found = [f"{number} {level} records are missing." for level, number in _by_rank(analysis.distribution.missing)]
    repeated = analysis.repetition
    if analysis.leaks:
        found.append(
            f"{len(analysis.leaks)} groups occur in several splits: {', '.join(analysis.leaks[:_MOST_LISTED])}."
        )
    if repeated.near_pairs_across_splits:
        found.append(f"{len(repeated.near_pairs_across_splits)} pairs of near-duplicates lie in different splits.")
    if repeated.exact:
        found.append(f"{repeated.exact} records repeat the text of another.")
    if analysis.label_conflicts:
        found.append(f"{len(analysis.label_conflicts)} signatures are labelled in several ways.")
    if analysis.redaction_residue:
        found.append(
            f"{len(analysis.redaction_residue)} places may still hold secrets: {analysis.redaction_residue[0]}."
        )
    if analysis.categories_missing:
        found.append(f"No record is of category {', '.join(analysis.categories_missing)}.")
    if analysis.causes_missing:
        found.append(f"{len(analysis.causes_missing)} causes have no record: {', '.join(analysis.causes_missing)}.")
    return found + [
        f"{of.of - of.complete} records lack {name}." for name, of in analysis.completeness.items() if _is_gap(name, of)
    ]


def _by_rank(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(level.value, counts[level.value]) for level in GOLDEN_SEVERITIES if level.value in counts]


def _by_size(counts: Mapping[str, int]) -> list[tuple[int, int]]:
    return sorted((int(size), number) for size, number in counts.items())


def _most(counts: Mapping[str, int]) -> list[str]:
    return sorted(counts, key=lambda name: (-counts[name], name))


def _is_gap(name: str, of: Completeness) -> bool:
    return of.complete < of.of and name != "context"


def _preview(one: Preview) -> str:
    head = f"**{one.severity}, {one.cause}**, {one.component}, {one.source}: {one.origin}"
    fence = "`" * (1 + max((len(run) for run in _ticks(one.text)), default=2))
    return f"{head}\n\n{fence}\n{one.text}\n{fence}"


def _ticks(text: str) -> list[str]:
    runs = ["```"]
    run = ""
    for character in text:
        run = run + character if character == "`" else ""
        runs.append(run)
    return [run for run in runs if len(run) >= len("``")]


def _counts(name: str, counts: Mapping[str, int]) -> str:
    return _table([name, "records"], [[key, number] for key, number in counts.items()])


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _share(part: int, whole: int) -> str:
    return f"{part} ({100 * part / whole:.0f} %)" if whole else "0"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [list(head), ["---"] * len(head), *([str(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
