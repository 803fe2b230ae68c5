"""What a running service does by itself: takes over jobs whose process is gone, removes what is old."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from k8s_log_agent.service.incidents import DatabaseIncidents
from k8s_log_agent.service.queue import LEASE, DatabaseQueue
from k8s_log_agent.service.storage_errors import DatabaseError

JOBS_KEPT = timedelta(days=7)
_EVERY = LEASE / 2
_REMOVING_EVERY = timedelta(hours=1)


class Maintenance:
    """One thread. `retention` is how long an incident is kept after its last change."""

    def __init__(  # noqa: PLR0913 - what is kept in order, and by which clock
        self,
        queue: DatabaseQueue,
        incidents: DatabaseIncidents,
        *,
        retention: timedelta,
        clock: Callable[[], datetime],
        log: Callable[[str], None],
        ring: Callable[[], None] = lambda: None,
    ) -> None:
        """`ring` is called when jobs were put back."""
        self._queue = queue
        self._incidents = incidents
        self._retention = retention
        self._clock = clock
        self._log = log
        self._ring = ring
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="maintenance", daemon=True)
        self._removed_at: datetime | None = None

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Ends it."""
        self._stopping.set()
        self._thread.join(seconds)

    def once(self) -> None:
        """What is due now."""
        now = self._clock()
        if found := self._queue.recover(everything=False):
            self._log(f"{found} jobs of a process that is gone were put back")
            self._ring()
        if self._removed_at is None or abs(now - self._removed_at) >= _REMOVING_EVERY:
            self._removed_at = now
            removed = self._incidents.remove_older(now - self._retention)
            self._queue.remove_older(now - min(JOBS_KEPT, self._retention))
            if removed:
                self._log(f"{removed} incidents that did not change for {self._retention.days} days were removed")

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.once()
            except DatabaseError as error:
                self._log(f"the database could not be kept in order: {error}")
            self._stopping.wait(_EVERY.total_seconds())
