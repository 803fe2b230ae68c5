"""A real Alertmanager posts to the service, which is a process of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.otlp_receiver import Spans, receiver
from tests.served_analyzer import answers, eventually, free_port, process, served

ALERTMANAGER = shutil.which("alertmanager") or shutil.which("prometheus-alertmanager")
pytestmark = pytest.mark.skipif(ALERTMANAGER is None, reason="no alertmanager (package prometheus-alertmanager)")
TOKEN = "c0ffee" * 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alerts")
    (folder / "token").write_text(TOKEN)
    return folder


@pytest.fixture(scope="module")
def traces() -> Iterator[tuple[str, Spans]]:
    with receiver() as opened:
        yield opened


@pytest.fixture(scope="module")
def analyzer(folder: Path, traces: tuple[str, Spans]) -> Iterator[httpx.Client]:
    with served(folder, alert_token_file=folder / "token", otlp_endpoint=traces[0]) as client:
        yield client


@pytest.fixture(scope="module")
def alertmanager(folder: Path, analyzer: httpx.Client) -> Iterator[httpx.Client]:
    webhook = {
        "url": f"{analyzer.base_url}/api/v1/alerts",
        "send_resolved": True,
        "max_alerts": 3,
        "http_config": {"authorization": {"credentials_file": str(folder / "token")}},
    }
    route = {"receiver": "log-analyzer", "group_by": ["alertname"], "group_wait": "200ms", "group_interval": "1s"}
    config = {"route": route, "receivers": [{"name": "log-analyzer", "webhook_configs": [webhook]}]}
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    command = [str(ALERTMANAGER), f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/data"]
    command += [f"--web.listen-address={address}", "--cluster.listen-address="]
    with process(command, folder / "alertmanager.log"), httpx.Client(base_url=f"http://{address}") as client:
        eventually(lambda: answers(client, "/-/ready"))
        yield client


def fire(alertmanager: httpx.Client, name: str, *, pods: int = 1, over: bool = False) -> None:
    now = datetime.now(UTC)
    ends = now if over else now + timedelta(hours=1)
    alerts = [
        {
            "labels": {"alertname": name, "namespace": "shop", "pod": f"web-{pod}", "severity": "critical"},
            "annotations": {"summary": "dial tcp 10.0.0.7:5432: connect: connection refused"},
            "startsAt": (now - timedelta(minutes=1)).isoformat(),
            "endsAt": ends.isoformat(),
        }
        for pod in range(pods)
    ]
    alertmanager.post("/api/v2/alerts", json=alerts).raise_for_status()


def incidents(analyzer: httpx.Client, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = analyzer.get("/api/v1/incidents").raise_for_status().json()["incidents"]
    return [one for one in found if name in one["alerts"]]


def test_an_alert_becomes_an_incident_and_is_closed_when_it_is_over(
    alertmanager: httpx.Client, analyzer: httpx.Client
) -> None:
    fire(alertmanager, "ShopDown")

    opened = eventually(lambda: incidents(analyzer, "ShopDown"))[0]
    assert opened["state"] == "open" and opened["severity"] == "CRITICAL" and opened["namespace"] == "shop"

    fire(alertmanager, "ShopDown", over=True)
    eventually(lambda: incidents(analyzer, "ShopDown")[0]["state"] == "closed")


def test_alerts_that_alertmanager_leaves_out_are_shown(alertmanager: httpx.Client, analyzer: httpx.Client) -> None:
    fire(alertmanager, "ManyPods", pods=5)

    opened = eventually(lambda: incidents(analyzer, "ManyPods"))[0]
    whole = analyzer.get(f"/api/v1/incidents/{opened['id']}").json()
    assert any("2 alerts" in note for note in whole["verdict"]["notes"])


def test_the_path_from_alert_to_incident_is_one_trace(
    alertmanager: httpx.Client, analyzer: httpx.Client, traces: tuple[str, Spans]
) -> None:
    fire(alertmanager, "Traced")
    eventually(lambda: incidents(analyzer, "Traced"))

    def whole() -> set[str]:
        jobs = [one for one in traces[1] if one["name"] == "job alert"]
        found = {one["name"] for one in traces[1] if jobs and one["trace"] == jobs[-1]["trace"]}
        return found if {"POST /api/v1/alerts", "alert.receive", "job alert"} <= found else set()

    assert eventually(whole)


def test_a_message_without_the_token_is_refused(analyzer: httpx.Client) -> None:
    assert analyzer.post("/api/v1/alerts", json={}).status_code == 401
