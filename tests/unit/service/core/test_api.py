"""The service as a client sees it: lines in, incidents out, in one process with real threads and a real database."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from k8s_log_agent.service.api.events import written
from k8s_log_agent.service.app import create_app
from k8s_log_agent.service.models import ServiceEvent
from k8s_log_agent.service.running import running
from k8s_log_agent.service.settings import Settings
from k8s_log_agent.service.store import Listening
from tests.service_core import sqlite_in

API = "/api/v1"
LINES = [
    "2026-11-25T08:00:01Z ERROR checkout: could not translate host name db-0 to address: Name or service not known",
    "2026-11-25T08:00:02Z ERROR checkout: giving up; token=abcdef0123456789abcdef",
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with running(Settings(database_url=sqlite_in(tmp_path_factory.mktemp("api")))) as parts:
        yield TestClient(create_app(parts), base_url="http://127.0.0.1")


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One whose jobs nobody does, with a queue of two."""
    told = Settings(database_url=sqlite_in(tmp_path_factory.mktemp("idle")), workers=0, queue_limit=2)
    with running(told) as parts:
        yield TestClient(create_app(parts), base_url="http://127.0.0.1")


def analyzed(client: TestClient, **sent: Any) -> dict[str, Any]:
    answer = client.post(f"{API}/analyze", params={"wait": 60}, json={"lines": LINES, **sent})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_lines_become_an_incident_that_is_found_again(client: TestClient) -> None:
    (found,) = analyzed(client, namespace="shop")["incidents"]

    assert (found["cause"], found["namespace"], found["state"]) == ("dns_failure", "shop", "open")
    assert [line["number"] for line in found["lines"] if line["cited"]] == [1]
    assert "abcdef0123456789" not in json.dumps(found)
    whole = client.get(f"{API}/incidents/{found['id']}").json()
    assert whole["verdict"] == found["verdict"]
    assert len(whole["trend"]) == 24
    listed = client.get(f"{API}/incidents", params={"text": "translate db", "namespace": "shop"}).json()
    assert [one["id"] for one in listed["incidents"]] == [found["id"]]


def test_the_same_trouble_elsewhere_is_similar_and_not_the_same(client: TestClient) -> None:
    (first,) = analyzed(client, namespace="one")["incidents"]
    (second,) = analyzed(client, namespace="two")["incidents"]

    assert first["id"] != second["id"]
    assert first["id"] in {one["id"] for one in second["similar"]}
    asked = client.get(f"{API}/similar", params={"incident": second["id"], "limit": 50}).json()
    assert second["id"] not in {one["id"] for one in asked}
    assert client.get(f"{API}/similar", params={"text": "a b", "incident": "c"}).status_code == 422


def test_a_request_that_is_sent_twice_counts_once(client: TestClient) -> None:
    named = {"Idempotency-Key": "abc"}
    sent: dict[str, Any] = {"json": {"lines": LINES, "namespace": "twice"}, "headers": named, "params": {"wait": 60}}
    first, again = client.post(f"{API}/analyze", **sent).json(), client.post(f"{API}/analyze", **sent).json()

    assert first["job"]["id"] == again["job"]["id"]
    assert again["incidents"][0]["count"] == first["incidents"][0]["count"]
    other = client.post(f"{API}/analyze", json={"text": "something else"}, headers=named)
    assert other.status_code == 409


def test_what_two_senders_name_alike_is_not_the_same(tmp_path: Path) -> None:
    told = Settings(database_url=sqlite_in(tmp_path), workers=0, trusted_proxy_header="X-User")
    with running(told) as parts:
        client = TestClient(create_app(parts), base_url="http://127.0.0.1", client=("127.0.0.1", 4711))
        ids = []
        for user in ("ada", "grace", "ada"):
            headers = {"Idempotency-Key": "abc", "X-User": user}
            ids.append(client.post(f"{API}/analyze?wait=0", json={"text": "a"}, headers=headers).json()["id"])

    assert ids[0] == ids[2] != ids[1]


def test_feedback_is_kept_with_its_author_and_a_right_cause(client: TestClient) -> None:
    (found,) = analyzed(client, namespace="judged")["incidents"]
    address = f"{API}/incidents/{found['id']}/feedback"

    assert client.post(address, json={"verdict": "wrong", "cause": "bad luck"}).status_code == 422
    assert client.post(address, json={"verdict": "wrong"}).status_code == 422
    judged = client.post(address, json={"verdict": "wrong", "cause": "disk_full"})
    assert judged.status_code == 201
    (said,) = judged.json()["feedback"]
    assert (said["verdict"], said["cause"], said["author"]) == ("wrong", "disk_full", "local")
    assert 'k8s_log_agent_feedback_total{verdict="wrong"} 1.0' in client.get("/metrics").text
    assert client.post(f"{API}/incidents/none/feedback", json={"verdict": "correct"}).status_code == 404


def test_a_summary_is_markdown_and_keeps_no_incident(client: TestClient) -> None:
    answer = client.post(f"{API}/summarize", params={"wait": 60}, json={"lines": LINES, "namespace": "summed"}).json()
    assert answer["markdown"].startswith("# What happened")
    assert answer["summary"]["incidents"][0]["cause"] == "dns_failure"
    assert client.get(f"{API}/incidents", params={"namespace": "summed"}).json()["total"] == 0


def test_work_that_takes_longer_is_a_job_that_can_be_cancelled(idle: TestClient) -> None:
    answer = idle.post(f"{API}/analyze", params={"wait": 0}, json={"lines": LINES})

    assert answer.status_code == 202
    address = answer.headers["Location"]
    assert idle.get(address).json()["state"] == "queued"
    assert idle.delete(address).json()["state"] == "cancelled"
    assert idle.get(f"{API}/jobs/none").status_code == 404


def test_whoever_waits_for_a_job_is_told_where_it_is_as_soon_as_the_service_stops(tmp_path: Path) -> None:
    with running(Settings(database_url=sqlite_in(tmp_path), workers=0)) as parts:
        client = TestClient(create_app(parts), base_url="http://127.0.0.1")
        parts.bus.close()
        begun = time.monotonic()

        answer = client.post(f"{API}/analyze", params={"wait": 30}, json={"lines": LINES})

        assert answer.status_code == 202
        assert time.monotonic() - begun < 20
        assert client.get(answer.headers["Location"]).json()["state"] == "queued"


def test_a_full_queue_says_when_to_come_again_and_reading_goes_on(idle: TestClient) -> None:
    answers = [idle.post(f"{API}/analyze", params={"wait": 0}, json={"text": f"{n}"}) for n in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert answers[-1].headers["Content-Type"] == "application/problem+json"
    assert idle.get(f"{API}/incidents").status_code == 200
    assert idle.get("/readyz").json() == {"status": "ready", "jobs_waiting": 2}


@pytest.mark.parametrize(
    "sent",
    [{}, {"lines": []}, {"text": "a", "lines": ["b"]}, {"selector": '{a="b"}'}, {"text": "a", "extra": 1}, {"text": 7}],
)
def test_a_request_that_is_not_valid_is_a_problem_that_says_why(client: TestClient, sent: dict[str, Any]) -> None:
    answer = client.post(f"{API}/analyze", json=sent)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_reports_are_given_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "evaluation.json"
    told = Settings(database_url=sqlite_in(tmp_path), evaluation_path=file, drift_path=tmp_path / "none.json")
    with running(told) as parts:
        client = TestClient(create_app(parts), base_url="http://127.0.0.1")
        assert client.get(f"{API}/evaluations").status_code == 404
        file.write_text('{"schema_version": 1}')
        assert client.get(f"{API}/evaluations").json() == {"schema_version": 1}
        assert client.get(f"{API}/drift").status_code == 404


def test_below_a_gateways_path_addresses_name_that_path(tmp_path: Path) -> None:
    told = Settings(database_url=sqlite_in(tmp_path), root_path="/analyzer", workers=0)
    with running(told) as parts:
        client = TestClient(create_app(parts), base_url="http://127.0.0.1")
        answer = client.post(f"/analyzer{API}/analyze", params={"wait": 0}, json={"text": "a"})
        assert answer.headers["Location"].startswith(f"/analyzer{API}/jobs/")
        assert client.get(answer.headers["Location"]).status_code == 200


def test_a_stream_of_events_tells_what_was_asked_for_until_the_service_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening = threading.Event()
    with running(Settings(database_url=sqlite_in(tmp_path), workers=0)) as parts, ThreadPoolExecutor(1) as aside:
        subscribe = parts.bus.subscribe

        def subscribed() -> Listening:
            found = subscribe()
            listening.set()
            return found

        monkeypatch.setattr(parts.bus, "subscribe", subscribed)
        client = TestClient(create_app(parts), base_url="http://127.0.0.1")
        answer = aside.submit(client.get, f"{API}/events", params={"kind": "incident", "id": "b"})
        assert listening.wait(10)
        wanted = ServiceEvent("incident", "b", {"count": 2})
        for event in (ServiceEvent("job", "b"), ServiceEvent("incident", "a"), wanted):
            parts.bus.publish(event)
        parts.bus.close()

        assert answer.result(20).content == b": listening\n\n" + written(wanted)


def test_an_event_on_the_wire_has_no_line_end_that_could_begin_another() -> None:
    wire = written(ServiceEvent("incident", "a", {"title": "x\n\nevent: job\ndata: {}"}))
    assert wire.endswith(b"\n\n")
    assert wire.count(b"\n") == 3


@pytest.mark.parametrize("path", ["/incidents", "/analyze", "/evaluation", "/drift"])
def test_the_pages_are_served_beside_the_api(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
