"""How often an incident was seen in each hour, as the path of a small bar chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

STEP = 4  # user units from one hour to the next
HEIGHT = 22
LEAST = 2.5  # of an hour that has anything: it must be seen


@dataclass(frozen=True, slots=True)
class Sparkline:
    """`bars` and `base` are the data of SVG paths within `width` x `height`; `words` say the same in a sentence."""

    bars: str
    base: str
    width: int
    height: int
    words: str


def sparkline(counts: Sequence[int]) -> Sparkline:
    """Bars for hourly counts, the oldest first; each chart has its own scale, since what matters is the course."""
    most = max(counts, default=0)
    middle = STEP / 2
    bars = [
        f"M{place * STEP + middle:g} {HEIGHT}v-{max(LEAST, count / most * HEIGHT):.3g}"
        for place, count in enumerate(counts)
        if count
    ]
    width = max(1, len(counts)) * STEP
    return Sparkline("".join(bars), f"M0 {HEIGHT}H{width}", width, HEIGHT, _words(counts))


def _words(counts: Sequence[int]) -> str:
    total, hours = sum(counts), len(counts)
    if not total:
        return f"Not seen in the last {hours} hours"
    most = max(counts)
    back = hours - 1 - max(place for place, count in enumerate(counts) if count == most)
    when = "in the last hour" if back == 0 else f"{back + 1} hours ago" if back > 1 else "two hours ago"
    times = "once" if total == 1 else f"{total:,} times"
    tail = "" if total == 1 else f", most often {when} ({most:,})"
    return f"Seen {times} in the last {hours} hours{tail}"
