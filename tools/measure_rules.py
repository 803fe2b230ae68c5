"""How well the cause rules name what was provoked in the training recordings. Held-out recordings are never opened.

python tools/measure_rules.py [--root examples/recordings] [--program NAME] [--verbose]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from k8s_log_agent.ingest.recordings import RecordedWindow, Recording, find_recordings
from k8s_log_agent.ingest.windows import lines_within, recording_lines
from k8s_log_agent.records import Event, LogLine
from k8s_log_agent.triage.evidence import lines_for
from k8s_log_agent.understand.causes import CauseTable
from k8s_log_agent.understand.pipeline import Understanding
from k8s_log_agent.understand.ranking import RankedCause, rank_causes

SIGNIFICANT = 0.6  # a cause of this score in a healthy window is a false alarm
FLOOR = 0.3  # below this score the answer is `unknown`, as triage has it
MARGIN = 0.1  # and with this lead a fault is decided by rules alone, as triage does

Place = tuple[str, int]


@dataclass
class Figures:
    """Counts over windows and lines."""

    counts: Counter[str] = field(default_factory=Counter)
    confusions: Counter[tuple[str, str]] = field(default_factory=Counter)
    alarms: Counter[tuple[str, str]] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)

    def share(self, part: str, whole: str) -> str:
        """A share with its counts; `-` where nothing was counted."""
        total = self.counts[whole]
        return f"{self.counts[part]}/{total} = {self.counts[part] / total:.1%}" if total else "-"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; 1 when there is no training recording."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--root", type=Path, default=Path("examples/recordings"))
    parser.add_argument("--program", help="only this program")
    parser.add_argument("--verbose", action="store_true", help="show each window that is not right")
    options = parser.parse_args(arguments)
    figures = Figures()
    for recording in find_recordings(options.root, "training"):
        if options.program in (None, recording.manifest.program.name):
            measure(recording, figures)
    if not figures.counts["windows"]:
        print(f"No training recordings below {options.root}. Record some with tools/recorder.", file=sys.stderr)
        return 1
    print("\n".join(report(figures, verbose=options.verbose)))
    return 0


def measure(recording: Recording, figures: Figures) -> None:
    """Add the figures of one recording."""
    lines = recording_lines(recording)
    for window in recording.manifest.windows:
        within = lines_within(lines, window)
        events = list(Understanding.default().events(within))
        ranked = rank_causes(events)
        figures.counts["windows"] += 1
        name = f"{recording.manifest.program.name}/{window.id}"
        if window.kind == "fault":
            _count_fault(window, events, ranked, figures)
            _show_if_wrong(name, window, within, ranked, figures)
        else:
            _count_healthy(name, events, ranked, figures)


def answers(ranked: Sequence[RankedCause]) -> list[str]:
    """The codes in their order; `unknown` where no cause reaches the floor."""
    return [cause.code for cause in ranked if cause.score >= FLOOR] or ["unknown"]


def _count_fault(
    window: RecordedWindow, events: Sequence[Event], ranked: Sequence[RankedCause], figures: Figures
) -> None:
    counts, codes = figures.counts, answers(ranked)
    counts["faults"] += 1
    counts["first"] += codes[:1] == [window.cause]
    counts["in_three"] += window.cause in codes[:3]
    if codes[:1] != [window.cause]:
        figures.confusions[window.cause, codes[0]] += 1
    margin = ranked[0].score - (ranked[1].score if len(ranked) > 1 else 0.0) if ranked else 0.0
    sure = bool(ranked) and ranked[0].score >= SIGNIFICANT and margin >= MARGIN
    counts["sure"] += sure
    counts["sure_and_right"] += sure and codes[:1] == [window.cause]
    truth: set[Place] = {(place.source, place.line) for place in window.evidence}
    noise = {(event.source, number) for event in events if event.noise_rule for number in event.lines}
    counts["evidence"] += len(truth)
    counts["evidence_as_noise"] += len(truth & noise)
    shown = {(line.source, line.line) for line in lines_for(events, window.cause)}
    counts["shown"] += len(shown)
    counts["shown_right"] += len(shown & truth)
    hinted = {(event.source, hint.line) for event in events for hint in event.causes if hint.code == window.cause}
    counts["evidence_hinted"] += len(truth & hinted)


def _show_if_wrong(
    name: str, window: RecordedWindow, lines: Sequence[LogLine], ranked: Sequence[RankedCause], figures: Figures
) -> None:
    if answers(ranked)[0] == window.cause:
        return
    texts = {(line.source, line.number): line.text for line in lines}
    figures.remarks.append(f"{name}: {[(cause.code, cause.score) for cause in ranked[:4]]}")
    for place in window.evidence[:2]:
        figures.remarks.append(f"    states it: {texts.get((place.source, place.line), '(not in the window)')[:220]}")
    for cause in ranked[:2]:
        hint = next(hint for hint in cause.evidence[0].causes if hint.code == cause.code)
        figures.remarks.append(f"    {cause.code} by {hint.rule}: {cause.evidence[0].text[:220]!r}")


def _count_healthy(name: str, events: Sequence[Event], ranked: Sequence[RankedCause], figures: Figures) -> None:
    figures.counts["healthy"] += 1
    figures.counts["healthy_events"] += len(events)
    figures.counts["healthy_noise"] += sum(event.noise_rule is not None for event in events)
    loud = [cause for cause in ranked if cause.score >= SIGNIFICANT]
    figures.counts["alarmed"] += bool(loud)
    for cause in loud:
        figures.alarms[name, cause.code] += 1
        figures.remarks.append(f"{name}: alarm {cause.code} {cause.score}: {cause.evidence[0].text[:220]!r}")


def report(figures: Figures, *, verbose: bool) -> Iterator[str]:
    """The lines to print."""
    yield f"cause in first place      {figures.share('first', 'faults')}"
    yield f"cause among first three   {figures.share('in_three', 'faults')}"
    yield f"sure windows              {figures.share('sure', 'faults')}"
    yield f"sure windows that are right {figures.share('sure_and_right', 'sure')}"
    yield f"evidence lines hinted     {figures.share('evidence_hinted', 'evidence')} (all of them)"
    yield f"shown lines that state it {figures.share('shown_right', 'shown')} (precision of at most six a window)"
    yield f"evidence dropped as noise {figures.share('evidence_as_noise', 'evidence')}"
    yield f"healthy windows alarmed   {figures.share('alarmed', 'healthy')}"
    yield f"healthy events as noise   {figures.share('healthy_noise', 'healthy_events')}"
    yield f"codes in the table        {len(CauseTable.default().codes)}"
    if figures.confusions:
        yield "confusions (provoked, ranked first):"
    for (truth, answer), count in figures.confusions.most_common():
        yield f"  {count:4}  {truth} -> {answer}"
    if verbose:
        yield from figures.remarks


if __name__ == "__main__":
    sys.exit(main())
