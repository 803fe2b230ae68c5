"""Takes what waits in the outbox to its projections, again and again, each projection at its own pace."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from k8s_log_agent.service.outbox import Outbox
from k8s_log_agent.service.projections.projection import Projection, UndeliveredError
from k8s_log_agent.service.storage_errors import DatabaseError

BATCH = 100
_IDLE_SECONDS = 1.0


class Delivering:
    """One thread for each projection."""

    def __init__(
        self,
        outbox: Outbox,
        projections: Sequence[Projection],
        *,
        log: Callable[[str], None],
        refused: Callable[[str, int], None] = lambda _target, _count: None,
    ) -> None:
        """`refused` is told how many deliveries a target will never take."""
        self._outbox = outbox
        self._projections = projections
        self._log = log
        self._refused = refused
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Starts the threads."""
        self._threads = [
            threading.Thread(target=self._run, args=(one,), name=f"deliver-{one.target}", daemon=True)
            for one in self._projections
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float) -> None:
        """Ends the threads; what was not delivered waits for the next start."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(seconds)

    def deliver_some(self, projection: Projection) -> int:
        """Delivers one batch; returns how many, and raises `UndeliveredError` after putting them off."""
        waiting = self._outbox.due(projection.target, BATCH)
        if not waiting:
            return 0
        try:
            refused = projection.deliver(waiting)
        except UndeliveredError as error:
            self._outbox.failed(waiting, str(error))
            raise
        self._outbox.delivered(waiting)
        if refused:
            self._refused(projection.target, refused)
            self._log(f"{refused} verdicts were refused by {projection.target} for good, as too old or too long")
        return len(waiting)

    def deliver_all(self, progress: Callable[[int], None] = lambda _done: None) -> int:
        """Delivers everything in this thread; raises `UndeliveredError` at the first that cannot be."""
        done = 0
        for projection in self._projections:
            while count := self.deliver_some(projection):
                done += count
                progress(done)
        return done

    def _run(self, projection: Projection) -> None:
        failing = False
        while not self._stopping.is_set():
            try:
                if self.deliver_some(projection):
                    failing = False
                    continue
            except UndeliveredError as error:
                if not failing:
                    self._log(f"verdicts wait for {projection.target}: {error}")
                failing = True
            except DatabaseError as error:
                self._log(f"the outbox could not be read: {error}")
            self._stopping.wait(_IDLE_SECONDS)
