from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from k8s_log_agent.commands import label as verb
from k8s_log_agent.commands.dataset import add_to
from k8s_log_agent.dataset import store
from k8s_log_agent.dataset.human_labels import (
    HumanLabel,
    HumanLabels,
    applied,
    corrected_truth,
    key_of,
    labels_file,
    read_labels,
    waiting,
)
from k8s_log_agent.dataset.store import Artefact, DatasetError
from k8s_log_agent.records import GoldenDataset, GoldenManifest, Severity
from k8s_log_agent.understand.causes import CauseTable
from tests.golden_records import golden_record
from tests.recorded_logs import write_recording

CAUSES = CauseTable.default()
AT = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)


def dataset_of(*raws: str) -> GoldenDataset:
    records = tuple(golden_record(raw, label_source="rule") for raw in raws)
    manifest = GoldenManifest(
        name="real", created_by="test", package_version="1", signature_version=1, seed=1,
        records_sha256=store.records_sha256(records), counts=store.count_records(records),
    )  # fmt: skip
    return GoldenDataset(manifest=manifest, records=records)


def run(dataset: Path, typed: str) -> Result:
    app = typer.Typer()
    verb.add_to(app)
    return CliRunner().invoke(app, [str(dataset), "--author", "ada"], input=typed)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "golden_dataset_real.json"
    Artefact(path, store.encode(dataset_of("disk is full", "token was refused"))).write()
    return path


def test_a_correction_changes_the_truth_and_keeps_author_time_and_reason(dataset: Path) -> None:
    first = waiting(store.read(dataset).records)[0]

    done = run(dataset, "dns_failure\n\nthe resolver was down\nq\n")

    assert done.exit_code == 0 and "1 labelled, 1 left" in done.stdout
    (changed,) = [one for one in store.read(dataset).records if one.quality.label_source == "human"]
    assert key_of(changed.input) == key_of(first.input)
    assert (changed.truth.cause, changed.truth.category.value) == ("dns_failure", "network")
    assert (changed.quality.author, changed.quality.note) == ("ada", "the resolver was down")
    assert changed.provenance.history[-1].startswith("corrected by ada on ")
    assert changed.id == store.record_id(changed.input, changed.truth)


def test_confirming_skipping_and_an_unknown_code(dataset: Path) -> None:
    done = run(dataset, "no_such_cause\n\ns\n")

    assert "no_such_cause is no cause code" in done.stderr
    assert sorted(one.quality.label_source for one in store.read(dataset).records) == ["human", "rule"]


def test_counts_and_hash_of_the_manifest_follow(dataset: Path) -> None:
    run(dataset, "bad_gateway\nWARN\n\n\n")

    content = store.read(dataset)
    assert content.manifest.counts == store.count_records(content.records)
    assert content.manifest.records_sha256 == store.records_sha256(content.records)
    assert content.manifest.counts["severity"] == {"ERROR": 1, "WARN": 1}


def test_a_second_word_on_a_record_takes_the_place_of_the_first() -> None:
    (record,) = dataset_of("disk is full").records
    first = HumanLabel(record=key_of(record.input), kind="confirmed", truth=record.truth, author="ada", at=AT)
    second = first.model_copy(update={"author": "grace"})

    assert HumanLabels().with_label(first).with_label(second).labels == (second,)


def test_records_that_nobody_spoke_of_stay_byte_for_byte() -> None:
    whole = dataset_of("disk is full")

    assert applied(whole, HumanLabels()) is whole


def test_a_cause_takes_its_severity_and_none_is_no_failure() -> None:
    record = golden_record("disk is full")

    assert corrected_truth(record, "panic", CAUSES).severity is CAUSES.cause("panic").severity
    healthy = corrected_truth(record, "none", CAUSES)
    assert (healthy.is_failure, healthy.evidence_lines, healthy.severity) == (False, (), Severity.WARN)


def test_a_file_that_is_no_labels_is_refused_and_kept(dataset: Path) -> None:
    broken = dataset.with_name("human_labels.json")
    broken.write_text('{"labels": 7}')

    done = run(dataset, "\n")

    assert done.exit_code == 1 and "It is kept as it is" in done.stderr
    assert broken.read_text() == '{"labels": 7}'
    with pytest.raises(DatasetError):
        read_labels(broken)


def test_a_new_extraction_into_the_same_folder_keeps_what_people_said(tmp_path: Path) -> None:
    write_recording(tmp_path / "recordings")
    out = tmp_path / "golden_dataset_real.json"
    app = typer.Typer()
    add_to(app)
    extract = ["dataset", "extract", "--source", str(tmp_path / "recordings"), "--out", str(out)]
    assert CliRunner().invoke(app, extract).exit_code == 0
    record = store.read(out).records[0]
    said = HumanLabel(record=key_of(record.input), kind="confirmed", truth=record.truth, author="ada", at=AT)
    labels_file(out.with_name("human_labels.json"), HumanLabels(labels=(said,))).write()

    assert CliRunner().invoke(app, extract).exit_code == 0

    assert [one.quality.author for one in store.read(out).records if one.quality.label_source == "human"] == ["ada"]
