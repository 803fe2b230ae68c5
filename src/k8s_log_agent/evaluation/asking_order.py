"""In which order a model with a budget is asked about cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from k8s_log_agent.evaluation.outcomes import Case, Part

_TELLING: tuple[Part, ...] = ("held_out", "golden_real", "golden_synthetic", "training")


def each_fault_once_first(cases: Sequence[Case], keys: Mapping[str, str]) -> list[Case]:
    """For a model whose opinion alone is scored: every fault before any repeat, the parts that tell the most first.

    `keys`, by id of the case, order what is alike without meaning.
    """
    shuffled = sorted(cases, key=lambda case: (keys[case.id], case.id))
    seen: Counter[tuple[Part, str]] = Counter()
    rounds: dict[str, int] = {}
    for case in shuffled:
        rounds[case.id] = seen[case.part, case.group]
        seen[case.part, case.group] += 1
    return sorted(shuffled, key=lambda case: (rounds[case.id], _TELLING.index(case.part)))


def unsure_first(cases: Sequence[Case], keys: Mapping[str, str], wanted: Mapping[str, bool]) -> list[Case]:
    """For a model that decides: the cases that it is `wanted` for, then the others, in an order without meaning."""
    return sorted(cases, key=lambda case: (not wanted[case.id], keys[case.id], case.id))
