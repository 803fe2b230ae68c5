from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from k8s_log_agent.commands import triage as verb
from k8s_log_agent.ingest import loki_access
from tests.fake_loki import FakeLoki

ALONE = ("--no-model", "--chroma-url", "")
FULL = 'PANIC:  could not write to file "pg_wal/xlogtemp.9": No space left on device'


def run(*arguments: str) -> Result:
    app = typer.Typer()
    verb.add_to(app)
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    file = tmp_path / "pods" / "shop_db-0_11111111-2222-3333-4444-555555555555" / "postgres" / "0.log"
    file.parent.mkdir(parents=True)
    file.write_text(f"2026-11-24T20:00:01.000000000Z stderr F {FULL}\n")
    return tmp_path


def test_a_folder_gives_verdicts_with_cause_and_line(logs: Path) -> None:
    done = run(str(logs), "--json", *ALONE)

    (found,) = json.loads(done.stdout)
    assert (found["cause"], found["decided_by"], found["evidence"][0]["line"]) == ("disk_full", "rule", 1)


def test_a_loki_is_read_over_the_span(monkeypatch: pytest.MonkeyPatch) -> None:
    loki = FakeLoki()
    moment = time.time_ns() - 600 * 10**9
    labels = {"job": "shop/db", "namespace": "shop", "pod": "db-0", "container": "postgres"}
    loki.add(labels, (moment, FULL), (moment - 7200 * 10**9, "FATAL:  password authentication failed for user x"))
    monkeypatch.setattr(loki_access, "http_client", lambda _: loki.client())

    done = run("--loki", "http://loki.invalid", "--selector", '{namespace="shop"}', "--json", *ALONE)

    assert [(one["cause"], one["window"]["events"]) for one in json.loads(done.stdout)] == [("disk_full", 1)]


def test_routes_whose_models_are_all_down_leave_the_rules_to_decide(logs: Path, tmp_path: Path) -> None:
    routes = tmp_path / "routes.yml"
    routes.write_text("endpoints: {small: {url: 'http://127.0.0.1:9'}, base: {url: 'http://127.0.0.1:9'}}\n")

    done = run(str(logs), "--routes", str(routes), "--chroma-url", "")

    assert done.exit_code == 0 and "the rules decide alone" in done.stderr and "disk_full" in done.stdout


def test_lines_that_are_too_old_are_left_out(logs: Path) -> None:
    assert "No failure was found" in run(str(logs), "--since", "1s", *ALONE).stdout


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ([], "Name either a file or folder"),
        (["{logs}", "--loki", "http://127.0.0.1:9"], "Name either a file or folder"),
        (["{logs}", "--since", "soon"], "soon is not a span of time"),
        (["{logs}", "--routes", "{logs}/absent.yml"], "The routes in"),
        (["{logs}", "--routes", "{logs}/absent.yml", "--model", "3b"], "Name either a file of --routes"),
    ],
)
def test_it_refuses_in_one_paragraph(logs: Path, arguments: list[str], wrong: str) -> None:
    done = run(*[argument.format(logs=logs) for argument in arguments])

    assert done.exit_code == 1 and wrong in done.stderr and "Traceback" not in done.stderr
