from __future__ import annotations

import itertools
import random
from datetime import timedelta

import pytest

from k8s_log_agent.service.alerts.timing import GroupState, Timing
from tests.alert_desk import NOON


def jobs(arrivals: list[float], timing: Timing, every: float = 0.1) -> list[float]:
    """When a group whose alerts arrive at these seconds, each of an unseen name, becomes a job."""
    made: list[float] = []
    waiting: list[float] = []
    left = sorted(arrivals)
    now = 0.0
    while left or waiting:
        while left and left[0] <= now:
            waiting.append(left.pop(0))
        state = GroupState(
            len(waiting),
            NOON + timedelta(seconds=waiting[0] if waiting else 0),
            NOON + timedelta(seconds=waiting[-1] if waiting else 0),
            NOON + timedelta(seconds=made[-1]) if made else None,
            unseen=True,
        )
        if timing.due(state, NOON + timedelta(seconds=now)):
            made.append(now)
            waiting = []
        now += every
    return made


@pytest.mark.parametrize("seed", range(20))
def test_no_way_to_spread_alerts_over_a_minute_makes_more_than_three_jobs(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - it spreads alerts
    bursts = [chance.uniform(0, 60) for _ in range(chance.randint(1, 30))]
    arrivals = [min(60.0, burst + chance.expovariate(5)) for burst in bursts for _ in range(chance.randint(1, 60))]

    assert 1 <= len(jobs(arrivals, Timing())) <= 3


def test_alerts_that_never_pause_are_jobs_all_the_same() -> None:
    timing = Timing(between=timedelta(0), cooldown=timedelta(0))

    made = jobs([number / 10 for number in range(100)], timing)

    assert max(later - earlier for earlier, later in itertools.pairwise(made)) <= 3.3
