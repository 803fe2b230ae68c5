from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_log_agent.dataset.sampling import Ceilings, Chooser, TargetError, largest_remainder, parse_target
from k8s_log_agent.records import Severity
from tests.golden_records import golden_record

FREE = Ceilings(per_signature=100, workload_share=1, cause_share=1, no_fault_share=1)


@given(
    st.dictionaries(st.tuples(st.text(max_size=3), st.text(max_size=3)), st.floats(0.1, 1000), min_size=1, max_size=12),
    st.integers(0, 500),
)
def test_quotas_add_up_and_stay_within_one_of_their_share(weights: dict[tuple[str, str], float], seats: int) -> None:
    quotas = largest_remainder(weights, seats)

    assert sum(quotas.values()) == seats
    for stratum, quota in quotas.items():
        assert abs(quota - seats * weights[stratum] / sum(weights.values())) < 1.001


def test_a_signature_gives_no_more_records_than_allowed() -> None:
    records = [golden_record(f"disk {number} full", signature="same") for number in range(9)]

    chosen = Chooser(seed=1).choose(records, 9, 9, Ceilings(workload_share=1, cause_share=1))

    assert len(chosen) == 2


def test_strata_are_all_represented_although_one_is_much_larger() -> None:
    many = [golden_record(f"a{number}", style="json") for number in range(90)]
    few = [golden_record(f"b{number}", style="klog") for number in range(4)]

    chosen = Chooser(seed=1).choose([*many, *few], 10, 10, FREE)

    assert len(chosen) == 10
    assert Counter(record.input.format for record in chosen)["klog"] >= 1


def test_provoked_labels_come_before_the_rules_own() -> None:
    ruled = [golden_record(f"r{number}", label_source="rule") for number in range(20)]
    provoked = [golden_record(f"p{number}", label_source="provoked") for number in range(5)]

    chosen = Chooser(seed=1).choose([*ruled, *provoked], 5, 5, FREE)

    assert {record.quality.label_source for record in chosen} == {"provoked"}


def test_one_workload_cannot_fill_a_class_while_others_have_records() -> None:
    loud = [golden_record(f"l{number}", app="loud") for number in range(50)]
    quiet = [golden_record(f"q{number}", app=f"quiet{number}") for number in range(50)]

    chosen = Chooser(seed=1).choose([*loud, *quiet], 20, 20, Ceilings(cause_share=1))

    assert sum(record.input.app == "loud" for record in chosen) <= 7
    assert len(chosen) == 20


def test_ceilings_give_way_when_seats_would_stay_empty() -> None:
    only = [golden_record(f"l{number}", app="only") for number in range(30)]

    assert len(Chooser(seed=1).fill(only, 20, Ceilings())) == 20


def test_the_same_seed_chooses_the_same_and_another_chooses_otherwise() -> None:
    records = [golden_record(f"line {number}") for number in range(60)]

    def chosen(seed: int) -> list[str]:
        return [record.id for record in Chooser(seed).choose(records, 10, 10, FREE)]

    assert chosen(1) == chosen(1)
    assert chosen(1) != chosen(2)


def test_a_target_is_read_and_a_wrong_one_is_refused_with_an_example() -> None:
    assert parse_target("info=3, CRITICAL=1") == {
        Severity.INFO: 3,
        Severity.WARN: 0,
        Severity.ERROR: 0,
        Severity.CRITICAL: 1,
    }
    for wrong in ("FATAL=3", "INFO=many", "INFO"):
        with pytest.raises(TargetError, match="INFO=37"):
            parse_target(wrong)
