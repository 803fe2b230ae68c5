"""A window holds its lines, first and last microsecond included, over all pods."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from k8s_log_agent.ingest.recordings import RecordedProgram, RecordedWindow, Recording, RecordingManifest
from k8s_log_agent.ingest.windows import lines_within, recording_lines


def test_a_window_ends_with_its_last_microsecond(tmp_path: Path) -> None:
    window = RecordedWindow(
        id="w",
        kind="healthy",
        start=datetime(2026, 11, 24, 20, 0, 0, 100, tzinfo=UTC),
        end=datetime(2026, 11, 24, 20, 0, 1, 5, tzinfo=UTC),
        description="x",
    )
    program = RecordedProgram(name="p", kind="app", version="1", command=("p",))
    manifest = RecordingManifest(
        program=program, split="training", recorded_at=window.start, machine={}, lines=5, windows=(window,)
    )
    (tmp_path / "manifest.json").write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
    times = {
        "a_one_1/app/0.log": ["20:00:00.000099999", "20:00:00.000100000", "20:00:01.000005999", "20:00:01.000006Z"],
        "a_two_2/app/0.log": ["20:00:00.5"],
    }
    for name, stamps in times.items():
        path = tmp_path / "pods" / name
        path.parent.mkdir(parents=True)
        path.write_text("".join(f"2026-11-24T{stamp.rstrip('Z')}Z stdout F {stamp}\n" for stamp in stamps))

    lines = lines_within(recording_lines(Recording(tmp_path, manifest)), window)

    assert [line.text for line in lines] == ["20:00:00.000100000", "20:00:00.5", "20:00:01.000005999"]
    assert {line.source for line in lines} == {"pods/a_one_1/app/0.log", "pods/a_two_2/app/0.log"}
