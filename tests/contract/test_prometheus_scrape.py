"""A real Prometheus reads the service's figures and evaluates a rule on them; promtool finds nothing to say of them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.served_analyzer import answers, eventually, free_port, process, served

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
needs_prometheus = pytest.mark.skipif(PROMETHEUS is None, reason="no prometheus (package prometheus)")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="no promtool (package prometheus)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures")


@pytest.fixture(scope="module")
def analyzer(folder: Path) -> Iterator[httpx.Client]:
    with served(folder) as client:
        client.get("/api/v1/incidents").raise_for_status()
        text = "2026-11-25T08:00:00Z ERROR dial tcp 10.0.0.7:5432: connect: connection refused"
        client.post("/api/v1/analyze", json={"text": text}).raise_for_status()
        yield client


@pytest.fixture(scope="module")
def prometheus(folder: Path, analyzer: httpx.Client) -> Iterator[httpx.Client]:
    rule = {"alert": "AnalyzerAnswers", "expr": "k8s_log_agent_build_info == 1"}
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "analyzer", "rules": [rule]}]}))
    target = {"targets": [analyzer.base_url.netloc.decode()]}
    config = {
        "global": {"scrape_interval": "500ms", "evaluation_interval": "500ms"},
        "rule_files": [str(folder / "rules.yml")],
        "scrape_configs": [{"job_name": "log-analyzer", "static_configs": [target]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    command = [str(PROMETHEUS), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb"]
    with (
        process([*command, f"--web.listen-address={address}"], folder / "prometheus.log"),
        httpx.Client(base_url=f"http://{address}") as client,
    ):
        eventually(lambda: answers(client, "/-/ready"))
        yield client


def ask(prometheus: httpx.Client, query: str) -> list[Any]:
    found: list[Any] = prometheus.get("/api/v1/query", params={"query": query}).json()["data"]["result"]
    return found


@needs_prometheus
def test_prometheus_reads_the_figures_and_evaluates_a_rule_on_them(prometheus: httpx.Client) -> None:
    assert eventually(lambda: ask(prometheus, 'up{job="log-analyzer"} == 1'))

    assert eventually(lambda: ask(prometheus, 'k8s_log_agent_jobs_total{kind="analyze",state="done"} >= 1'))
    assert ask(prometheus, "k8s_log_agent_queue_depth == 0")
    assert ask(prometheus, 'k8s_log_agent_http_requests_total{route="/api/v1/incidents",status="200"} == 1')
    assert ask(prometheus, "histogram_quantile(0.95, k8s_log_agent_http_request_seconds_bucket) > 0")
    assert eventually(lambda: ask(prometheus, 'ALERTS{alertname="AnalyzerAnswers",alertstate="firing"}'))


@needs_promtool
def test_promtool_finds_nothing_to_say(analyzer: httpx.Client) -> None:
    figures = analyzer.get("/metrics")

    command = [str(PROMTOOL), "check", "metrics"]
    checked = subprocess.run(command, check=False, input=figures.content, capture_output=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
