"""What holds for the committed recordings: quantities, evidence, line format, privacy, frozen sums."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from k8s_log_agent.ingest.recordings import Recording, find_recordings
from tools.recorder import card
from tools.recorder.check import SUMS, Quantities, faults_in, measure, sums
from tools.recorder.program import known_programs

ROOT = Path(__file__).resolve().parents[3] / "examples" / "recordings"
RECORDINGS = list(find_recordings(ROOT))


@pytest.fixture(scope="module")
def quantities() -> Quantities:
    return measure(RECORDINGS)


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.folder.name)
def test_lines_windows_and_evidence_fit_together(recording: Recording) -> None:
    assert faults_in(recording) == []


def test_the_set_is_as_large_and_as_varied_as_promised(quantities: Quantities) -> None:
    assert quantities.shortfalls() == []


def test_what_is_held_out_is_what_was_frozen() -> None:
    assert (ROOT / SUMS).read_text(encoding="utf-8") == sums(ROOT)


def test_every_recording_has_a_script_of_the_same_split() -> None:
    scripts = {name: script.program.split for name, script in known_programs().items()}
    recorded = {recording.manifest.program.name: recording.manifest.split for recording in RECORDINGS}

    assert recorded.items() <= scripts.items()


def test_the_data_card_shows_the_recordings_that_are_there() -> None:
    assert card.table(RECORDINGS) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_missed_quantity_is_named() -> None:
    few = Quantities(Counter({"redis": 90, "nginx": 10}), 20, 5, Counter({"disk_full": 2}), {"disk_full": 1}, 0)

    text = " ".join(few.shortfalls())
    for part in (
        "programs: 2",
        "lines: 100",
        "signatures: 5",
        "disk_full was provoked only 2",
        "redis has 90%",
        "20% of all",
    ):
        assert part in text
