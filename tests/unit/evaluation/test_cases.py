from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from k8s_log_agent.evaluation.cases import content_key, golden_cases, recorded_cases
from k8s_log_agent.ingest.recordings import load_recording
from k8s_log_agent.records import (
    Category,
    Component,
    GoldenDataset,
    GoldenDerived,
    GoldenInput,
    GoldenManifest,
    GoldenProvenance,
    GoldenQuality,
    GoldenRecord,
    GoldenTruth,
    Severity,
)
from tests.unit.evaluation.made_up import with_text

SOURCE = "pods/demo_redis-0_1/redis/0.log"


def recording(folder: Path) -> Path:
    """Ten lines, one a second, with a healthy window and a fault window."""
    log = folder / SOURCE
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"2026-11-24T10:00:0{second}.000000000Z stdout F line {second}\n" for second in range(10)))
    fault = {
        "id": "full-1", "kind": "fault", "start": "2026-11-24T10:00:05Z", "end": "2026-11-24T10:00:08Z",
        "description": "the disk is full", "cause": "disk_full", "severity": "CRITICAL",
        "component": {"kind": "cache", "name": "redis"}, "evidence": [{"source": SOURCE, "line": 7}], "lines": 4,
    }  # fmt: skip
    healthy = {
        "id": "healthy-1", "kind": "healthy", "start": "2026-11-24T10:00:00Z", "end": "2026-11-24T10:00:04Z",
        "description": "at rest", "lines": 5,
    }  # fmt: skip
    manifest = {
        "program": {"name": "redis", "kind": "cache", "version": "7", "command": ["redis-server"]},
        "split": "held_out", "recorded_at": "2026-11-24T10:00:00Z", "machine": {}, "lines": 10,
        "windows": [healthy, fault],
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def golden_record(split: str, name: str) -> GoldenRecord:
    return GoldenRecord.model_validate(
        {
            "id": name,
            "split": split,
            "input": GoldenInput(
                timestamp=datetime(2026, 11, 24, tzinfo=UTC),
                namespace="demo",
                pod="redis-0",
                container="redis",
                raw="first\nNo space left on device\nthird",
                message="first",
                format="plain",
            ),
            "derived": GoldenDerived(
                signature="abcd",
                signature_version=1,
                template="first",
                detected_severity=Severity.ERROR,
                detection_method="rule",
                detection_confidence=0.5,
                token_estimate=5,
            ),
            "truth": GoldenTruth(
                is_failure=True,
                severity=Severity.CRITICAL,
                category=Category.STORAGE,
                cause="disk_full",
                component=Component(kind="cache", name="redis"),
                evidence_lines=(1,),
            ),
            "quality": GoldenQuality(label_source="template"),
            "provenance": GoldenProvenance(source="synthetic", origin="t1", extractor_version="1"),
        }
    )


def test_each_window_is_a_case_with_its_own_lines_and_truth(tmp_path: Path) -> None:
    healthy, fault = recorded_cases([load_recording(recording(tmp_path))], lambda _: Category.STORAGE)

    assert [line.text for line in healthy.lines] == [f"line {second}" for second in range(5)]
    assert [line.number for line in fault.lines] == [6, 7, 8, 9]
    assert (healthy.part, healthy.truth.is_failure, healthy.truth.cause) == ("held_out", False, "none")
    assert (fault.truth.cause, fault.truth.severity, fault.truth.component) == ("disk_full", Severity.CRITICAL, "cache")
    assert fault.truth.category is Category.STORAGE
    assert fault.truth.evidence == {(SOURCE, 7)} <= {(line.source, line.number) for line in fault.lines}


def test_repeats_of_a_fault_are_one_group_and_health_is_another(tmp_path: Path) -> None:
    healthy, fault = recorded_cases([load_recording(recording(tmp_path))], lambda _: Category.STORAGE)

    assert fault.group == "redis/disk_full" != healthy.group


def test_only_the_test_split_of_a_data_set_is_judged() -> None:
    records = (golden_record("train", "a"), golden_record("validation", "b"), golden_record("test", "c"))
    manifest = GoldenManifest(
        name="x", created_by="x", package_version="1", signature_version=1, seed=1, records_sha256="", counts={}
    )

    (case,) = golden_cases(GoldenDataset(manifest=manifest, records=records))

    assert case.id == "golden/c" and case.group == "abcd"
    assert [line.text for line in case.lines] == ["first", "No space left on device", "third"]
    assert case.truth.evidence == {("record", 2)}


def test_the_key_of_a_case_is_of_what_is_seen_and_not_of_the_truth(tmp_path: Path) -> None:
    _, fault = recorded_cases([load_recording(recording(tmp_path))], lambda _: Category.STORAGE)
    _, relabelled = recorded_cases([load_recording(tmp_path)], lambda _: Category.NETWORK)
    altered = type(fault)(
        **{name: getattr(fault, name) for name in ("id", "part", "group", "program", "title", "truth")},
        lines=(with_text(fault.lines[0], "another text"), *fault.lines[1:]),
    )

    assert content_key(fault) == content_key(relabelled) != content_key(altered)
