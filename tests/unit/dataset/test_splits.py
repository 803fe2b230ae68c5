from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from k8s_log_agent.dataset.splits import groups_of, leaks, settle, split_of
from k8s_log_agent.records import GoldenRecord
from tests.golden_records import golden_record

SIGNATURES = [f"{number:016x}" for number in range(2000)]


def test_the_test_split_does_not_depend_on_the_seed() -> None:
    frozen = {signature for signature in SIGNATURES if split_of(signature, 1) == "test"}

    assert frozen == {signature for signature in SIGNATURES if split_of(signature, 99) == "test"}
    assert 0.16 < len(frozen) / len(SIGNATURES) < 0.24


def test_the_frozen_test_split_stays_as_it_was_published() -> None:
    frozen = [number for number in range(40) if split_of(f"{number:016x}", 1) == "test"]

    assert frozen == [12, 19, 22, 23, 26, 39]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.sampled_from(["train", "validation", "test"]))))
def test_settled_records_leak_nothing_however_groups_overlap(drawn: list[tuple[int, int, str]]) -> None:
    records = [
        golden_record(f"line {place}", signature=f"s{one}", origin=f"t{other}", source="synthetic", split=split)
        for place, (one, other, split) in enumerate(drawn)
    ]

    settled = settle(records)

    assert leaks(settled) == []
    for before, after in zip(records, settled, strict=True):
        assert after.split == "test" or before.split != "test"


def test_a_group_is_named_when_it_lies_in_two_splits() -> None:
    records = [golden_record("a", signature="s", split="train"), golden_record("b", signature="s", split="test")]

    assert leaks(records) == ["s"]


def test_a_synthetic_record_belongs_to_its_wording_as_well() -> None:
    record: GoldenRecord = golden_record("a", signature="s", origin="template/wording", source="synthetic")

    assert groups_of(record) == ("s", "template/wording")
