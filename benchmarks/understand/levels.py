"""How often the level that a line states is the level that we report, beside a search for level words.

The stated level is read here by one small pattern for each program, apart from the package's own readers, so that the
two can disagree. A second pass takes the stated level out of each line and asks what the wording alone is worth.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.understand.compare import RECORDINGS, ROOT, Corpus, corpora
from k8s_log_agent.records import Event, LogLine, Severity
from k8s_log_agent.understand.pipeline import Understanding

GATE, GOAL = 0.99, 0.998
GATE_WITHOUT, GOAL_WITHOUT = 0.75, 0.85
RESULT = ROOT / "benchmarks" / "results" / "levels.json"
NAMES = {
    Severity.DEBUG: "debug trace . d",
    Severity.INFO: "info log notice - * i 30 notification",
    Severity.WARN: "warn warning # w 40",
    Severity.ERROR: "error e err 50",
    Severity.CRITICAL: "fatal panic critical emerg crit alert f 60",
}
LEVELS = {name: level for level, names in NAMES.items() for name in names.split()} | {"20": Severity.DEBUG}
DAY = r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d"
# The first pattern that matches a line tells its level, in the group `level`; all of the match's part `gone` is what
# the second pass takes out.
STATED = tuple(
    re.compile(pattern)
    for pattern in (
        r'\{.{0,400}?(?P<gone>"level": ?"?(?P<level>\w+)"?,?)',
        r'(?:time="[^"]+"|ts=\S+) .{0,300}?(?P<gone>\blevel=(?P<level>\w+) )',
        DAY + r"[.,]\d+(?: UTC)? \[[\d-]+\] (?:\S+ )?(?P<gone>(?P<level>[A-Z]+\d?): {1,2})",
        DAY + r",\d{3} (?P<gone>(?P<level>[A-Z]+) )\[",
        r"\d+:[XCSM] \d\d \w{3} \d{4} [\d:.]+ (?P<gone>(?P<level>[.*#-]) )",
        DAY + r" (?P<gone>\[(?P<level>[a-z]+)\] )\d+#",
        r"\[" + DAY + r"[.\d]*\]\[\d+\](?P<gone>\[(?P<level>\w+)\])",
        r" {0,4}" + DAY + r"\.\d+Z {1,2}(?P<gone>(?P<level>TRACE|DEBUG|INFO|WARN|ERROR) )",
        r"\d+\.\d\d\.\d{3}\.\d{3} (?P<gone>(?P<level>[DIWE]) )",
        r"(?P<gone>\[(?P<level>INFO|ERROR|WARNING|DEBUG|FATAL)\] )",
        DAY + r"[.,]\d+Z? {1,2}(?P<gone>(?P<level>TRACE|DEBUG|INFO|WARN|ERROR|FATAL) {1,2})",
        DAY + r"\.\d+[+Z]\S{0,6}\t(?P<gone>(?P<level>[A-Z]+)\t)",
    )
)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
WORDS = (
    (Severity.CRITICAL, re.compile(r"\b(?:fatal|panic|critical|emerg)", re.IGNORECASE)),
    (Severity.ERROR, re.compile(r"error|exception|fail", re.IGNORECASE)),
    (Severity.WARN, re.compile(r"warn", re.IGNORECASE)),
    (Severity.DEBUG, re.compile(r"\b(?:debug|trace)\b", re.IGNORECASE)),
)


@dataclass
class Score:
    """How many events, and how many of them right; by distinct template as well."""

    right: int = 0
    lines: int = 0
    templates: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def add(self, template: str, *, right: bool) -> None:
        """Count one line."""
        self.right += right
        self.lines += 1
        seen = self.templates[template]
        seen[0] += right
        seen[1] += 1

    def figures(self) -> dict[str, float | int]:
        """Shares of lines and of templates, an unequal template counted by its lines."""
        of_templates = sum(right / lines for right, lines in self.templates.values())
        return {
            "lines": self.lines,
            "right": round(self.right / max(self.lines, 1), 4),
            "templates": len(self.templates),
            "right_by_template": round(of_templates / max(len(self.templates), 1), 4),
        }


def stated(text: str) -> tuple[Severity, str] | None:
    """The level that a line states, and the line without it; None where it states none."""
    for pattern in STATED:
        found = pattern.match(text)
        if found and (level := LEVELS.get(found["level"].lower())) is not None:
            start, end = found.span("gone")
            return level, text[:start] + text[end:]
    return None


def by_words(text: str) -> Severity:
    """What a search for level words says."""
    return next((level for level, words in WORDS if words.search(text)), Severity.INFO)


def near(told: Severity, level: Severity) -> bool:
    """Whether they are the same, for the wording alone: nothing in it tells DEBUG from INFO."""
    return told is level or {told, level} == {Severity.INFO, Severity.DEBUG}


def understood(lines: Iterable[LogLine]) -> Iterator[tuple[int, Event]]:
    """Each event with the number of its first line."""
    for event in Understanding.default().events(lines):
        yield event.lines[0], event


def measure(corpus: Corpus, misses: Counter[str]) -> dict[str, dict[str, float | int]]:
    """The scores of one program."""
    scores = {name: Score() for name in ("reported", "words", "without_level", "words_without_level")}
    for coloured in by_file(corpus.lines()):
        lines = [replace(line, text=COLOUR.sub("", line.text)) for line in coloured]
        truth = {line.number: told for line in lines if (told := stated(line.text)) is not None}
        for number, event in understood(lines):
            if number not in truth:
                continue
            level, without = truth[number]
            scores["reported"].add(event.template, right=event.level is level)
            scores["words"].add(event.template, right=by_words(event.text) is level)
            scores["words_without_level"].add(event.template, right=near(by_words(without), level))
            if event.level is not level:
                misses[f"{corpus.name}: {level} read as {event.level}: {event.text[:160]}"] += 1
        bare = [replace(line, text=truth[line.number][1]) if line.number in truth else line for line in lines]
        for number, event in understood(bare):
            if number in truth:
                scores["without_level"].add(event.template, right=near(event.severity, truth[number][0]))
    return {name: score.figures() for name, score in scores.items()}


def by_file(lines: Iterable[LogLine]) -> Iterator[list[LogLine]]:
    """The lines of each file."""
    files: dict[str, list[LogLine]] = defaultdict(list)
    for line in lines:
        files[line.source].append(line)
    yield from files.values()


def together(programs: Iterable[dict[str, dict[str, float | int]]]) -> dict[str, dict[str, float | int]]:
    """The scores of all programs, lines and templates added up."""
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for scores in programs:
        for name, figures in scores.items():
            for unit, share in (("lines", "right"), ("templates", "right_by_template")):
                sums[name][unit] += figures[unit]
                sums[name][share] += figures[share] * figures[unit]
    return {
        name: {
            "lines": int(figures["lines"]),
            "right": round(figures["right"] / max(figures["lines"], 1), 4),
            "templates": int(figures["templates"]),
            "right_by_template": round(figures["right_by_template"] / max(figures["templates"], 1), 4),
        }
        for name, figures in sums.items()
    }


def main() -> int:
    """Measure, print, write the result; 1 when a gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=Path, default=RECORDINGS, help="folder with one folder for each program")
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--misses", action="store_true", help="print the lines whose level was read otherwise")
    options = parser.parse_args()
    misses: Counter[str] = Counter()
    programs = {corpus.name: measure(corpus, misses) for corpus in corpora(options.recordings)}
    programs = {name: scores for name, scores in programs.items() if scores["reported"]["lines"]}
    if not programs:
        print(f"No line below {options.recordings} states a level.", file=sys.stderr)
        return 2
    total = together(programs.values())
    result = {
        "command": "python -m benchmarks.understand.levels",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"k8s-log-agent": version("k8s-log-agent")},
        "gate": f"reported right at least {GATE:g}, goal {GOAL:g}; without the level, by template, at least "
        f"{GATE_WITHOUT:g}, goal {GOAL_WITHOUT:g}; there, DEBUG and INFO count as one",
        "all": total,
        "ratio_to_words": round(total["reported"]["right"] / total["words"]["right"], 2),
        "programs": programs,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({"all": total, "ratio_to_words": result["ratio_to_words"]}, indent=1))
    if options.misses:
        print("\n".join(f"{count:6} {miss}" for miss, count in misses.most_common()))
    gates = total["reported"]["right"] >= GATE and total["without_level"]["right_by_template"] >= GATE_WITHOUT
    return 0 if gates else 1


if __name__ == "__main__":
    sys.exit(main())
