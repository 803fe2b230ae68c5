"""Writes the tables of the rules (severity, masks, noise, redaction, causes) into build/docs, from the rule files."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from k8s_log_agent.understand.causes import CauseTable
from k8s_log_agent.understand.masking import MaskFile
from k8s_log_agent.understand.noise import NoiseRules
from k8s_log_agent.understand.redaction import Redactor
from k8s_log_agent.understand.rule_files import load_rules
from k8s_log_agent.understand.severity import SeverityFile

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "build" / "docs"
LONGEST_EXAMPLE = 160  # characters


def cell(text: str) -> str:
    """Return the text as one cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Return an example as code, cut to a readable length."""
    short = text if len(text) <= LONGEST_EXAMPLE else text[: LONGEST_EXAMPLE - 1] + "…"
    return f"`{cell(short).replace('`', chr(39))}`"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def severity_page() -> Iterator[str]:
    """What each severity rule does."""
    found = load_rules("severity.yaml", SeverityFile)
    yield from (
        "# Severity",
        "",
        "Stated levels come first; these rules raise, lower, or decide where none is stated.",
        "",
    )
    yield from table(
        ("rule", "kind", "severity", "reason", "example"),
        ((one.name, one.kind, one.severity, cell(one.reason), code(one.hits[0])) for one in found.rules),
    )
    yield from ("", "## Words that look bad and are not", "")
    yield from table(
        ("rule", "reason", "example"), ((one.name, cell(one.reason), code(one.hits[0])) for one in found.benign)
    )


def mask_page() -> Iterator[str]:
    """What each mask makes of its example."""
    yield from ("# Masks", "", "The recipe of a signature, the most specific first.", "")
    yield from table(
        ("mask", "reason", "text", "template"),
        (
            (one.name, cell(one.reason), code(one.hits[0].text), code(one.hits[0].template))
            for one in load_rules("masks.yaml", MaskFile).masks
        ),
    )


def noise_page() -> Iterator[str]:
    """What counts as noise, and under which severity."""
    yield from ("# Noise", "", "Nothing at ERROR or above is ever noise, nor a line for which a cause is proposed.", "")
    yield from table(
        ("rule", "below", "reason", "example"),
        ((one.name, one.below, cell(one.reason), code(one.hits[0])) for one in NoiseRules.default().rules),
    )


def redaction_page() -> Iterator[str]:
    """What is taken out, and what stands in its place; examples are not shown, since they look like secrets."""
    yield from ("# Redaction", "", "A secret becomes a numbered placeholder of its type.", "")
    yield from table(
        ("rule", "placeholder", "reason"),
        ((one.name, code(f"<{one.type}:1>"), cell(one.reason)) for one in Redactor.default().rules),
    )


def cause_page() -> Iterator[str]:
    """The closed table of causes, then the rules that propose each."""
    causes = CauseTable.default()
    known = [causes.cause(name) for name in causes.codes]
    yield from ("# Causes", "")
    yield from table(
        ("code", "category", "severity", "component", "summary"),
        ((one.code, one.category, one.severity, one.component_kind, cell(one.summary)) for one in known),
    )
    for one in known:
        yield from ("", f"## {one.code}", "", one.summary, "")
        yield from (f"- {step}" for step in one.remedies)
        if one.rules:
            yield ""
            yield from table(
                ("rule", "weight", "speaks of", "reason", "example"),
                (
                    (
                        rule.name,
                        f"{rule.weight:g}",
                        "a consequence" if rule.symptom else "the cause",
                        cell(rule.reason),
                        code(rule.hits[0]),
                    )
                    for rule in one.rules
                ),
            )


PAGES = {
    "severity": severity_page,
    "masks": mask_page,
    "noise": noise_page,
    "redaction": redaction_page,
    "causes": cause_page,
}


def main() -> int:
    """Write the pages; return the exit status."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (TARGET / f"rules_{name}.md").write_text("\n".join(page()) + "\n", encoding="utf-8")
    print(f"docs: {len(PAGES)} pages of rules under {TARGET.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
