"""playbooks/dataset.yml on a recording: prediction, idempotence, mending of each file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recorded_logs import write_recording

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
TASKS = ["Extract real records", "Make synthetic records", "Combine them", "Analyse the data set"]
FILES = {
    "golden_dataset_real.json": TASKS[0],
    "golden_dataset_synthetic.json": TASKS[1],
    "golden_dataset.json": TASKS[2],
    "golden_dataset_card.md": TASKS[2],
    "dataset_analysis.json": TASKS[3],
    "dataset_analysis.md": TASKS[3],
}


class Play:
    """The playbook over a recording in `folder`, with its output below it."""

    def __init__(self, folder: Path) -> None:
        self.output = folder / "demo"
        write_recording(folder / "recordings")
        self.variables = {
            "dataset_source": str(folder / "recordings"),
            "log_intelligence_output_dir": str(self.output),
        }

    def changes(self, *options: str, **variables: object) -> list[str]:
        """Runs it and returns the names of the tasks that reported a change."""
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "playbooks/dataset.yml"]
        command += ["-i", "inventory/local", "-e", json.dumps({**self.variables, **variables}), *options]
        environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return [
            task["task"]["name"]
            for play in json.loads(done.stdout)["plays"]
            for task in play["tasks"]
            if task["hosts"]["localhost"]["changed"]
        ]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Play:
    """The prediction with nothing there, then the real run, then a second one."""
    play = Play(tmp_path_factory.mktemp("dataset"))
    predicted = play.changes("--check", "--diff")
    assert not play.output.exists(), "check mode wrote something"
    assert play.changes() == predicted == TASKS
    assert play.changes() == []
    return play


def test_the_files_of_the_contract_are_there(played: Play) -> None:
    assert {path.name for path in played.output.iterdir()} == set(FILES)
    combined = json.loads((played.output / "golden_dataset.json").read_text())
    assert combined["manifest"]["counts"]["severity"] == {"INFO": 37, "WARN": 38, "ERROR": 60, "CRITICAL": 15}


@pytest.mark.parametrize("file", [name for name in FILES if name.endswith(".json")])
def test_exactly_the_altered_file_is_mended(played: Play, file: str) -> None:
    path = played.output / file
    before = path.read_bytes()
    path.write_bytes(before[:-20] + b"altered by somebody\n")

    predicted = played.changes("--check")
    mended = played.changes()

    assert mended == predicted == [FILES[file]]
    assert path.read_bytes() == before


def test_another_seed_is_foretold_and_changes_what_depends_on_it(played: Play) -> None:
    assert played.changes("--check", dataset_seed=2) == TASKS
    assert played.changes(dataset_seed=2) == TASKS
