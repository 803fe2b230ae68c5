"""Counts over time in few cells, whatever the span: the cells get wider as the span grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

SECOND = 10**9
MOST_CELLS = 48
_BARS = " ▁▂▃▄▅▆▇█"

Trend = Literal["once", "burst", "rising", "falling", "steady"]


class Histogram:
    """Counts of moments in nanoseconds; at most 48 cells of one width, a second at first."""

    def __init__(self) -> None:
        self._width = SECOND
        self._cells: dict[int, int] = {}

    def add(self, moment: int) -> None:
        """Count one moment."""
        place = moment // self._width
        self._cells[place] = self._cells.get(place, 0) + 1
        if len(self._cells) > 1:
            while max(self._cells) - min(self._cells) >= MOST_CELLS:
                self._widen()

    def over(self, start: int, end: int, columns: int) -> list[int]:
        """The counts in `columns` equal parts of `start` to `end`; a cell counts where its middle lies."""
        width = max(1, (end - start) // columns + 1)
        counts = [0] * columns
        for place, count in self._cells.items():
            middle = place * self._width + self._width // 2
            counts[min(max((middle - start) // width, 0), columns - 1)] += count
        return counts

    def _widen(self) -> None:
        self._width *= 2
        wider: dict[int, int] = {}
        for place, count in self._cells.items():
            wider[place // 2] = wider.get(place // 2, 0) + count
        self._cells = wider


def trend_of(counts: Sequence[int]) -> Trend:
    """How a signature developed over a window: by the halves of its counts, and by whether one part holds most."""
    total = sum(counts)
    if total <= 1:
        return "once"
    if max(counts) >= 0.8 * total:
        return "burst"
    half = len(counts) // 2
    early, late = sum(counts[:half]), sum(counts[half:])
    if late >= 2 * early:
        return "rising"
    return "falling" if early >= 2 * late else "steady"


def bars(counts: Sequence[int]) -> str:
    """The counts as a row of block characters, the highest full."""
    top = max([*counts, 1])
    return "".join(_BARS[0 if not count else max(1, round(count / top * (len(_BARS) - 1)))] for count in counts)
