"""What routing would have cost and brought, from answers that are there: accuracy against seconds, and regret.

`python -m k8s_log_agent.evaluation.routing_replay FILE` reads JSON lines, one for each case that came to a model:
`{"case", "points", "tiers": {"small": {"right", "seconds"}, ...}}`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from k8s_log_agent.evaluation.intervals import Rate, rounded
from k8s_log_agent.records import Record
from k8s_log_agent.triage.routing import TIERS, Tier

MOST_POINTS = 5


class Answered(Record):
    """What a tier made of a case."""

    right: bool
    seconds: float


class ReplayCase(Record):
    """A case with the points of its complexity and the answer of each tier that was asked."""

    case: str
    points: int
    tiers: dict[Tier, Answered]


class Plan(Record):
    """A way to route. `regret` is how much more accurate always asking the largest tier is, below 0 where less."""

    name: str
    right: Rate
    seconds: float
    regret: float
    calls: dict[Tier, int]
    on_front: bool = False


def replay(cases: Sequence[ReplayCase]) -> list[Plan]:
    """Always one tier, and every pair of bounds that differs, the cheapest first; `on_front` marks the Pareto front.

    Only cases that every tier answered count. Raises ValueError when there are none.
    """
    there = [tier for tier in TIERS if all(tier in case.tiers for case in cases)]
    if not cases or not there:
        raise ValueError("There is nothing to replay: no case has an answer of a tier that all cases have.")
    largest = _rate(cases, [there[-1]] * len(cases))
    plans = [_plan(f"always {tier}", cases, [tier] * len(cases), largest) for tier in there]
    seen = {tuple(plan.calls.items()) for plan in plans}
    for base_from in range(MOST_POINTS + 2):
        for large_from in range(base_from, MOST_POINTS + 2):
            chosen = [_nearest(case.points, base_from, large_from, there) for case in cases]
            plan = _plan(f"base from {base_from}, large from {large_from}", cases, chosen, largest)
            if tuple(plan.calls.items()) not in seen:
                seen.add(tuple(plan.calls.items()))
                plans.append(plan)
    plans.sort(key=lambda plan: (plan.seconds, -plan.right.right))
    best = -1
    marked = []
    for plan in plans:
        marked.append(plan.model_copy(update={"on_front": plan.right.right > best}))
        best = max(best, plan.right.right)
    return marked


def _nearest(points: int, base_from: int, large_from: int, there: Sequence[Tier]) -> Tier:
    """The tier for these points, or the next larger one that there is, else the largest."""
    wanted = 2 if points >= large_from else 1 if points >= base_from else 0
    return next((tier for tier in TIERS[wanted:] if tier in there), there[-1])


def _plan(name: str, cases: Sequence[ReplayCase], chosen: Sequence[Tier], largest: Rate) -> Plan:
    right = _rate(cases, chosen)
    return Plan(
        name=name,
        right=right,
        seconds=rounded(sum(case.tiers[tier].seconds for case, tier in zip(cases, chosen, strict=True))),
        regret=rounded((largest.value or 0) - (right.value or 0)),
        calls={tier: chosen.count(tier) for tier in TIERS if tier in chosen},
    )


def _rate(cases: Sequence[ReplayCase], chosen: Sequence[Tier]) -> Rate:
    return Rate.of_trials([case.tiers[tier].right for case, tier in zip(cases, chosen, strict=True)])


def table(plans: Iterable[Plan]) -> str:
    """The plans for a terminal; a star marks the front."""
    row = "{:<2} {:<28} {:>9} {:>9} {:>7}  {}"
    lines = [row.format("", "", "right", "seconds", "regret", "calls")]
    for plan in plans:
        calls = ", ".join(f"{count} {tier}" for tier, count in plan.calls.items())
        right = f"{plan.right.right}/{plan.right.of}"
        star = "*" if plan.on_front else ""
        lines.append(row.format(star, plan.name, right, f"{plan.seconds:.1f}", f"{plan.regret:+.2f}", calls))
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0, or 1 for a file that cannot be replayed."""
    parser = argparse.ArgumentParser(prog="python -m k8s_log_agent.evaluation.routing_replay", description=__doc__)
    parser.add_argument("file", type=Path)
    given = parser.parse_args(arguments)
    try:
        read = [json.loads(line) for line in given.file.read_text(encoding="utf-8").splitlines() if line.strip()]
        plans = replay(TypeAdapter(list[ReplayCase]).validate_python(read))
    except (OSError, ValueError, ValidationError) as error:
        sys.stderr.write(f"{given.file} cannot be replayed: {str(error).splitlines()[0]}\n")
        return 1
    sys.stdout.write(table(plans) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
