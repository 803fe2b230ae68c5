"""A recording takes the place of the one before as a whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8s_log_agent.ingest.recordings import find_recordings
from tools.recorder.check import faults_in
from tools.recorder.keeping import record_program
from tools.recorder.program import Program, Script
from tools.recorder.recording import Recording

PROGRAM = Program(name="demo", kind="app", split="training", version="1.2.3", command=("demo",))


def says(text: str) -> Script:
    def record(recording: Recording) -> None:
        pod = recording.pod("demo-0", namespace="shop")
        with recording.healthy("It speaks"):
            pod.write(text)

    return Script(PROGRAM, record)


def breaks(recording: Recording) -> None:
    with recording.healthy("It breaks"):
        recording.pod("demo-0").run(["sleep", "60"])
        raise KeyboardInterrupt


def texts(root: Path) -> list[str]:
    return [path.read_text().split(" F ")[1].strip() for path in root.glob("training/demo/pods/*/*/0.log")]


def test_a_recording_is_kept_with_its_manifest(tmp_path: Path) -> None:
    record_program(says("hello"), tmp_path, tmp_path / "cache", None)

    (kept,) = find_recordings(tmp_path, "training")
    assert (kept.manifest.program.name, kept.manifest.program.version, kept.manifest.lines) == ("demo", "1.2.3", 1)
    assert faults_in(kept) == []


def test_a_new_recording_replaces_the_old_one(tmp_path: Path) -> None:
    record_program(says("old"), tmp_path, tmp_path / "cache", None)
    record_program(says("new"), tmp_path, tmp_path / "cache", None)

    assert texts(tmp_path) == ["new"]
    assert [path.name for path in (tmp_path / "training").iterdir()] == ["demo"]


def test_a_failure_leaves_the_old_one_and_nothing_half_written(tmp_path: Path) -> None:
    record_program(says("old"), tmp_path, tmp_path / "cache", None)

    with pytest.raises(KeyboardInterrupt):
        record_program(Script(PROGRAM, breaks), tmp_path, tmp_path / "cache", None)

    assert texts(tmp_path) == ["old"]
    assert [path.name for path in (tmp_path / "training").iterdir()] == ["demo"]


def test_a_changed_log_no_longer_fits_its_manifest(tmp_path: Path) -> None:
    record_program(says("hello"), tmp_path, tmp_path / "cache", None)
    (kept,) = find_recordings(tmp_path)
    (log,) = kept.folder.glob("pods/*/*/0.log")
    log.write_text(log.read_text() * 2)

    assert any("its manifest says 1" in text for text in faults_in(kept))
