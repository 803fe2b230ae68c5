"""The threads that do the jobs go on, whatever one job comes to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from k8s_log_agent.ingest.source_error import SourceError
from k8s_log_agent.service import worker
from k8s_log_agent.service.analysis import Outcome
from k8s_log_agent.service.lines import Tick
from k8s_log_agent.service.models import Job, JobKind
from k8s_log_agent.service.worker import Bell, Work, Workers
from tests.service_core import Kept, incident, kept_in, sqlite_in

SECONDS = 10


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with kept_in(sqlite_in(tmp_path)) as everything:
        yield everything


def workers_of(kept: Kept, work: Callable[[Job, Tick], Outcome], logged: list[str]) -> tuple[Workers, str]:
    """One worker, and the id of a job that waits for it; `work` is told the job."""
    job = kept.queue.submit("analyze", {"text": "a line"}, namespace="a", priority=0)

    def working(payload: Mapping[str, Any], tick: Tick) -> Outcome:
        del payload
        return work(job, tick)

    work_of: Mapping[JobKind, Work] = {"analyze": working}
    made = Workers(kept.database, kept.queue, kept.incidents, work_of, count=1, bell=Bell(), log=logged.append)
    return made, job.id


def done(kept: Kept, work: Callable[[Job, Tick], Outcome]) -> tuple[Job, list[str]]:
    """A job after a worker did it, and what was logged."""
    logged: list[str] = []
    workers, job = workers_of(kept, work, logged)
    assert workers.run_one()
    return found(kept, job), logged


def found(kept: Kept, job: str) -> Job:
    there = kept.queue.get(job)
    assert there is not None
    return there


def unreadable(_job: Job, _tick: Tick) -> Outcome:
    raise SourceError("Loki is away")


def faulty(_job: Job, _tick: Tick) -> Outcome:
    raise ZeroDivisionError


def not_to_be_kept(_job: Job, _tick: Tick) -> Outcome:
    return Outcome((incident("half"),), {"incidents": ["half"], "what": object()})


@pytest.mark.parametrize(
    ("work", "why"), [(unreadable, "Loki is away"), (faulty, "has a fault"), (not_to_be_kept, "has a fault")]
)
def test_a_job_that_goes_wrong_fails_and_leaves_nothing(
    kept: Kept, work: Callable[[Job, Tick], Outcome], why: str
) -> None:
    job, _ = done(kept, work)

    assert job.state == "failed"
    assert why in job.error
    assert kept.incidents.get("half") is None


def test_a_job_that_was_cancelled_meanwhile_keeps_nothing(kept: Kept) -> None:
    def cancelled(job: Job, _tick: Tick) -> Outcome:
        kept.queue.cancel(job.id)
        return Outcome((incident("late"),), {"incidents": ["late"]})

    job, logged = done(kept, cancelled)

    assert job.state == "cancelled"
    assert kept.incidents.get("late") is None
    assert "no longer" in logged[0]


def test_a_running_job_that_is_cancelled_ends_at_its_next_step(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "HEARTBEAT_SECONDS", 0.01)
    logged: list[str] = []
    ended = threading.Event()

    def long(job: Job, tick: Tick) -> Outcome:
        kept.queue.cancel(job.id)
        try:
            stepping(tick)
        finally:
            ended.set()
        return Outcome((), {})

    workers, job = workers_of(kept, long, logged)
    workers.start()
    assert ended.wait(SECONDS)
    workers.stop(SECONDS)

    assert found(kept, job).state == "cancelled"
    assert logged == [f"The job {job} was cancelled or taken over."]


def test_a_job_that_a_stop_cuts_off_waits_for_the_next_start(kept: Kept) -> None:
    begun = threading.Event()

    def long(_job: Job, tick: Tick) -> Outcome:
        begun.set()
        stepping(tick)
        return Outcome((), {})

    workers, job = workers_of(kept, long, [])
    workers.start()
    assert begun.wait(SECONDS)
    workers.stop(SECONDS)

    assert found(kept, job).state == "queued"
    again = kept.queue.claim()
    assert again is not None
    assert again.attempt == 1


def stepping(tick: Tick) -> None:
    """Steps of a long job, until it must not go on."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        tick(0.5)
        time.sleep(0.005)
