from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.module_door import run_module
from tests.unit.evaluation.test_cases import recording

FILES = ("triage.json", "evaluation.json", "triage_timings.json")


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, Any]:
    folder = tmp_path / "recordings" / "held_out" / "redis"
    folder.mkdir(parents=True)
    recording(folder)
    return {
        "recordings": str(tmp_path / "recordings"),
        "dest": str(tmp_path / "out"),
        "cache": str(tmp_path / "state" / "answers.jsonl"),
    }


def out(arguments: dict[str, Any]) -> Path:
    return Path(arguments["dest"])


def test_a_first_run_scores_and_a_second_changes_nothing(arguments: dict[str, Any]) -> None:
    first = run_module("triage_evaluate", arguments)
    kept = {name: (out(arguments) / name).read_bytes() for name in FILES}
    second = run_module("triage_evaluate", arguments)

    assert first["changed"] and not second["changed"]
    assert first["scores"] == second["scores"]
    assert first["scores"]["held_out"]["majority"]["cause_accuracy"]["of"] == 1
    assert kept == {name: (out(arguments) / name).read_bytes() for name in FILES}


def test_check_mode_predicts_and_writes_nothing(arguments: dict[str, Any]) -> None:
    predicted = run_module("triage_evaluate", arguments, check=True)

    assert predicted["changed"] and not out(arguments).exists() and not Path(arguments["cache"]).exists()

    run_module("triage_evaluate", arguments)
    assert not run_module("triage_evaluate", arguments, check=True)["changed"]


def test_an_altered_result_is_mended_without_judging_anew(arguments: dict[str, Any]) -> None:
    run_module("triage_evaluate", arguments)
    kept = Path(arguments["cache"]).read_bytes()
    (out(arguments) / "evaluation.json").write_text("{}")

    predicted = run_module("triage_evaluate", arguments, check=True)
    mended = run_module("triage_evaluate", arguments)

    assert predicted["changed"] and mended["changed"]
    assert predicted["diff"] == mended["diff"]
    assert list(mended["diff"]["after"]) == [str(out(arguments) / "evaluation.json")]
    assert Path(arguments["cache"]).read_bytes() == kept


def test_a_gate_that_is_not_passed_fails_with_the_offending_rows(arguments: dict[str, Any], tmp_path: Path) -> None:
    gate = tmp_path / "gate.yaml"
    wanted = "{version: 1, thresholds: [{figure: held_out/triage/cause_accuracy, at_least: BOUND, reason: a test}]}"
    gate.write_text(wanted.replace("BOUND", "0"))
    passed = run_module("triage_evaluate", {**arguments, "gate": str(gate)})
    again = run_module("triage_evaluate", {**arguments, "gate": str(gate)})
    gate.write_text(wanted.replace("BOUND", "1.1"))
    missed = run_module("triage_evaluate", {**arguments, "gate": str(gate)})

    assert [one["passed"] for one in passed["gate"]] == [True] and passed["changed"] and not again["changed"]
    assert missed["failed"] and "at least 1.1" in missed["msg"] and not missed["gate"][0]["passed"]
    assert json.loads((out(arguments) / "gate.json").read_text())["passed"] is False


def test_nothing_to_judge_is_said_in_one_paragraph(arguments: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    answer = run_module("triage_evaluate", {**arguments, "recordings": str(tmp_path / "empty")})

    assert answer["failed"] and "nothing to judge" in answer["msg"] and "\n" not in answer["msg"]


def test_a_data_set_that_an_earlier_task_will_make_is_no_error_in_check_mode(arguments: dict[str, Any]) -> None:
    missing = {**arguments, "dataset": str(out(arguments) / "golden_dataset.json")}

    assert run_module("triage_evaluate", missing, check=True)["changed"]
    assert run_module("triage_evaluate", missing)["failed"]


def test_the_report_is_made_once_and_mended_when_it_was_altered(arguments: dict[str, Any]) -> None:
    run_module("triage_evaluate", arguments)
    folder = {"folder": arguments["dest"]}

    predicted = run_module("run_report", folder, check=True)
    assert predicted["changed"] and not (out(arguments) / "report.html").exists()
    made = run_module("run_report", folder)
    assert made["changed"] and not run_module("run_report", folder)["changed"]
    assert json.loads(Path(made["summary"]).read_text())["scores"]["held_out"]

    (out(arguments) / "report.html").write_text("altered")
    mended = run_module("run_report", folder)
    assert list(mended["diff"]["after"]) == [made["report"]]


def test_a_report_on_nothing_says_what_to_run(tmp_path: Path) -> None:
    answer = run_module("run_report", {"folder": str(tmp_path / "nothing")})

    assert answer["failed"] and "make demo" in answer["msg"]


def test_a_broken_file_stops_the_report_and_is_a_warning_in_check_mode(arguments: dict[str, Any]) -> None:
    run_module("triage_evaluate", arguments)
    (out(arguments) / "triage.json").write_text("{")
    folder = {"folder": arguments["dest"]}

    predicted = run_module("run_report", folder, check=True)
    real = run_module("run_report", folder)

    assert not predicted.get("failed") and not predicted["changed"] and "triage.json" in str(predicted["warnings"])
    assert real["failed"] and "triage.json" in real["msg"] and "Delete it" in real["msg"]
