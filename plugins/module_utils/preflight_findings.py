"""What preflight has to say: findings with their mend, as a table and as plain values."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

ERROR, WARNING, NOTE = "error", "warning", "note"
_ORDER = {ERROR: 0, WARNING: 1, NOTE: 2}
_WIDTH = 100


@dataclass(frozen=True)
class Finding:
    """One thing to know. `host` is a host's name or ``inventory``; `mend` is a next step, empty for a mere note."""

    severity: str
    host: str
    what: str
    why: str
    mend: str = ""

    def as_dict(self) -> dict[str, str]:
        """The fields by name."""
        return asdict(self)


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then by host; the order of equal ones is kept. Doubles are dropped."""
    unique = list(dict.fromkeys(findings))
    return sorted(unique, key=lambda finding: (_ORDER[finding.severity], finding.host != "inventory", finding.host))


def as_table(findings: list[Finding], looked_at: list[str]) -> str:
    """A line for each finding, its reason and its mend below; and what was looked at."""
    if not findings:
        return f"Nothing to mend. Looked at: {', '.join(looked_at)}."
    width = max(len(finding.host) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{finding.severity.upper():7}  {finding.host:{width}}  {finding.what}")
        indent = " " * (9 + width + 2)
        lines += _wrapped(finding.why, indent, indent)
        if finding.mend:
            first = f"{indent}to mend: "
            lines += _wrapped(finding.mend, first, " " * len(first))
    lines.append(f"{summary(findings)}. Looked at: {', '.join(looked_at)}. Nothing was changed.")
    return "\n".join(lines)


def summary(findings: list[Finding]) -> str:
    """How many of each severity there are."""
    counts = [(severity, sum(one.severity == severity for one in findings)) for severity in _ORDER]
    return ", ".join(f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in counts if count)


def has_errors(findings: list[Finding]) -> bool:
    """Whether the platform must not be installed like this."""
    return any(finding.severity == ERROR for finding in findings)


def as_report(findings: list[Finding], looked_at: list[str]) -> dict[str, Any]:
    """The content of the report file."""
    return {
        "schema_version": 1,
        "ok": not has_errors(findings),
        "looked_at": looked_at,
        "findings": [finding.as_dict() for finding in findings],
    }


def _wrapped(text: str, first: str, then: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=then, break_on_hyphens=False, break_long_words=False
    )
