"""The level that Alloy finds for a line is the one that the package finds for it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from k8s_log_agent.ingest.files import read_path
from k8s_log_agent.records import LogLine
from k8s_log_agent.understand.pipeline import Understanding

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = sorted(path for path in (ROOT / "examples" / "recordings" / "training").iterdir() if path.is_dir())
STAGES = json.loads((ROOT / "roles" / "alloy" / "files" / "levels.json").read_text(encoding="utf-8"))
FILTER = re.compile(r"(\|~|!~) `([^`]*)`")
EVENTS = 300  # of each program
COMPILED = [
    (
        re.compile(stage["only"]),
        [(sign == "|~", re.compile(text)) for sign, text in FILTER.findall(stage["filter"])],
        stage["level"],
    )
    for stage in STAGES
]


def level_in_alloy(line: str) -> str:
    """What stage.match and stage.static_labels make of a line; Python's expressions stand in for RE2's."""
    level = "INFO"
    for only, filters, found in COMPILED:
        if only.fullmatch(level) and all(bool(text.search(line)) is wanted for wanted, text in filters):
            level = found
    return level


def compared(program: Path) -> Iterator[tuple[str, str]]:
    """Yields the level in Alloy and in the package for each statement of one line."""
    texts: dict[tuple[str, int], str] = {}

    def kept(lines: Iterable[LogLine]) -> Iterator[LogLine]:
        for line in lines:
            texts[line.source, line.number] = line.text
            yield line

    events = Understanding.default().events(kept(read_path(program / "pods", Counter())))
    for event in islice(events, EVENTS):
        if len(event.lines) == 1 and event.severity.value != "UNKNOWN":
            yield level_in_alloy(texts[event.source, event.lines[0]]), event.severity.value


def test_the_stages_are_those_of_the_severity_rules() -> None:
    command = [sys.executable, "tools/build_alloy_levels.py", "--check"]

    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_alloy_and_the_package_agree_on_recorded_lines() -> None:
    pairs = [pair for program in PROGRAMS for pair in compared(program)]

    agreed = sum(alloy == package for alloy, package in pairs)

    assert len(pairs) > 3000
    assert agreed / len(pairs) >= 0.98


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ('level=warn ts=2026-11-25T00:00:00Z msg="slow"', "WARN"),
        ('{"level":"error","msg":"no"}', "ERROR"),
        ("E1125 02:42:21.751841    4179 event.go:368] Unable to write", "ERROR"),
        ("[2026-11-25 00:00:00] [CRITICAL] gone", "CRITICAL"),
        ("panic: runtime error: index out of range [5] with length 3", "CRITICAL"),
        ("listening on :8080", "INFO"),
        ('10.0.0.1 - - [25/Nov/2026] "GET /a HTTP/1.1" 503 12', "ERROR"),
    ],
)
def test_the_usual_forms_are_known(line: str, level: str) -> None:
    assert level_in_alloy(line) == level


def test_no_filter_holds_what_the_configuration_or_re2_would_not_take() -> None:
    for stage in STAGES:
        assert "{{" not in stage["filter"]
        assert not re.search(r"\(\?<?[=!]", stage["filter"])
