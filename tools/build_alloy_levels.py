"""Makes the stages by which Alloy finds a line's level from the package's severity rules.

`--check` only compares. Alloy looks at single lines with RE2, so what needs the whole statement, its form or a look
around is left to the package: rules whose expressions RE2 does not know are told by their phrases alone. Later stages
win: wording, then what the program states, then what lowers or raises any statement. Each filter is one of LogQL, for
lines whose level so far is one of `only`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from k8s_log_agent.records import Severity
from k8s_log_agent.understand.levels import LEVEL_NAMES
from k8s_log_agent.understand.phrases import fold
from k8s_log_agent.understand.severity import SeverityRule, SeverityRules

TARGET = Path(__file__).resolve().parent.parent / "roles" / "alloy" / "files" / "levels.json"
LOOKS_AROUND = re.compile(r"\\?\(\?<?[=!]|\\[1-9]|`")
ORDER = (Severity.DEBUG, Severity.INFO, Severity.WARN, Severity.ERROR, Severity.CRITICAL)
SIGNS = {
    "DEBUG": {"letter": "D", "mark": r"\.", "status": ""},
    "INFO": {"letter": "I", "mark": r"[*-]", "status": r"[123]\d\d\b"},
    "WARN": {"letter": "W", "mark": "#", "status": r"429\b"},
    "ERROR": {"letter": "E", "mark": "", "status": r"5\d\d\b"},
    "CRITICAL": {"letter": "F", "mark": "", "status": ""},
}
KEYS = r"(?:level|lvl|severity|log\.level|levelname|loglevel|severity_text)"


def stages() -> Iterator[dict[str, str]]:
    """Yield name, filter and level of each stage, in the order in which they are applied."""
    rules = SeverityRules.default().file
    benign = [rule.pattern for rule in rules.benign if _is_re2(rule.pattern)]
    for kind in ("wording", "stated", "lower", "raise"):
        if kind == "stated":
            yield from _stated()
            continue
        chosen = sorted((one for one in rules.rules if one.kind == kind), key=lambda one: one.severity.rank)
        for rule in reversed(chosen) if kind == "lower" else chosen:
            yield _stage(rule, benign if kind == "wording" else [])


def _stage(rule: SeverityRule, benign: Iterable[str]) -> dict[str, str]:
    filters = [f"|~ `{_phrases(rule.needs)}`"] if rule.needs else []
    if rule.pattern and _is_re2(rule.pattern):
        filters.append(f"|~ `{_cased(rule.pattern)}`")
    unless = [rule.unless] if rule.unless and _is_re2(rule.unless) else []
    filters += [f"!~ `{_cased(pattern)}`" for pattern in [*unless, *benign]]
    ranks = [
        one for one in ORDER if (one.rank > rule.severity.rank) == (rule.kind == "lower") and one is not rule.severity
    ]
    only = "|".join(one.value for one in ranks)
    return {
        "name": f"{rule.kind} {rule.name}",
        "only": only,
        "filter": " ".join(filters),
        "level": rule.severity.value,
    }


def _stated() -> Iterator[dict[str, str]]:
    for form, pattern in (
        ("header", r"^[^\x22={{}}]{{0,80}}?(?:^|[\s\[<(|:])(?:{upper})(?:[\s\]>)|:,]|$)"),
        ("access", r"\x22(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) [^\x22]{{1,2000}} HTTP/[\d.]+\x22 {status}"),
        ("letter", r"^[\d.]{{5,20}} [{letter}] \S"),
        ("redis", r"^\d+:[A-Z] \d.{{19,30}} {mark} "),
        ("klog", r"^[{letter}]\d{{4}} \d\d:\d\d:\d\d\."),
        ("logfmt", r"(?i)(?:^|[\s,])" + KEYS + r"=\x22?(?:{names})(?:[\s\x22,]|$)"),
        ("json", r"(?i)\x22" + KEYS + r"\x22\s?:\s?\x22(?:{names})\x22"),
    ):
        for severity in ORDER:
            names = sorted(name for name, level in LEVEL_NAMES.items() if level is severity)
            upper = "|".join(name.upper() for name in names if len(name) > 2)
            signs = SIGNS[severity.value]
            if any(f"{{{sign}}}" in pattern and not signs[sign] for sign in signs):
                continue
            text = pattern.format(upper=upper, names="|".join(names), **signs)
            yield {"name": f"{form} {severity.value}", "only": ".+", "filter": f"|~ `{text}`", "level": severity.value}


def _phrases(needs: Iterable[str]) -> str:
    words = ("[^a-z0-9]+".join(re.escape(word.decode()) for word in fold(phrase)) for phrase in needs)
    return f"(?i)(?:^|[^a-z0-9])(?:{'|'.join(dict.fromkeys(words))})(?:[^a-z0-9]|$)"


def _cased(pattern: str) -> str:
    return pattern if pattern.startswith("(?") else f"(?i){pattern}"


def _is_re2(pattern: str) -> bool:
    return not LOOKS_AROUND.search(pattern)


def render() -> str:
    """Return the file's content."""
    return json.dumps(list(stages()), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the file, or compare; return the exit status."""
    wanted = render()
    if "--check" not in sys.argv:
        TARGET.write_text(wanted, encoding="utf-8")
        return 0
    if TARGET.read_text(encoding="utf-8") == wanted:
        return 0
    sys.stderr.write(f"{TARGET} is not what the severity rules give; run python tools/build_alloy_levels.py\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
