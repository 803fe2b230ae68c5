"""Does something again and again in a thread of its own, until it is stopped."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Ticking:
    """Calls `tick` every `seconds`; one that fails is told in the log and called again."""

    def __init__(self, name: str, tick: Callable[[], object], seconds: float) -> None:
        self._name = name
        self._tick = tick
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins."""
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Lets the call that runs end, for so long."""
        self._stopping.set()
        if self._thread:
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self._tick()
            except Exception as error:  # noqa: BLE001 - a fault, or a database that is away, must not end the thread
                _log.warning("%s will be tried again: %s", self._name, error)
