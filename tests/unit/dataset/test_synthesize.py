from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from k8s_log_agent.dataset.splits import leaks
from k8s_log_agent.dataset.store import encode
from k8s_log_agent.dataset.synthesize import DEFAULT_TARGET, SynthesisOptions, synthesize
from k8s_log_agent.dataset.templates import TemplateFile, load_templates
from k8s_log_agent.records import Event, GoldenDataset, LogLine, Severity
from k8s_log_agent.understand.pipeline import Understanding

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
Understand = Callable[[Iterable[LogLine]], Iterable[Event]]


def silent(text: str) -> None:
    del text


@pytest.fixture(scope="module")
def shipped() -> TemplateFile:
    return load_templates(SCRIPTS / "log_templates.json")


@pytest.fixture(scope="module")
def made(shipped: TemplateFile) -> GoldenDataset:
    return synthesize(shipped, SynthesisOptions(), Understanding.default().events, silent)


def test_every_severity_gets_what_was_asked_for(made: GoldenDataset) -> None:
    assert made.manifest.counts["severity"] == {level.value: number for level, number in sorted(DEFAULT_TARGET.items())}
    assert made.manifest.shortfalls == {}


def test_every_scenario_has_a_record(shipped: TemplateFile, made: GoldenDataset) -> None:
    told = {record.provenance.origin.partition("/")[0] for record in made.records}

    assert told == {template.id for template in shipped.templates}
    assert {"S71", "S72"} <= {tag for record in made.records for tag in record.quality.tags}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(shipped: TemplateFile, made: GoldenDataset) -> None:
    again = synthesize(shipped, SynthesisOptions(), Understanding.default().events, silent)
    other = synthesize(shipped, SynthesisOptions(seed=2), Understanding.default().events, silent)

    assert encode(again) == encode(made)
    assert {record.id for record in other.records}.isdisjoint(record.id for record in made.records)


def test_bytes_do_not_depend_on_the_process() -> None:
    program = (
        "import hashlib; from pathlib import Path; "
        "from k8s_log_agent.dataset import store, synthesize as s, templates; "
        "from k8s_log_agent.understand.pipeline import Understanding; "
        f"f = templates.load_templates(Path({str(SCRIPTS / 'log_templates.json')!r})); "
        "d = s.synthesize(f, s.SynthesisOptions(), Understanding.default().events, lambda text: None); "
        "print(hashlib.sha256(store.encode(d)).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, check=True, capture_output=True, text=True
        ).stdout
        for seed in ("1", "2")
    }

    assert len(digests) == 1


def test_no_secret_survives_and_its_place_is_still_to_be_seen(made: GoldenDataset) -> None:
    baited = [record for record in made.records if "secret-canary" in record.quality.tags]

    assert len(baited) >= 10
    assert "klacanary" not in encode(made).decode()
    assert all(sum(record.derived.redactions.values()) >= 1 for record in baited)


def test_evidence_points_at_lines_of_the_text_and_only_failures_have_some(made: GoldenDataset) -> None:
    for record in made.records:
        lines = record.input.raw.split("\n")
        assert all(place < len(lines) and lines[place].strip() for place in record.truth.evidence_lines)
        assert bool(record.truth.evidence_lines) == record.truth.is_failure


def test_a_record_that_cannot_be_answered_says_so(made: GoldenDataset) -> None:
    blind = [record for record in made.records if not record.truth.answerable]

    assert blind
    assert all(record.truth.cause == "unknown" for record in blind)
    assert all(record.truth.cause != "unknown" for record in made.records if record.truth.answerable)


def test_no_group_lies_in_two_splits(made: GoldenDataset) -> None:
    assert leaks(made.records) == []
    assert set(made.manifest.counts["split"]) == {"train", "validation", "test"}


def test_what_templates_cannot_give_is_reported_and_not_padded(shipped: TemplateFile) -> None:
    few = shipped.model_copy(update={"templates": shipped.templates[:2]})

    dataset = synthesize(
        few, SynthesisOptions({Severity.ERROR: 500, Severity.WARN: 3}), Understanding.default().events, silent
    )

    assert dataset.manifest.shortfalls["WARN"] == 3
    assert dataset.manifest.shortfalls["ERROR"] == 500 - len(dataset.records)
