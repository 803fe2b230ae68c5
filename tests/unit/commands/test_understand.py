"""`k8s-log-agent understand`: a view for people, JSON lines for programs, one paragraph for errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from k8s_log_agent.commands import understand

LOG = """2026-11-24T20:00:00.000000001Z stdout F {"level":"info","msg":"started"}
2026-11-24T20:00:01.000000001Z stderr F panic: it broke
2026-11-24T20:00:02.000000001Z stdout F {"level":"error","msg":"lost 1"}
2026-11-24T20:00:03.000000001Z stdout F {"level":"error","msg":"lost 2"}
"""
FIELDS = (
    "timestamp stream message severity level method confidence signature cluster noise_rule causes redactions lines"
)


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    made.callback()(lambda: None)
    understand.add_to(made)
    return made


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    path = tmp_path / "shop_web-0_1" / "app" / "0.log"
    path.parent.mkdir(parents=True)
    path.write_text(LOG, encoding="utf-8")
    return tmp_path


def test_json_lines_hold_one_event_each_with_all_fields(app: typer.Typer, tree: Path) -> None:
    result = CliRunner().invoke(app, ["understand", str(tree), "--jsonl"])

    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert len(records) == 4
    assert set(FIELDS.split()) <= set(records[0])
    assert {record["severity"] for record in records} == {"INFO", "CRITICAL", "ERROR"}
    assert records[0]["stream"] == {"namespace": "shop", "pod": "web-0", "container": "app", "output": "stdout"}
    assert records[0]["timestamp"] == "2026-11-24T20:00:00.000000001Z"


def test_the_view_shows_the_worst_first_then_the_most_frequent(app: typer.Typer, tree: Path) -> None:
    result = CliRunner().invoke(app, ["understand", str(tree)], env={"COLUMNS": "160"})

    rows = [line.split()[:2] for line in result.stdout.splitlines()[1:4]]
    assert rows == [["CRITICAL", "1"], ["ERROR", "2"], ["INFO", "1"]]
    assert "4 lines, 4 events, 3 signatures" in result.stdout


def test_a_field_of_json_lines_comes_from_standard_input(app: typer.Typer) -> None:
    given = json.dumps({"row": "connect: connection refused"}) + "\n"

    result = CliRunner().invoke(app, ["understand", "-", "--jsonl", "--jsonl-field", "row"], input=given)

    assert json.loads(result.stdout)["severity"] == "ERROR"


@pytest.mark.parametrize("place", ["missing", "."])
def test_nothing_to_read_is_told_in_one_paragraph(app: typer.Typer, tmp_path: Path, place: str) -> None:
    result = CliRunner().invoke(app, ["understand", str(tmp_path / place)])

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.output


def test_an_unknown_option_is_a_mistake_in_the_call(app: typer.Typer) -> None:
    assert CliRunner().invoke(app, ["understand", "--nonsense"]).exit_code == 2
