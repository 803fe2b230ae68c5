from __future__ import annotations

from collections import Counter

from k8s_log_agent.dataset.card import data_card
from k8s_log_agent.dataset.combine import CombineOptions, combine, shortage
from k8s_log_agent.dataset.sampling import CONTRACT_TARGET, Ceilings
from k8s_log_agent.dataset.splits import leaks
from k8s_log_agent.dataset.store import encode
from k8s_log_agent.records import GoldenDataset, GoldenRecord, Severity
from tests.golden_records import golden_record

FREE = Ceilings(per_signature=2, workload_share=1, cause_share=1, no_fault_share=1)


def many(number: int, severity: Severity, source: str, cause: str = "disk_full") -> list[GoldenRecord]:
    return [
        golden_record(f"{source} {cause} {severity} {place}", severity, cause, source=source) for place in range(number)
    ]


def combined(real: list[GoldenRecord], synthetic: list[GoldenRecord], **options: object) -> GoldenDataset:
    wanted = CombineOptions(**{"ceilings": FREE, **options})  # type: ignore[arg-type]  # tests name the fields
    return combine(real, synthetic, wanted, lambda text: None)


def sources(dataset: GoldenDataset) -> Counter[str]:
    return Counter(record.provenance.source for record in dataset.records)


def test_the_contract_is_150_records_of_fixed_severities() -> None:
    real = [one for level in CONTRACT_TARGET for one in many(10, level, "real")]
    synthetic = [one for level in CONTRACT_TARGET for one in many(80, level, "synthetic")]

    dataset = combined(real, synthetic)

    assert dataset.manifest.counts["severity"] == {"INFO": 37, "WARN": 38, "ERROR": 60, "CRITICAL": 15}
    assert dataset.manifest.shortfalls == {}
    assert sources(dataset)["real"] == 40


def test_real_records_come_first() -> None:
    dataset = combined(
        many(30, Severity.ERROR, "real"), many(30, Severity.ERROR, "synthetic"), target={Severity.ERROR: 20}
    )

    assert sources(dataset) == {"real": 20}


def test_seats_are_kept_for_causes_that_no_real_record_shows() -> None:
    synthetic = [one for cause in ("wrong_arch", "panic") for one in many(5, Severity.ERROR, "synthetic", cause)]

    dataset = combined(many(30, Severity.ERROR, "real"), synthetic, target={Severity.ERROR: 20})

    assert sources(dataset) == {"real": 18, "synthetic": 2}
    assert {"wrong_arch", "panic"} <= set(dataset.manifest.counts["cause"])


def test_the_ceiling_on_synthetic_records_holds_and_the_rest_is_reported() -> None:
    dataset = combined(
        many(5, Severity.ERROR, "real"),
        many(30, Severity.ERROR, "synthetic"),
        target={Severity.ERROR: 20},
        synthetic_share=0.5,
    )

    assert sources(dataset) == {"real": 5, "synthetic": 10}
    assert dataset.manifest.shortfalls == {"ERROR": 5}
    assert "5 ERROR are short" in shortage(dataset.manifest.shortfalls)


def test_the_same_text_is_taken_once_and_the_real_one_stays() -> None:
    real = golden_record("no space left", source="real")
    invented = golden_record("no  space left", source="synthetic")

    dataset = combined([real], [invented], target={Severity.ERROR: 2})

    assert [record.id for record in dataset.records] == [real.id]
    assert dataset.manifest.drops == {"the same text": 1}


def test_a_signature_of_both_sources_lies_in_one_split() -> None:
    real = golden_record("no space left", signature="s", split="test")
    invented = golden_record("there is no space left", signature="s", split="train", source="synthetic")

    dataset = combined([real], [invented], target={Severity.ERROR: 2})

    assert [record.split for record in dataset.records] == ["test", "test"]
    assert leaks(dataset.records) == []


def test_recordings_kept_for_testing_do_not_crowd_out_the_others() -> None:
    test = [golden_record(f"t {place}", split="test") for place in range(50)]
    train = [golden_record(f"l {place}", split="train") for place in range(50)]

    dataset = combined([*test, *train], [], target={Severity.ERROR: 20})

    assert dataset.manifest.counts["split"]["test"] <= 8


def test_the_order_of_the_inputs_does_not_matter() -> None:
    real, synthetic = many(12, Severity.ERROR, "real"), many(12, Severity.ERROR, "synthetic")

    assert encode(combined(real, synthetic)) == encode(combined(real[::-1], synthetic[::-1]))


def test_the_options_are_part_of_the_manifest() -> None:
    one, other = CombineOptions(seed=1), CombineOptions(seed=2)

    assert one.fingerprint != other.fingerprint
    assert combined([], [], seed=2).manifest.inputs["options"] == CombineOptions(seed=2, ceilings=FREE).fingerprint


def test_the_card_states_sizes_shortfalls_and_cautions() -> None:
    real, synthetic = many(3, Severity.ERROR, "real"), many(3, Severity.CRITICAL, "synthetic", "panic")
    card = data_card(combined(real, synthetic, target={Severity.ERROR: 5, Severity.CRITICAL: 3}))

    assert "| ERROR | 3 | 0 | 3 | 2 |" in card
    assert "| CRITICAL | 0 | 3 | 3 | 0 |" in card
    assert "50 % of the records are synthetic" in card
    assert "Short of the target: 2 ERROR." in card
