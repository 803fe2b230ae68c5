"""How many requests one sender may make: a bucket a sender that fills up with time."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_SENDERS = 10_000
_MINUTE = 60.0


class Rates:
    """Buckets of at most `MOST_SENDERS` senders; the one that was silent longest is forgotten first. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds and never goes back."""
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is left, and when it was so
        self._lock = threading.Lock()

    def take(self, sender: str, per_minute: float, burst: int = 0) -> int:
        """0 when the request may pass, else the seconds to wait. A full bucket holds `burst`, or a minute's."""
        size = float(burst or per_minute)
        with self._lock:
            now = self._clock()
            left, since = self._buckets.pop(sender, (size, now))
            left = min(size, left + (now - since) * per_minute / _MINUTE)
            passes = left >= 1
            self._buckets[sender] = (left - 1 if passes else left, now)
            if len(self._buckets) > MOST_SENDERS:
                self._buckets.popitem(last=False)
        return 0 if passes else max(1, math.ceil((1 - left) * _MINUTE / per_minute))
