from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from k8s_log_agent.commands import drift as verb

HEALTHY = "INFO  plugin {number} was loaded"
BROKEN = "ERROR dial tcp 10.0.0.{number}:5432: connect: connection refused"


def run(*arguments: object) -> Result:
    app = typer.Typer()
    verb.add_to(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def logs(folder: Path, *texts: str) -> Path:
    file = folder / "shop_web-0_11111111-2222-3333-4444-555555555555" / "web" / "0.log"
    file.parent.mkdir(parents=True)
    lines = []
    for number in range(600):
        text = texts[number % len(texts)].format(number=number % 7)
        lines.append(f"2026-11-24T{number // 60:02d}:{number % 60:02d}:00.000000000Z stderr F {text}\n")
    file.write_text("".join(lines))
    return folder


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return logs(tmp_path / "before", HEALTHY, HEALTHY, HEALTHY, BROKEN)


@pytest.fixture
def after(tmp_path: Path) -> Path:
    return logs(tmp_path / "after", HEALTHY, BROKEN, BROKEN, BROKEN)


def test_the_same_logs_have_not_drifted(before: Path) -> None:
    done = run(before, before, "--fail")

    assert done.exit_code == 0 and "alert" not in done.stdout


def test_three_drifting_days_alert_and_are_written_for_people_and_for_prometheus(
    before: Path, after: Path, tmp_path: Path
) -> None:
    kept, state = tmp_path / "before.profile.json", tmp_path / "state.json"
    page, metrics = tmp_path / "drift.html", tmp_path / "drift.prom"
    first = run(before, after, "--save", kept, "--state", state, "--fail")
    codes = [first.exit_code]
    for _ in range(2):
        done = run(kept, after, "--state", state, "--fail", "--html", page, "--prometheus", metrics)
        codes.append(done.exit_code)

    assert codes == [0, 0, 3], done.output
    assert "Severity" in page.read_text() and 'drift_alert{metric="severity",side="input"} 1' in metrics.read_text()
    assert json.loads(state.read_text())["severity"] == 3


def test_the_report_is_there_for_machines(before: Path, after: Path) -> None:
    shown = json.loads(run(before, after, "--json").stdout)

    assert next(one["state"] for one in shown["metrics"] if one["name"] == "severity") == "alert"


def test_what_cannot_be_read_is_refused_in_one_paragraph(before: Path, tmp_path: Path) -> None:
    broken = tmp_path / "x.profile.json"
    broken.write_text("{}")
    state = tmp_path / "state.json"
    state.write_text("[]")

    for arguments, said in (
        ((broken, before), "is no drift profile"),
        ((before, tmp_path / "absent"), "does not exist"),
        ((before, before, "--state", state), "Delete it to begin anew"),
        ((before, before, "--correction", "none"), "correction"),
    ):
        done = run(*arguments)
        assert done.exit_code == 1 and said in done.stderr and "Traceback" not in done.stderr
