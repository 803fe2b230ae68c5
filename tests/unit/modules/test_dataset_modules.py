from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.module_door import run_module
from tests.recorded_logs import write_recording

FEW = {"INFO": 3, "WARN": 1, "ERROR": 2, "CRITICAL": 1}


class Place:
    """A folder with a recording, and the arguments of the four modules in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.real = folder / "out" / "golden_dataset_real.json"
        self.synthetic = folder / "out" / "golden_dataset_synthetic.json"
        self.combined = folder / "out" / "golden_dataset.json"
        self.analysis = folder / "out" / "dataset_analysis.json"
        write_recording(folder / "recordings")

    def extract(self, **options: Any) -> dict[str, Any]:
        return {"source": str(self.folder / "recordings"), "dest": str(self.real), "target": FEW, **options}

    def synthesize(self, **options: Any) -> dict[str, Any]:
        return {"dest": str(self.synthetic), "target": FEW, **options}

    def combine(self, **options: Any) -> dict[str, Any]:
        inputs = {"real": str(self.real), "synthetic": str(self.synthetic)}
        return {**inputs, "dest": str(self.combined), "target": FEW, **options}

    def analyse(self, **options: Any) -> dict[str, Any]:
        return {"dataset": str(self.combined), "dest": str(self.analysis), "target": FEW, **options}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_extract_writes_once_and_is_then_unchanged(place: Place) -> None:
    first = run_module("dataset_extract", place.extract())
    second = run_module("dataset_extract", place.extract())

    assert first["changed"] and not second["changed"]
    assert first["sha256"] == second["sha256"]
    assert first["counts"]["label_source"]["provoked"] == 1
    assert first["diff"]["before"] == {"sha256": None, "counts": None}
    assert first["diff"]["after"]["counts"] == first["counts"]
    assert second["diff"] is None


def test_check_mode_foretells_the_content_and_writes_nothing(place: Place) -> None:
    foretold = run_module("dataset_extract", place.extract(), check=True)

    assert foretold["changed"] and not place.real.parent.exists()
    assert foretold["sha256"] == run_module("dataset_extract", place.extract())["sha256"]


def test_another_seed_changes_the_synthetic_records(place: Place) -> None:
    run_module("dataset_synthesize", place.synthesize())

    assert not run_module("dataset_synthesize", place.synthesize())["changed"]
    assert run_module("dataset_synthesize", place.synthesize(seed=2))["changed"]


def test_combine_writes_the_set_and_its_card_and_mends_either(place: Place) -> None:
    run_module("dataset_extract", place.extract())
    run_module("dataset_synthesize", place.synthesize())

    first = run_module("dataset_combine", place.combine())
    (place.folder / "out" / "golden_dataset_card.md").write_text("altered by somebody")
    second = run_module("dataset_combine", place.combine())

    assert [Path(file["path"]).name for file in first["files"]] == ["golden_dataset.json", "golden_dataset_card.md"]
    assert [file["changed"] for file in first["files"]] == [True, True]
    assert [file["changed"] for file in second["files"]] == [False, True]
    assert not run_module("dataset_combine", place.combine())["changed"]


def test_a_target_that_is_not_met_is_returned_and_fails_only_when_strict(place: Place) -> None:
    run_module("dataset_extract", place.extract())
    run_module("dataset_synthesize", place.synthesize())
    much = {**FEW, "CRITICAL": 40}

    assert run_module("dataset_combine", place.combine(target=much))["shortfalls"]["CRITICAL"] > 30
    strict = run_module("dataset_combine", place.combine(target=much, strict=True))
    assert strict["failed"] and "CRITICAL are short" in strict["msg"]


def test_the_analysis_is_written_twice_and_says_what_is_missing(place: Place) -> None:
    run_module("dataset_extract", place.extract())
    run_module("dataset_synthesize", place.synthesize())
    run_module("dataset_combine", place.combine())

    answer = run_module("dataset_analysis", place.analyse(target={**FEW, "WARN": 5}))

    assert answer["changed"] and answer["shortfalls"] == {"WARN": 4}
    assert json.loads(place.analysis.read_text())["records"] == answer["records"] == 7
    assert place.analysis.with_suffix(".md").is_file()


def test_check_mode_without_inputs_foretells_a_change(place: Place) -> None:
    combined = run_module("dataset_combine", place.combine(), check=True)
    analysis = run_module("dataset_analysis", place.analyse(input_sha256={"dataset": combined["sha256"]}), check=True)

    assert combined["changed"] and combined["sha256"] is None
    assert analysis["changed"]


def test_check_mode_looks_past_an_input_that_will_be_mended(place: Place) -> None:
    real = run_module("dataset_extract", place.extract())["sha256"]
    synthetic = run_module("dataset_synthesize", place.synthesize())["sha256"]
    run_module("dataset_combine", place.combine())
    place.real.write_text("altered by somebody")
    hashes = {"real": real, "synthetic": synthetic}

    assert not run_module("dataset_combine", place.combine(input_sha256=hashes), check=True)["changed"]
    other = {**hashes, "real": "0" * 64}
    assert run_module("dataset_combine", place.combine(input_sha256=other), check=True)["changed"]


def test_a_wrong_input_or_target_is_one_paragraph(place: Place) -> None:
    for answer in (
        run_module("dataset_combine", place.combine()),
        run_module("dataset_analysis", place.analyse()),
        run_module("dataset_extract", place.extract(source="/nowhere")),
        run_module("dataset_extract", place.extract(target={"FATAL": 3})),
        run_module("dataset_synthesize", place.synthesize(templates="/nowhere.json")),
        run_module("dataset_combine", place.combine(synthetic_share=3)),
    ):
        assert answer["failed"]
        assert "\n" not in answer["msg"]
    assert not place.real.parent.exists()
