from __future__ import annotations

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped] # it carries no types
import pytest
import yaml

from k8s_log_agent.dataset.store import canonical, encode
from k8s_log_agent.evaluation.environment import read_machine, read_versions
from k8s_log_agent.evaluation.report_files import ReportError, report_artefacts
from k8s_log_agent.evaluation.summary import Machine
from k8s_log_agent.evaluation.summary_schema import summary_schema
from k8s_log_agent.records import GoldenDataset, GoldenManifest
from tests.unit.evaluation import made_up
from tests.unit.evaluation.test_cases import golden_record
from tests.unit.llm.test_benchmark import measurement

ROOT = Path(__file__).resolve().parents[3]
MACHINE = Machine(processor="p", processors=2, memory_bytes=0, system="s", kernel="k")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    evaluation, triaged = made_up.results()
    for name, content in {
        "evaluation.json": evaluation.model_dump(mode="json"),
        "triage.json": triaged.model_dump(mode="json"),
        "triage_timings.json": made_up.timings().model_dump(mode="json"),
        "benchmark.json": measurement().model_dump(mode="json"),
        "timings.json": {"Evaluate": 12.5},
    }.items():
        (tmp_path / name).write_bytes(canonical(content))
    return tmp_path


def test_the_summary_keeps_to_its_published_schema(run: Path) -> None:
    summary, _ = report_artefacts(run, MACHINE, {"k8s-log-agent": "1"})

    schema = json.loads((ROOT / "docs" / "summary-schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(json.loads(summary.content))


def test_the_published_schema_is_the_code_s_own() -> None:
    published = (ROOT / "docs" / "summary-schema.json").read_text(encoding="utf-8")

    assert published == summary_schema(), "write it anew: python -m k8s_log_agent.evaluation.summary_schema"


def test_the_summary_tells_what_the_files_hold(run: Path) -> None:
    summary = json.loads(report_artefacts(run, MACHINE, {})[0].content)

    assert summary["seconds_by_stage"] == {"Evaluate": 12.5}
    assert summary["scores"]["held_out"]["triage"]["cause_accuracy"]["right"] == 6
    assert summary["throughput"]["generation_tokens_per_second"]["median"] == 50
    assert summary["lines"]["noise"]["kubelet-probe-access"] == 6000
    assert summary["model_calls"]["asked"] == 9
    assert summary["paths"]["evaluation"] == "evaluation.json"


def test_the_target_is_what_is_there_and_what_is_short(run: Path) -> None:
    record = golden_record("train", "a")
    manifest = GoldenManifest(
        name="combined", created_by="x", package_version="1", signature_version=1, seed=1, records_sha256="",
        counts={}, shortfalls={"CRITICAL": 14, "INFO": 37},
    )  # fmt: skip
    (run / "golden_dataset.json").write_bytes(encode(GoldenDataset(manifest=manifest, records=(record,))))

    summary, page = report_artefacts(run, MACHINE, {})

    assert json.loads(summary.content)["target"] == {"CRITICAL": 15, "INFO": 37}
    assert b"1 of 15" in page.content and b"0 of 37" in page.content


def test_the_same_files_give_the_same_bytes(run: Path) -> None:
    assert report_artefacts(run, MACHINE, {}) == report_artefacts(run, MACHINE, {})


def test_the_time_that_the_report_itself_takes_does_not_change_it(run: Path) -> None:
    before = report_artefacts(run, MACHINE, {})
    name = yaml.safe_load((ROOT / "playbooks" / "report.yml").read_text(encoding="utf-8"))[0]["name"]
    (run / "timings.json").write_text(json.dumps({"Evaluate": 12.5, name: 0.7}))

    assert report_artefacts(run, MACHINE, {}) == before


def test_an_empty_directory_gives_an_empty_report(tmp_path: Path) -> None:
    summary, page = report_artefacts(tmp_path, MACHINE, {})

    assert json.loads(summary.content)["scores"] == {}
    assert b"Nothing has been scored in this run." in page.content


@pytest.mark.parametrize("name", ["evaluation.json", "triage.json", "benchmark.json", "timings.json"])
def test_a_broken_file_is_named_with_its_mend(run: Path, name: str) -> None:
    (run / name).write_text('{"cut off')

    with pytest.raises(ReportError, match=f"{name}.*Delete it") as raised:
        report_artefacts(run, MACHINE, {})
    assert "\n" not in str(raised.value)


def test_the_machine_is_described_without_its_name(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "etc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("processor\t: 0\nmodel name\t: A processor\nmodel name\t: Another\n")
    (tmp_path / "proc/meminfo").write_text("MemTotal:       1024 kB\nMemFree: 1 kB\n")
    (tmp_path / "etc/os-release").write_text('PRETTY_NAME="Some Linux 12"\n')

    machine = read_machine(tmp_path)

    assert (machine.processor, machine.memory_bytes, machine.system) == ("A processor", 1024**2, "Some Linux 12")


def test_a_machine_that_says_nothing_is_described_all_the_same(tmp_path: Path) -> None:
    assert read_machine(tmp_path).memory_bytes == 0


def test_versions_name_the_package_and_python() -> None:
    assert {"k8s-log-agent", "Python"} <= read_versions().keys()
