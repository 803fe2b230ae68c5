from __future__ import annotations

from pathlib import Path

import pytest

from k8s_log_agent.dataset.store import Artefact, DatasetError, canonical, encode, parse, read, record_id
from k8s_log_agent.records import GoldenDataset, GoldenManifest
from tests.golden_records import golden_record


def dataset() -> GoldenDataset:
    records = (golden_record("no space left"), golden_record("all well", cause="none"))
    manifest = GoldenManifest(
        name="golden_dataset",
        created_by="a test",
        package_version="1.0.0",
        signature_version=1,
        seed=1,
        records_sha256="0" * 64,
        counts={},
    )
    return GoldenDataset(manifest=manifest, records=records)


def test_what_is_written_is_read_back_equal(tmp_path: Path) -> None:
    Artefact(tmp_path / "set.json", encode(dataset())).write()

    assert read(tmp_path / "set.json") == dataset()


def test_keys_are_sorted_so_that_equal_values_give_equal_bytes() -> None:
    assert canonical({"b": 1, "a": {"d": 2, "c": 3}}) == canonical({"a": {"c": 3, "d": 2}, "b": 1})


def test_a_file_that_has_its_content_is_left_alone(tmp_path: Path) -> None:
    artefact = Artefact(tmp_path / "deep" / "set.json", b"{}\n")

    assert artefact.write()
    written = artefact.path.stat().st_mtime_ns
    assert not artefact.write()
    assert artefact.path.stat().st_mtime_ns == written
    assert [path.name for path in artefact.path.parent.iterdir()] == ["set.json"]


def test_a_place_that_cannot_be_written_is_one_paragraph_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder is needed")

    with pytest.raises(DatasetError, match="cannot be written") as caught:
        Artefact(tmp_path / "taken" / "set.json", b"{}").write()

    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[1, 2", b'{"records": 3}', b"\xff\xfe"])
def test_what_is_no_data_set_is_refused_with_the_next_step(content: bytes) -> None:
    with pytest.raises(DatasetError, match="combine_datasets"):
        parse(content, "here.json")


def test_a_missing_file_says_which_script_makes_it(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="extract_golden_dataset"):
        read(tmp_path / "nowhere.json")


def test_the_name_of_a_record_follows_its_content_and_not_its_split() -> None:
    one, moved = golden_record("no space left"), golden_record("no space left", split="test")
    other = golden_record("no space left", cause="none")

    assert one.id == moved.id == record_id(one.input, one.truth)
    assert other.id != one.id
