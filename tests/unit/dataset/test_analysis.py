from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_log_agent.dataset.analysis import analyse
from k8s_log_agent.dataset.analysis_page import page
from k8s_log_agent.dataset.analysis_result import Analysis
from k8s_log_agent.dataset.distribution import distance, evenness
from k8s_log_agent.dataset.domain_classifier import domain_auc
from k8s_log_agent.dataset.near_duplicates import near_duplicates
from k8s_log_agent.records import GoldenDataset, GoldenManifest, GoldenRecord, Severity
from tests.golden_records import golden_record

TARGET = {Severity.INFO: 1, Severity.ERROR: 2}
COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50), min_size=1)


def analysed(*records: GoldenRecord) -> Analysis:
    manifest = GoldenManifest(
        name="golden_dataset",
        created_by="a test",
        package_version="1.0.0",
        signature_version=1,
        seed=1,
        records_sha256="",
        counts={},
    )
    return analyse(GoldenDataset(manifest=manifest, records=records), TARGET, ("disk_full", "panic"), {})


@given(COUNTS, COUNTS)
def test_a_distance_is_between_0_and_1_and_0_only_for_equal_shares(left: dict[str, int], right: dict[str, int]) -> None:
    apart = distance(left, right)

    assert apart.total_variation is not None and apart.jensen_shannon is not None
    assert 0 <= apart.jensen_shannon <= 1.0001 and 0 <= apart.total_variation <= 1.0001
    assert distance(left, {key: 3 * number for key, number in left.items()}).total_variation == 0


def test_known_distances() -> None:
    assert distance({"a": 1}, {"b": 1}) == distance({"a": 5}, {"b": 9})
    assert distance({"a": 1}, {"b": 1}).total_variation == 1
    assert distance({"a": 3, "b": 1}, {"a": 1, "b": 1}).total_variation == 0.25
    assert distance({}, {"a": 1}).total_variation is None
    assert evenness({"a": 5, "b": 5}) == 1 and evenness({"a": 5}) == 0


def test_near_duplicates_are_found_and_different_texts_are_not() -> None:
    texts = [
        "the volume of the shop is full and nothing can be written any more",
        "nobody listens at the port of the upstream service today",
        "the volume of the shop is full and nothing can be written any longer",
    ]

    assert [(one, other) for one, other, _ in near_duplicates(texts)] == [(0, 2)]


def test_a_classifier_tells_different_words_apart_and_equal_ones_not() -> None:
    different = [f"alpha beta word{place % 5}" for place in range(40)] + [
        f"gamma delta word{place % 5}" for place in range(40)
    ]
    equal = [f"alpha beta word{place % 7} word{place % 3}" for place in range(80)]
    made = [False] * 40 + [True] * 40
    groups = [str(place) for place in range(80)]

    told, guessed = domain_auc(different, made, groups), domain_auc(equal, made, groups)

    assert told is not None and told > 0.95
    assert guessed is not None and 0.25 < guessed < 0.75


def test_too_few_records_for_a_classifier_is_said() -> None:
    assert domain_auc(["a"] * 12, [True] * 9 + [False] * 3, ["g"] * 12) is None
    assert "too few" in analysed(golden_record("a")).real_and_synthetic.note


def test_what_is_missing_against_the_target_is_named() -> None:
    result = analysed(golden_record("no space left"))

    assert result.distribution.missing == {"INFO": 1, "ERROR": 1}
    assert result.causes_missing == ["panic"]
    assert "network" in result.categories_missing
    assert "1 INFO records are missing." in page(result)


def test_contradicting_labels_of_one_signature_are_found() -> None:
    result = analysed(
        golden_record("one", signature="s"), golden_record("two", signature="s", cause="panic"), golden_record("three")
    )

    (conflict,) = result.label_conflicts
    assert (conflict.signature, conflict.field, conflict.values) == ("s", "cause", ("disk_full", "panic"))


def test_a_group_in_two_splits_is_a_leak() -> None:
    result = analysed(golden_record("one", signature="s"), golden_record("two", signature="s", split="test"))

    assert result.leaks == ["s"]
    assert "groups occur in several splits: s" in page(result)


def test_a_secret_that_was_left_in_is_found() -> None:
    clean = analysed(golden_record("password=<SECRET:1> was refused"))
    leaky = analysed(golden_record("connecting with klacanary0123 and Authorization: Bearer abcdefghijklmnopqrstuvwx"))

    assert clean.redaction_residue == []
    assert any("canary" in place for place in leaky.redaction_residue)
    assert len(leaky.redaction_residue) > 2


def test_agreement_leaves_out_labels_that_are_the_rules_own() -> None:
    result = analysed(
        golden_record("one", detected=Severity.ERROR),
        golden_record("two", detected=Severity.INFO),
        golden_record("three", label_source="rule"),
    )

    assert list(result.severity_agreement) == ["provoked"]
    assert (result.severity_agreement["provoked"].equal, result.severity_agreement["provoked"].records) == (1, 2)
    assert result.severity_agreement["provoked"].confusion == {"ERROR": {"INFO": 1, "ERROR": 1}}


@pytest.mark.parametrize("text", ["plain", "with ``` fence", "a | pipe"])
def test_a_preview_cannot_break_out_of_its_fence(text: str) -> None:
    shown = page(analysed(golden_record(text)))

    fences = [line for line in shown.splitlines() if line and set(line) == {"`"}]
    assert len(fences) == 2 and fences[0] == fences[1]
    assert fences[0] not in text


def test_an_empty_data_set_is_analysed_too() -> None:
    assert analysed().records == 0
    assert page(analysed())
