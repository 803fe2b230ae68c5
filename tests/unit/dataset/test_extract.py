"""From logs on disk to labelled records, with the real understanding."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8s_log_agent.dataset.extract import Extraction, ExtractOptions
from k8s_log_agent.dataset.labelling import Labeller
from k8s_log_agent.dataset.sources import FileSource, LogSource, RecordedSource, is_recording
from k8s_log_agent.dataset.splits import leaks
from k8s_log_agent.dataset.store import DatasetError, encode
from k8s_log_agent.records import GoldenDataset, GoldenRecord, Severity
from k8s_log_agent.understand.causes import CauseTable
from k8s_log_agent.understand.pipeline import Understanding
from tests.recorded_logs import FAULT_TEXT, write_recording


def extracted(source: LogSource, **target: int) -> GoldenDataset:
    wanted = {Severity(name): number for name, number in target.items()}
    options = ExtractOptions(wanted) if wanted else ExtractOptions()
    return Extraction(Understanding.default().events, Labeller(CauseTable.default()), options, lambda text: None).run(
        source
    )


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    write_recording(tmp_path)
    return tmp_path


def fault(dataset: GoldenDataset) -> GoldenRecord:
    (found,) = (record for record in dataset.records if record.quality.label_source == "provoked")
    return found


def test_the_stating_line_carries_the_truth_of_the_recording(recordings: Path) -> None:
    record = fault(extracted(RecordedSource(recordings)))

    assert record.input.raw == FAULT_TEXT
    assert record.truth.cause == "disk_full"
    assert record.truth.severity is Severity.CRITICAL
    assert record.truth.component.name == "ledger"
    assert record.truth.evidence_lines == (0,)


def test_a_record_shows_what_stood_around_it(recordings: Path) -> None:
    record = fault(extracted(RecordedSource(recordings)))

    assert record.input.context_before[-1] == "WARN ledger volume is 99% full"
    assert record.input.context_after == ("INFO order 7 is kept in memory", "ERROR 3 orders were not kept")
    assert record.provenance.origin.startswith("recording training/orders: pods/shop_orders-0_")
    assert record.provenance.origin.endswith("/orders/0.log:42")


def test_one_signature_gives_two_records_and_the_number_of_its_lines(recordings: Path) -> None:
    dataset = extracted(RecordedSource(recordings))
    shipped = [record for record in dataset.records if "shipped" in record.input.raw]

    assert len(shipped) == 2
    assert {record.input.occurrence_count for record in shipped} == {40}
    assert dataset.manifest.drops["signature has its examples"] == 38


def test_every_event_is_a_record_or_counted_as_left_out(recordings: Path) -> None:
    manifest = extracted(RecordedSource(recordings)).manifest
    dropped = sum(number for reason, number in manifest.drops.items() if not reason.startswith("reading: "))

    assert int(manifest.inputs["events"]) == sum(manifest.counts["severity"].values()) + dropped


def test_other_lines_of_a_fault_are_labelled_by_rule_and_say_what_went_on(recordings: Path) -> None:
    (lost,) = (record for record in extracted(RecordedSource(recordings)).records if "not kept" in record.input.raw)

    assert lost.quality.label_source == "rule"
    assert lost.truth.severity is Severity.ERROR
    assert lost.truth.cause == "unknown" and not lost.truth.answerable
    assert lost.quality.note == "logged while disk_full was provoked"


def test_records_of_held_out_programs_are_test_records_and_draw_their_signatures_along(tmp_path: Path) -> None:
    write_recording(tmp_path, "training", "orders")
    write_recording(tmp_path, "held_out", "stock")

    dataset = extracted(RecordedSource(tmp_path))

    held_out = [record for record in dataset.records if "held-out" in record.quality.tags]
    assert held_out and all(record.split == "test" for record in held_out)
    assert leaks(dataset.records) == []


def test_held_out_programs_stay_out_unless_asked_for(tmp_path: Path) -> None:
    write_recording(tmp_path, "training", "orders")
    write_recording(tmp_path, "held_out", "stock")

    dataset = extracted(RecordedSource(tmp_path, ("training",)))

    assert all(record.provenance.origin.startswith("recording training/") for record in dataset.records)


def test_a_folder_without_manifest_gives_records_by_rule(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text(
        'level=info msg=started\nlevel=error msg="write /data: no space left on device"\n'
    )

    assert not is_recording(tmp_path)
    dataset = extracted(FileSource(tmp_path))

    (failed,) = (record for record in dataset.records if record.truth.severity.rank >= Severity.ERROR.rank)
    assert failed.quality.label_source == "rule"
    assert failed.truth.cause == "disk_full"


def test_secrets_do_not_reach_a_record(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text('level=error msg="login failed" password=hunter2hunter2\n')

    dataset = extracted(FileSource(tmp_path))

    assert dataset.records[0].derived.redactions
    assert "hunter2" not in encode(dataset).decode()


def test_the_same_input_gives_the_same_bytes(recordings: Path) -> None:
    assert encode(extracted(RecordedSource(recordings))) == encode(extracted(RecordedSource(recordings)))


def test_what_is_short_is_reported(recordings: Path) -> None:
    dataset = extracted(RecordedSource(recordings), INFO=1, CRITICAL=9)

    assert dataset.manifest.counts["severity"] == {"CRITICAL": 1, "INFO": 1}
    assert dataset.manifest.shortfalls == {"CRITICAL": 8}


def test_a_source_without_lines_is_one_paragraph(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="No log lines were found") as caught:
        extracted(RecordedSource(tmp_path))

    assert "\n" not in str(caught.value)
