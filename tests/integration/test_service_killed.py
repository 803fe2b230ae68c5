"""A process that is killed outright (SIGKILL) at any stage of a job: the next one does it again, with one result."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from k8s_log_agent.service.analysis import Outcome
from k8s_log_agent.service.models import IncidentQuery
from k8s_log_agent.service.worker import Bell, Workers
from tests.service_core import Kept, incident, kept_in, sqlite_in

STAGES = ("accepted", "begun", "worked out", "written", "kept")


def workers(kept: Kept, stage: str = "") -> Workers:
    """Workers whose process dies at a stage."""

    def die_at(now: str) -> None:
        if now == stage:
            os.kill(os.getpid(), signal.SIGKILL)

    def work(payload: object, tick: object) -> Outcome:
        die_at("begun")
        found = Outcome((incident("found", count=5),), {"incidents": ["found"], "lines": 1})
        die_at("worked out")
        return found

    made = Workers(
        kept.database, kept.queue, kept.incidents, {"analyze": work}, count=1, bell=Bell(), log=lambda _text: None
    )
    finish = kept.queue.finish

    def finishing(*given: object) -> None:
        finish(*given)  # type: ignore[arg-type] # as given
        die_at("written")  # and not yet committed

    kept.queue.finish = finishing  # type: ignore[method-assign, assignment] # to die in the middle of the transaction
    return made


def until_killed(address: str, stage: str) -> None:
    """What the process does that is killed, and never more than that."""
    try:
        with kept_in(address) as kept:
            kept.queue.submit("analyze", {"text": "a line"}, namespace="a", priority=0, idempotency_key="k")
            if stage != "accepted":
                workers(kept, stage).run_one()
            os.kill(os.getpid(), signal.SIGKILL)
    finally:
        os._exit(1)


@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_any_stage_a_job_has_one_result(stage: str, tmp_path: Path) -> None:
    address = sqlite_in(tmp_path)
    process = os.fork()
    if not process:
        until_killed(address, stage)
    assert os.WTERMSIG(os.waitpid(process, 0)[1]) == signal.SIGKILL

    with kept_in(address) as kept:
        again = kept.queue.submit("analyze", {"text": "a line"}, namespace="a", priority=0, idempotency_key="k")
        kept.queue.recover(everything=True)
        while workers(kept).run_one():
            pass

        done = kept.queue.get(again.id)
        assert done is not None
        assert (done.state, done.result["incidents"]) == ("done", ["found"])
        page = kept.incidents.search(IncidentQuery())
        assert [(one.id, one.count) for one in page.incidents] == [("found", 5)]
        assert kept.outbox.waiting() == {"loki": 1, "chroma": 1}
