from __future__ import annotations

from k8s_log_agent.evaluation.asking_order import each_fault_once_first, unsure_first
from tests.unit.evaluation.made_up import case

CASES = [
    case(part, program, number)
    for part in ("training", "held_out")
    for program in ("redis", "envoy")
    for number in (0, 1)
]
KEYS = {one.id: one.id for one in CASES}


def test_every_fault_comes_before_any_repeat_and_what_was_kept_for_testing_comes_first() -> None:
    ordered = each_fault_once_first(CASES, KEYS)

    faults = [(one.part, one.group) for one in ordered]
    assert len(set(faults[:4])) == 4 and sorted(faults[:4]) == sorted(faults[4:])
    assert [one.part for one in ordered[:4]] == ["held_out", "held_out", "training", "training"]


def test_the_order_does_not_depend_on_how_the_cases_came() -> None:
    assert each_fault_once_first(CASES[::-1], KEYS) == each_fault_once_first(CASES, KEYS)
    nobody = dict.fromkeys(KEYS, False)
    assert unsure_first(CASES[::-1], KEYS, nobody) == unsure_first(CASES, KEYS, nobody)
