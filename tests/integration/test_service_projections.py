"""Incidents on their way to a real Chroma, and back as past incidents that are like a new one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from k8s_log_agent.llm.thread_sweep import free_port
from k8s_log_agent.records import EvidenceLine
from k8s_log_agent.service.models import Feedback
from k8s_log_agent.service.projections.chroma import ChromaProjection
from k8s_log_agent.service.projections.delivering import Delivering
from k8s_log_agent.service.projections.projection import UndeliveredError
from k8s_log_agent.service.similar import SimilarIncidents
from tests.service_core import START, Kept, incident, kept_in, sqlite_in, verdict
from tests.unit.retrieval.records import WordEmbedder

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("chroma"), free_port()
    program = Path(sys.executable).with_name("chroma")
    command = [str(program), "run", "--path", str(folder / "data"), "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "ANONYMIZED_TELEMETRY": "False"}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=environment) as server,
    ):
        try:
            for _ in range(600):
                try:
                    if httpx.get(f"http://127.0.0.1:{port}/api/v2/heartbeat", timeout=5).is_success:
                        break
                except httpx.HTTPError:
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with kept_in(sqlite_in(tmp_path)) as everything:
        yield everything


def line(text: str) -> tuple[EvidenceLine, ...]:
    return (EvidenceLine(source="pod.log", line=1, text=text),)


def test_past_incidents_are_found_by_their_likeness_and_follow_every_change(kept: Kept, url: str) -> None:
    chroma = ChromaProjection(url, WordEmbedder)
    delivering = Delivering(kept.outbox, [chroma], log=lambda _text: None)
    kept.incidents.record(
        incident("disk", verdict=verdict(evidence=line("no space left on device"), cause="disk_full"))
    )
    kept.incidents.record(incident("name", verdict=verdict(evidence=line("host name cannot be resolved"))))
    assert delivering.deliver_all() == 2

    past = SimilarIncidents(kept.database, chroma)
    assert [one.id for one in past.like("write failed: no space left on device", 1)] == ["disk"]
    assert "disk" not in {one.id for one in past.like("no space left on device", 5, besides="key-disk")}
    assert chroma.confirmed("no space left on device", 3) == []

    kept.incidents.add_feedback("disk", Feedback(START, "ada", "wrong", "io_error"))
    delivering.deliver_all()
    (confirmed,) = chroma.confirmed("no space left on device", 3)
    assert (confirmed.cause, confirmed.id) == ("io_error", "incident disk")

    kept.incidents.tell_anew()
    delivering.deliver_all()  # everything once more changes nothing
    assert sorted(name for name, _ in chroma.nearest("no space left", 10)) == ["disk", "name"]

    kept.clock.advance(10)
    kept.incidents.remove_older(kept.clock())
    delivering.deliver_all()
    assert chroma.nearest("no space left", 10) == []


def test_while_chroma_is_away_incidents_wait_and_words_take_its_place(kept: Kept) -> None:
    warned: list[str] = []
    chroma = ChromaProjection("http://127.0.0.1:1", WordEmbedder)
    kept.incidents.record(incident("disk", verdict=verdict(evidence=line("no space left on device"))))

    with pytest.raises(UndeliveredError):
        Delivering(kept.outbox, [chroma], log=warned.append).deliver_all()

    assert kept.outbox.waiting()["chroma"] == 1
    found = SimilarIncidents(kept.database, chroma, warned.append).like("no space left on any device", 5)
    assert [one.id for one in found] == ["disk"]
    assert warned
