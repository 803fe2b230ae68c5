"""The four runs from files to files, as commands and scripts call them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from k8s_log_agent.commands.dataset import add_to
from k8s_log_agent.dataset import runs
from k8s_log_agent.dataset.combine import CombineOptions
from k8s_log_agent.dataset.sampling import CONTRACT_TARGET
from k8s_log_agent.dataset.store import read
from tests.recorded_logs import write_recording

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = ("extract_golden_dataset.py", "synthesize_logs.py", "combine_datasets.py", "dataset_analysis.py")


def script(name: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / name), *arguments]
    environment = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the four scripts were run with their defaults, after one another."""
    folder = tmp_path_factory.mktemp("scripts")
    write_recording(folder / "recordings")
    for name in SCRIPTS:
        given = ["--source", "recordings"] if name.startswith("extract") else []
        done = script(name, folder, *given)
        assert done.returncode == 0, done.stderr
    return folder


def test_the_four_scripts_make_the_contract(made: Path) -> None:
    dataset = json.loads((made / "golden_dataset.json").read_text())

    assert set(dataset) == {"schema_version", "manifest", "records"}
    assert dataset["manifest"]["counts"]["severity"] == {"INFO": 37, "WARN": 38, "ERROR": 60, "CRITICAL": 15}
    assert len(dataset["records"]) == 150
    assert (made / "golden_dataset_card.md").read_text().startswith("# Data card: golden_dataset")
    assert json.loads((made / "dataset_analysis.json").read_text())["distribution"]["missing"] == {}


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_script_has_help_with_an_example_of_itself(name: str, tmp_path: Path) -> None:
    done = script(name, tmp_path, "--help")

    assert done.returncode == 0
    assert f"python scripts/{name}" in done.stdout


def test_progress_goes_to_standard_error_and_the_result_to_standard_output(made: Path) -> None:
    done = script("synthesize_logs.py", made)

    assert "unchanged golden_dataset_synthetic.json" in done.stdout
    assert "CRITICAL: 64 of 64" in done.stderr and "CRITICAL: 64 of 64" not in done.stdout


def test_a_target_that_cannot_be_met_fails_only_when_strict(made: Path) -> None:
    impossible = ["--target", "CRITICAL=5000", "--out", "other.json"]

    assert script("combine_datasets.py", made, *impossible).returncode == 0
    strict = script("combine_datasets.py", made, *impossible, "--strict")
    assert strict.returncode == 1
    assert "CRITICAL are short" in strict.stdout
    assert read(made / "other.json").manifest.shortfalls["CRITICAL"] > 4000


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("extract_golden_dataset.py", ["--source", "http://127.0.0.1:9"], "kubectl port-forward"),
        ("extract_golden_dataset.py", ["--source", "nowhere"], "does not exist"),
        ("synthesize_logs.py", ["--templates", "nowhere.json"], "cannot be read"),
        ("combine_datasets.py", [], "extract_golden_dataset.py"),
        ("dataset_analysis.py", [], "combine_datasets.py"),
        ("combine_datasets.py", ["--target", "INFO=some"], "INFO=37"),
    ],
)
def test_what_goes_wrong_is_one_paragraph(tmp_path: Path, name: str, arguments: list[str], words: str) -> None:
    done = script(name, tmp_path, *arguments)

    assert done.returncode == 1
    assert words in done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_says_that_there_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()

    done = script("extract_golden_dataset.py", tmp_path, "--source", "logs")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr and "No log line" in done.stderr


def test_the_same_verbs_are_part_of_the_command(made: Path) -> None:
    app = typer.Typer()
    add_to(app)

    told = CliRunner().invoke(app, ["dataset", "lint-templates"])
    schema = CliRunner().invoke(app, ["dataset", "schema", "--templates"])

    assert "templates" in told.stdout
    assert schema.stdout == (ROOT / "scripts" / "log_templates.schema.json").read_text(encoding="utf-8")


def test_a_combination_stands_until_it_or_an_input_or_an_option_changes(made: Path) -> None:
    combined = made / "golden_dataset.json"
    inputs = read(combined).manifest.inputs

    assert runs.combination_stands(combined, inputs)
    assert not runs.combination_stands(combined, {**inputs, "real": "0" * 64})
    assert not runs.combination_stands(combined, {**inputs, "options": CombineOptions(seed=7).fingerprint})
    assert not runs.combination_stands(made / "nowhere.json", inputs)


def test_an_altered_analysis_does_not_stand(made: Path) -> None:
    analysis = made / "dataset_analysis.json"
    inputs = json.loads(analysis.read_text())["inputs"]
    other = made / "altered.json"
    other.write_text(analysis.read_text().replace('"records": 150', '"records":  150'))
    other.with_suffix(".md").write_bytes(analysis.with_suffix(".md").read_bytes())

    assert inputs["options"] == runs.analysis_fingerprint(CONTRACT_TARGET)
    assert runs.analysis_stands(analysis, inputs)
    assert not runs.analysis_stands(other, inputs)
