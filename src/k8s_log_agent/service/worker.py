"""The threads that do the jobs: claim one, work it out, keep what came of it in one transaction, tell of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from k8s_log_agent.ingest.source_error import SourceError
from k8s_log_agent.service.analysis import Outcome
from k8s_log_agent.service.database import Database
from k8s_log_agent.service.incidents import DatabaseIncidents
from k8s_log_agent.service.lines import LinesError, Tick
from k8s_log_agent.service.models import Incident, Job, JobKind
from k8s_log_agent.service.queue import Claimed, DatabaseQueue, LeaseLostError
from k8s_log_agent.service.storage_errors import DatabaseError

HEARTBEAT_SECONDS = 10.0
_WORTH_TELLING = 0.05  # of progress
_IDLE_SECONDS = 1.0  # how late a job of another process is noticed
Work = Callable[[Mapping[str, Any], Tick], Outcome]
Done = Callable[[Job, Outcome | None], None]


class Bell:
    """Wakes threads that wait for something to do."""

    def __init__(self) -> None:
        self._condition = threading.Condition()

    def ring(self) -> None:
        """Wakes all that wait."""
        with self._condition:
            self._condition.notify_all()

    def wait(self, seconds: float) -> None:
        """Until it rings, or so long."""
        with self._condition:
            self._condition.wait(seconds)


class StoppingError(RuntimeError):
    """The service stops; the job is put back."""


class Workers:
    """Threads over one queue. `work` does a job of each kind; `done` is told of each that ended, for counting."""

    def __init__(  # noqa: PLR0913 - the queue, where results go, who does the work, and who is told
        self,
        database: Database,
        queue: DatabaseQueue,
        incidents: DatabaseIncidents,
        work: Mapping[JobKind, Work],
        *,
        count: int,
        bell: Bell,
        log: Callable[[str], None],
        done: Done = lambda _job, _outcome: None,
    ) -> None:
        """`bell` rings when there may be a job; `log` is told what an operator should know."""
        self._database = database
        self._queue = queue
        self._incidents = incidents
        self._work = work
        self._count = count
        self._bell = bell
        self._log = log
        self._done = done
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._current: dict[str, _Lease] = {}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Starts the threads."""
        names = [f"worker-{number}" for number in range(self._count)]
        self._threads = [threading.Thread(target=self._run, name=name, daemon=True) for name in names]
        self._threads.append(threading.Thread(target=self._keep_leases, name="heartbeat", daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float) -> None:
        """Lets running jobs end for so long; what is not done by then is put back into the queue at its next step."""
        self._stopping.set()
        self._bell.ring()
        for thread in self._threads:
            thread.join(max(0.1, seconds / max(1, len(self._threads))))

    def run_one(self) -> bool:
        """Does one job in this thread; False when none waits."""
        if not self._queue.depth():
            return False
        claimed = self._queue.claim()
        if claimed is None:
            return False
        lease = _Lease(claimed)
        with self._lock:
            self._current[claimed.job.id] = lease
        try:
            self._do(claimed, lease)
        except LeaseLostError as lost:
            self._log(str(lost))
        finally:
            with self._lock:
                del self._current[claimed.job.id]
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self.run_one():
                    continue
            except DatabaseError as error:
                self._log(f"a job could not be done: {error}")
            if not self._stopping.is_set():
                self._bell.wait(_IDLE_SECONDS)

    def _do(self, claimed: Claimed, lease: _Lease) -> None:
        def tick(progress: float) -> None:
            if self._stopping.is_set():
                raise StoppingError
            if lease.goes_on(progress):
                self._queue.say(claimed, lease.progress)

        try:
            outcome = self._work[claimed.job.kind](claimed.payload, tick)
            kept = self._keep(claimed, outcome)
        except StoppingError:
            self._queue.put_back(claimed)
            return
        except (SourceError, LinesError) as error:
            self._fail(claimed, str(error))
            return
        except (LeaseLostError, DatabaseError):
            raise
        except Exception as error:  # noqa: BLE001 - a fault of this program must not take the worker with it
            self._log(f"the job {claimed.job.id} failed: {type(error).__name__}: {error}")
            self._fail(claimed, f"This program has a fault ({type(error).__name__}); its log says more.")
            return
        self._incidents.announce(kept)
        self._ended(claimed, outcome)

    def _keep(self, claimed: Claimed, outcome: Outcome) -> list[Incident]:
        """The incidents as they are kept, in one transaction with the end of the job."""
        with self._database.writing() as session:
            kept = [self._incidents.record_within(session, incident) for incident in outcome.incidents]
            result = {**outcome.result}
            if "incidents" in result:
                result["incidents"] = list(dict.fromkeys(incident.id for incident in kept))
            self._queue.finish(session, claimed, result)
        return kept

    def _fail(self, claimed: Claimed, why: str) -> None:
        self._queue.fail(claimed, why)
        self._ended(claimed, None)

    def _ended(self, claimed: Claimed, outcome: Outcome | None) -> None:
        if job := self._queue.announce(claimed.job.id):
            self._done(job, outcome)

    def _keep_leases(self) -> None:
        while not self._stopping.wait(HEARTBEAT_SECONDS):
            with self._lock:
                leases = list(self._current.values())
            for lease in leases:
                try:
                    self._queue.renew(lease.claimed, lease.progress)
                except LeaseLostError:
                    lease.lost = True
                except DatabaseError as error:
                    self._log(f"the lease of a job could not be renewed: {error}")


class _Lease:
    """What a worker and the heartbeat know of one job."""

    def __init__(self, claimed: Claimed) -> None:
        self.claimed = claimed
        self.progress = self._said = 0.0
        self.lost = False

    def goes_on(self, progress: float) -> bool:
        """Notes the progress; whether it is worth telling. Raises `LeaseLostError`."""
        self.progress = max(self.progress, min(1.0, progress))
        if self.lost:
            raise LeaseLostError(f"The job {self.claimed.job.id} was cancelled or taken over.")
        worth = self.progress - self._said >= _WORTH_TELLING
        self._said = self.progress if worth else self._said
        return worth
