"""The signatures of many events, worst first: what a person reads before anything else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from k8s_log_agent.records import Event, Severity
from k8s_log_agent.understand.event_json import rfc3339

MOST_SIGNATURES = 20_000  # beyond, new ones are counted together
_COLOURS = {
    Severity.CRITICAL: "bold white on red",
    Severity.ERROR: "red",
    Severity.WARN: "yellow",
    Severity.INFO: "green",
    Severity.DEBUG: "dim",
    Severity.UNKNOWN: "dim",
}
_SHOWN = 400  # characters of an exemplar


@dataclass(slots=True)
class Row:
    """One signature: how bad at worst, how often, and the first statement that had it."""

    severity: Severity
    exemplar: Event
    count: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    streams: set[str] = field(default_factory=set)


class Overview:
    """Collects events by signature, bounded."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.noise: dict[str, Row] = {}
        self.severities: Counter[Severity] = Counter()
        self.noise_rules: Counter[str] = Counter()
        self.redactions: Counter[str] = Counter()
        self.events = self.lines = self.beyond = 0

    def add(self, event: Event) -> None:
        """Count one event."""
        self.events += 1
        self.lines += len(event.lines)
        self.redactions.update(event.redactions)
        if event.noise_rule:
            self.noise_rules[event.noise_rule] += 1
        else:
            self.severities[event.severity] += 1
        rows = self.noise if event.noise_rule else self.rows
        row = rows.get(event.signature)
        if row is None:
            if len(rows) >= MOST_SIGNATURES:
                self.beyond += 1
                return
            row = rows[event.signature] = Row(event.severity, event)
        row.count += 1
        if event.severity.rank > row.severity.rank:
            row.severity, row.exemplar = event.severity, event
        row.causes.update(hint.code for hint in event.causes[:1])
        if len(row.streams) < 100:
            row.streams.add(event.stream.container or event.source)

    def ranked(self, *, noise: bool = False) -> list[Row]:
        """All rows, the worst first, then the most frequent."""
        rows = [*self.rows.values(), *(self.noise.values() if noise else ())]
        return sorted(rows, key=lambda row: (-row.severity.rank, -row.count, row.exemplar.signature))

    def render(self, lost: Mapping[str, int], *, top: int, noise: bool, width: int) -> Iterator[RenderableType]:
        """Yield a table of the first `top` rows, and the totals below it."""
        rows = self.ranked(noise=noise)
        table = Table(box=None, pad_edge=False, header_style="bold", expand=width < 200)
        table.add_column("severity", no_wrap=True)
        table.add_column("count", justify="right", no_wrap=True)
        table.add_column("signature", no_wrap=True, style="dim")
        table.add_column("from", no_wrap=True, max_width=20, overflow="ellipsis")
        table.add_column("first seen as", ratio=1, overflow="fold")
        for row in rows[:top]:
            event = row.exemplar
            shown = Text(" ".join(event.message[:_SHOWN].split()) or event.text[:_SHOWN])
            if row.causes:
                shown.append(f"  → {row.causes.most_common(1)[0][0]}", style="bold")
            places = ", ".join(sorted(row.streams)[:3]) + (" …" if len(row.streams) > 3 else "")
            severity = Text(row.severity.value, style=_COLOURS[row.severity])
            table.add_row(severity, f"{row.count:,}", event.signature, Text(places), shown)
        yield table
        yield Text("\n".join(["", *self._totals(lost, len(rows) - top)]))

    def _totals(self, lost: Mapping[str, int], hidden: int) -> Iterator[str]:
        if hidden > 0:
            yield f"{hidden:,} more signatures; show them with --top {len(self.rows) + len(self.noise)}."
        quiet = sum(self.noise_rules.values())
        yield (
            f"{self.lines:,} lines, {self.events:,} events, {len(self.rows):,} signatures; "
            f"{quiet:,} events are noise ({quiet / max(self.events, 1):.0%})."
        )
        ordered = sorted(self.severities.items(), key=lambda pair: -pair[0].rank)
        yield "Severities: " + (", ".join(f"{name.value} {count:,}" for name, count in ordered) or "none") + "."
        stamps = [row.exemplar.timestamp for row in self.rows.values() if row.exemplar.timestamp is not None]
        if stamps:
            yield f"Signatures first seen between {rfc3339(min(stamps))} and {rfc3339(max(stamps))}."
        for title, counts in (
            ("Noise by rule", self.noise_rules),
            ("Redacted", self.redactions),
            ("Skipped or cut", lost),
        ):
            if counts:
                named = sorted(counts.items(), key=lambda pair: -pair[1])
                yield f"{title}: " + ", ".join(f"{name} {count:,}" for name, count in named) + "."
        if self.beyond:
            yield f"{self.beyond:,} events had signatures beyond the first {MOST_SIGNATURES:,} and are not shown."
