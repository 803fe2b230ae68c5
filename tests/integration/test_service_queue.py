"""The queue of the service, the same on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from k8s_log_agent.service.models import Job
from k8s_log_agent.service.queue import LEASE, MOST_ATTEMPTS, PARENT, LeaseLostError
from k8s_log_agent.service.store import IdempotencyConflictError, QueueFullError
from k8s_log_agent.service.tables import JobRow
from tests.integration.service_databases import address, kept, postgresql  # noqa: F401 - fixtures
from tests.service_core import Kept, kept_in, sqlite_in


def submit(kept: Kept, namespace: str, priority: int = 0, **given: str) -> Job:  # noqa: F811 - the fixture's value
    return kept.queue.submit("analyze", {"text": "a line"}, namespace=namespace, priority=priority, **given)


def payload_of(kept: Kept, job: Job) -> str | None:  # noqa: F811 - as above
    """What the database holds of what the job is about."""
    with kept.database.reading() as session:
        return session.scalar(select(JobRow.payload).where(JobRow.id == job.id))


def started(kept: Kept, most: int = 99) -> list[str]:  # noqa: F811 - as above
    """The namespaces of the jobs that are begun, in their order."""
    begun: list[str] = []
    while len(begun) < most and (claimed := kept.queue.claim()):
        begun.append(claimed.job.namespace)
        kept.clock.advance(0.001)
    return begun


def test_a_namespace_that_sends_much_does_not_keep_the_others_waiting(kept: Kept) -> None:  # noqa: F811 - as above
    for namespace in ["loud"] * 6 + ["quiet"] * 2 + ["rare"]:
        submit(kept, namespace)

    assert started(kept, 5) == ["loud", "quiet", "rare", "loud", "quiet"]


def test_the_urgent_goes_first_and_the_patient_is_not_forgotten(kept: Kept) -> None:  # noqa: F811 - as above
    submit(kept, "patient")
    kept.clock.advance(3600)
    submit(kept, "ordinary")
    submit(kept, "urgent", priority=10)

    assert started(kept) == ["patient", "urgent", "ordinary"]


def test_a_full_queue_says_when_to_come_again(kept: Kept) -> None:  # noqa: F811 - as above
    kept.queue = kept.queue_of("small", limit=3)
    for _ in range(3):
        submit(kept, "a")

    with pytest.raises(QueueFullError) as full:
        submit(kept, "b")

    assert 1 <= full.value.retry_after_seconds <= 300
    assert kept.queue.depth() == 3
    kept.queue.claim()
    submit(kept, "b")


def test_the_same_request_under_the_same_key_is_one_job(kept: Kept) -> None:  # noqa: F811 - as above
    first = submit(kept, "a", idempotency_key="k")

    assert submit(kept, "a", idempotency_key="k").id == first.id
    traced = {"text": "a line", PARENT: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    assert kept.queue.submit("analyze", traced, namespace="a", priority=0, idempotency_key="k").id == first.id
    assert submit(kept, "a", idempotency_key="other").id != first.id
    with pytest.raises(IdempotencyConflictError):
        kept.queue.submit("summarize", {"text": "a line"}, namespace="a", priority=0, idempotency_key="k")


def test_many_who_send_and_take_at_once_lose_and_double_nothing(kept: Kept) -> None:  # noqa: F811 - as above
    taken: list[str] = []

    def send(number: int) -> None:
        for _ in range(5):
            submit(kept, "a", idempotency_key=f"k{number}")
            kept.queue.submit("analyze", {}, namespace="b", priority=0)

    def take(_number: int) -> None:
        while claimed := kept.queue.claim():
            taken.append(claimed.job.id)

    kept.queue = kept.queue_of("busy", limit=1000)
    for work in (send, take):
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(taken) == len(set(taken)) == 4 * 5 + 4


def test_a_cancelled_job_has_no_result(kept: Kept) -> None:  # noqa: F811 - as above
    waiting, running = submit(kept, "a"), submit(kept, "b")
    claimed = kept.queue.claim()
    assert claimed is not None
    for job in (waiting, running):
        cancelled = kept.queue.cancel(job.id)
        assert cancelled is not None
        assert cancelled.state == "cancelled"

    assert kept.queue.claim() is None
    with pytest.raises(LeaseLostError), kept.database.writing() as session:
        kept.queue.finish(session, claimed, {})
    assert kept.queue.cancel("unknown") is None


@pytest.mark.parametrize("owner", ["other", "this"])  # also when the process itself had only been asleep
def test_a_job_of_a_process_that_is_gone_is_done_again_and_counts_once(kept: Kept, owner: str) -> None:  # noqa: F811 - as above
    job = submit(kept, "a")
    gone = kept.queue.claim()
    other = kept.queue_of(owner)
    assert gone is not None
    assert other.recover(everything=False) == 0  # the lease still holds

    kept.clock.advance(LEASE.total_seconds() + 1)
    assert other.recover(everything=False) == 1
    again = other.claim()
    assert again is not None
    assert (again.job.id, again.attempt) == (job.id, 2)

    with pytest.raises(LeaseLostError):  # the first one was only slow, and comes back
        kept.queue.renew(gone, 0.5)
    with pytest.raises(LeaseLostError), kept.database.writing() as session:
        kept.queue.finish(session, gone, {"by": "first"})
    with kept.database.writing() as session:
        other.finish(session, again, {"by": "second"})
    done = kept.queue.get(job.id)
    assert done is not None
    assert (done.state, done.result) == ("done", {"by": "second"})


def test_a_job_that_ends_every_process_is_given_up(kept: Kept) -> None:  # noqa: F811 - as above
    job = submit(kept, "a")
    for _ in range(MOST_ATTEMPTS):
        assert kept.queue.claim() is not None
        kept.queue.recover(everything=True)

    given_up = kept.queue.get(job.id)
    assert given_up is not None
    assert given_up.state == "failed"
    assert "given up" in given_up.error
    assert payload_of(kept, job) == "{}"


def test_a_job_that_was_put_back_does_not_count_as_tried(kept: Kept) -> None:  # noqa: F811 - as above
    submit(kept, "a")
    for _ in range(MOST_ATTEMPTS + 1):
        claimed = kept.queue.claim()
        assert claimed is not None
        kept.queue.put_back(claimed)
    assert kept.queue.depth() == 1


def test_what_a_job_was_about_is_kept_without_secrets_and_forgotten_at_its_end(tmp_path: Path) -> None:
    with kept_in(sqlite_in(tmp_path)) as kept:  # noqa: F811 - as above
        sent = {"text": "password=hunter2hunter2 refused"}
        job = kept.queue.submit("analyze", sent, namespace="a", priority=0)
        claimed = kept.queue.claim()
        assert claimed is not None
        assert "hunter2" not in str(claimed.payload)
        assert "refused" in str(claimed.payload)
        with kept.database.writing() as session:
            kept.queue.finish(session, claimed, {})
        assert payload_of(kept, job) == "{}"
        kept.database.engine.dispose()
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"hunter2" not in files


def test_old_jobs_are_removed_and_waiting_ones_are_not(kept: Kept) -> None:  # noqa: F811 - as above
    done, waiting = submit(kept, "a"), submit(kept, "b")
    claimed = kept.queue.claim()
    assert claimed is not None
    with kept.database.writing() as session:
        kept.queue.finish(session, claimed, {})
    kept.clock.advance(3600)

    assert kept.queue.remove_older(kept.clock()) == 1

    assert kept.queue.get(done.id) is None
    assert kept.queue.get(waiting.id) is not None
