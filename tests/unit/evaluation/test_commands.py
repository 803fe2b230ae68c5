from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from k8s_log_agent.commands import evaluate, report
from k8s_log_agent.evaluation import evaluate as evaluation
from tests.unit.evaluation.test_cases import recording


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings" / "held_out" / "redis"
    folder.mkdir(parents=True)
    recording(folder)
    return tmp_path / "recordings"


def call(*words: str | Path) -> Result:
    app = typer.Typer()
    app.callback()(lambda: None)
    evaluate.add_to(app)
    report.add_to(app)
    return CliRunner().invoke(app, [str(word) for word in words])


def evaluated(recordings: Path, *more: str) -> Result:
    out = recordings.parent
    return call("evaluate", "--recordings", recordings, "--out", out, "--cache", out / "answers.jsonl", *more)


def test_scores_are_shown_beside_baselines_with_intervals(recordings: Path) -> None:
    done = evaluated(recordings)

    assert done.exit_code == 0, done.output
    for words in ("Triage, as shipped", "Most frequent answer", "100 % (21 to 100)", "No model was asked.", "next:"):
        assert words in done.stdout


def test_the_scores_can_be_had_as_json(recordings: Path) -> None:
    done = evaluated(recordings, "--json")

    assert json.loads(done.stdout)["parts"][0]["part"] == "held_out"


def test_nothing_to_judge_is_an_error_with_the_next_step(tmp_path: Path) -> None:
    done = evaluated(tmp_path)

    assert done.exit_code == 1
    assert "nothing to judge" in done.stderr and "Traceback" not in done.output


def test_a_cause_that_no_answer_can_name_is_refused(recordings: Path) -> None:
    manifest = next(recordings.rglob("manifest.json"))
    manifest.write_text(manifest.read_text().replace("disk_full", "gremlins"))

    done = evaluated(recordings)

    assert done.exit_code == 1 and "gremlins (held_out/redis/full-1)" in done.stderr


GATE = """
version: 1
thresholds:
  - {figure: held_out/triage/cause_accuracy, at_least: BOUND, reason: For tests only.}
non_inferiority: {baseline: baseline.json, margin: 0.05, parts: [held_out], fields: [cause]}
safety: {seed: 1}
"""


def test_a_gate_that_is_passed_says_nothing_and_one_that_is_not_names_the_rows(recordings: Path) -> None:
    gate, baseline = recordings.parent / "gate.yaml", recordings.parent / "baseline.json"
    gate.write_text(GATE.replace("BOUND", "0.0"))
    log = next(recordings.rglob("0.log"))
    log.write_text(log.read_text().replace("line 6", "ERROR No space left on device"))
    made = evaluated(recordings, "--write-baseline", str(baseline))
    passed = evaluated(recordings, "--gate", str(gate))
    found = json.loads((recordings.parent / "gate.json").read_text())
    log.write_text(log.read_text().replace("ERROR No space left on device", "line 6"))
    missed = evaluated(recordings, "--gate", str(gate))

    assert (made.exit_code, passed.exit_code) == (0, 0), passed.output
    assert found["passed"] and len(found["findings"]) == 6 and found["attacks"]["defended"]["rows"] >= 100
    assert missed.exit_code == evaluate.MISSED
    assert "held_out/redis/full-1: was right, now" in missed.stderr and "Traceback" not in missed.output


def test_a_gate_that_cannot_be_read_is_an_error(recordings: Path) -> None:
    (recordings.parent / "gate.yaml").write_text("version: 9")

    done = evaluated(recordings, "--gate", str(recordings.parent / "gate.yaml"))

    assert done.exit_code == 1 and "gate.yaml cannot be used" in done.stderr


def test_a_matrix_judges_every_setting_and_compares(recordings: Path) -> None:
    (recordings.parent / "matrix.yaml").write_text("[{name: rules}, {name: again, options: {seed: 5}}]")

    done = evaluated(recordings, "--matrix", str(recordings.parent / "matrix.yaml"))

    assert done.exit_code == 0, done.output
    assert "again" in done.stdout and "McNemar p = 1" in done.stdout
    assert (recordings.parent / "again" / "triage.json").is_file() and (recordings.parent / "matrix.json").is_file()


def test_an_interruption_says_that_the_answers_are_kept(recordings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluation, "evaluate", interrupted)
    done = evaluated(recordings)

    assert done.exit_code == 130
    assert "run again to go on" in done.stderr


def test_a_server_that_is_not_there_leaves_the_job_undone(recordings: Path) -> None:
    log = next(recordings.rglob("0.log"))
    log.write_text(log.read_text().replace("line 6", "ERROR No space left on device"))

    done = evaluated(recordings, "--model-url", "http://127.0.0.1:9", "--model", "m")

    assert done.exit_code == 1
    assert "1 case was not answered" in done.stderr and "run again" in done.stderr


def test_a_report_is_made_of_a_run(recordings: Path) -> None:
    evaluated(recordings)

    first, second = call("report", "--folder", recordings.parent), call("report", "--folder", recordings.parent)

    assert first.exit_code == second.exit_code == 0
    assert "written" in first.stdout and "already" in second.stdout
    assert (recordings.parent / "report.html").is_file()


def test_a_report_of_a_broken_run_names_the_file(recordings: Path) -> None:
    (recordings.parent / "evaluation.json").write_text("{")

    done = call("report", "--folder", recordings.parent)

    assert done.exit_code == 1 and "evaluation.json" in done.stderr
