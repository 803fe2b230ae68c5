from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from k8s_log_agent.commands import summarize as verb
from k8s_log_agent.ingest import loki_access
from k8s_log_agent.triage.time_spans import span_seconds
from tests.fake_loki import FakeLoki


def run(*arguments: str) -> Result:
    app = typer.Typer()
    verb.add_to(app)
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    file = tmp_path / "pods" / "shop_db-0_11111111-2222-3333-4444-555555555555" / "postgres" / "0.log"
    file.parent.mkdir(parents=True)
    texts = [
        "LOG:  checkpoint starting: time",
        'PANIC:  could not write to file "pg_wal/xlogtemp.9": No space left on device',
    ]
    file.write_text(
        "".join(f"2026-11-24T20:00:0{place}.000000000Z stderr F {text}\n" for place, text in enumerate(texts))
    )
    return tmp_path


def test_a_folder_becomes_a_report_with_cause_place_line_and_next_steps(logs: Path) -> None:
    done = run(str(logs))

    assert done.exit_code == 0
    assert "disk_full" in done.stdout and "`shop`" in done.stdout and "postgres/0.log:2`" in done.stdout
    assert "2026-11-24 20:00:01 UTC" in done.stdout and "**Next steps**" in done.stdout


def test_both_files_are_written_and_the_json_says_the_same(logs: Path, tmp_path: Path) -> None:
    done = run(str(logs), "--out", str(tmp_path / "report"), "--json")

    shown = json.loads(done.stdout)
    assert json.loads((tmp_path / "report" / "incident_summary.json").read_text()) == shown
    assert (tmp_path / "report" / "incident_summary.md").read_text().startswith("# What happened")
    assert shown["incidents"][0]["cause"] == "disk_full" and shown["model"] == ""


def test_a_model_server_that_is_down_is_a_note_and_no_failure(logs: Path) -> None:
    done = run(str(logs), "--model-url", "http://127.0.0.1:9")

    assert done.exit_code == 0 and "no model, so no incident has a sentence" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ([], "Name either"),
        (["{logs}", "--loki", "http://127.0.0.1:9"], "Name either"),
        (["{logs}", "--since", "soon"], "soon is not a span of time"),
        (["{logs}/absent"], "does not exist"),
    ],
)
def test_it_refuses_in_one_paragraph(logs: Path, arguments: list[str], wrong: str) -> None:
    done = run(*[argument.format(logs=logs) for argument in arguments])

    assert done.exit_code == 1 and wrong in done.stderr and "Traceback" not in done.stderr


def test_lines_that_are_too_old_are_left_out(logs: Path) -> None:
    assert "No failure was found" in run(str(logs), "--since", "1s").stdout


def test_a_loki_is_read_over_the_span(monkeypatch: pytest.MonkeyPatch) -> None:
    loki = FakeLoki()
    moment = time.time_ns() - 600 * 10**9
    labels = {"job": "shop/db", "namespace": "shop", "pod": "db-0", "container": "postgres"}
    full = 'PANIC:  could not write to file "pg_wal/xlogtemp.9": No space left on device'
    loki.add(labels, (moment, full), (moment - 7200 * 10**9, "FATAL:  password authentication failed for user x"))
    monkeypatch.setattr(loki_access, "http_client", lambda _: loki.client())

    done = run("--loki", "http://loki.invalid", "--since", "1h", "--json")

    shown = json.loads(done.stdout)
    assert [(one["cause"], one["scope"], one["pods"]) for one in shown["incidents"]] == [
        ("disk_full", "shop", ["db-0"])
    ]
    assert shown["counts"]["lines"] == 1


def test_spans_are_read_as_people_type_them() -> None:
    assert [span_seconds(text) for text in ("90s", "15m", "2h", "1d")] == [90, 900, 7200, 86400]
