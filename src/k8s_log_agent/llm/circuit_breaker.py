"""Leaves a failing server alone for a while, so that a burst of work does not wait for time-out after time-out."""

from __future__ import annotations

import threading
from collections.abc import Callable


class CircuitBreaker:
    """Opens after `failures` failures in a row; after `rest_seconds` it lets one trial through. Thread-safe."""

    def __init__(self, clock: Callable[[], float], *, failures: int = 3, rest_seconds: float = 30) -> None:
        """`clock` gives seconds that never go back."""
        self._clock = clock
        self._limit = failures
        self._rest = rest_seconds
        self._lock = threading.Lock()
        self._failed = 0
        self._opened: float | None = None

    def wait_seconds(self) -> float:
        """Seconds until the next trial; 0 means that a call may go now, which then counts as that trial."""
        with self._lock:
            if self._opened is None:
                return 0.0
            left = self._opened + self._rest - self._clock()
            if left > 0:
                return left
            self._opened = self._clock()  # others wait until this trial is decided
            return 0.0

    def succeeded(self) -> None:
        """Closes it."""
        with self._lock:
            self._failed = 0
            self._opened = None

    def failed(self) -> None:
        """Counts a failure, and opens it at the limit."""
        with self._lock:
            self._failed += 1
            if self._failed >= self._limit:
                self._opened = self._clock()
