"""How wide the next window of time is: a few full answers, and never beyond the interval at which Loki splits.

A wide window makes Loki look at much more than it returns; a narrow one costs a question of its own for few lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field

FULL_WINDOW_LEFT = 3  # an answer with fewer than a third of the limit lets the next window be wider
SPARSE = 16
ANSWERS = 8  # full ones that a narrowed window is to hold at most


@dataclass(slots=True)
class Window:
    """Widths are nanoseconds; `widest` is the split interval, at whose multiples every window ends at the latest."""

    widest: int
    width: int = field(init=False)

    def __post_init__(self) -> None:
        self.width = self.widest

    def end_after(self, start: int) -> int:
        """The first multiple of the width after `start`, but never beyond the next split."""
        return min(start - start % self.width + self.width, start - start % self.widest + self.widest)

    def held_too_much(self, span: int) -> None:
        """The limit was hit after `span` nanoseconds: halve until the window holds a few such answers."""
        while self.width > max(1, span * ANSWERS):
            self.width //= 2

    def held(self, start: int, lines: int, limit: int) -> None:
        """The answer from `start` on was whole; widen when it was a window's only one and left much room."""
        if start % self.width:
            return
        if lines * SPARSE < limit:
            self.width = min(self.widest, self.width * 8)
        elif lines * FULL_WINDOW_LEFT < limit:
            self.width = min(self.widest, self.width * 2)

    def never_wider(self, width: int) -> None:
        """Loki refuses a wider window at all."""
        self.widest = self.width = width
