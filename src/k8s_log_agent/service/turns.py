"""Whose job is next: the urgent first, those who waited long not forgotten, and namespaces in turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WAITED_IS_WORTH = timedelta(minutes=5)  # of waiting raise a job by one priority
_LONG_AGO = 0.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """The jobs of one namespace and one priority that wait; `since` is when the oldest of them came."""

    namespace: str
    priority: int
    since: datetime


def next_turn(
    waiting: Sequence[Waiting], running: Mapping[str, int], served_at: Mapping[str, datetime], now: datetime
) -> Waiting | None:
    """The group whose oldest job is to be started; None when nothing waits.

    `running` counts the jobs being worked on by namespace, `served_at` says when one had a job started last.
    """

    def rank(one: Waiting) -> tuple[int, int, float, datetime, str]:
        waited = max(timedelta(0), now - one.since)  # a clock that was set back makes nobody wait less than nothing
        urgency = one.priority + waited // WAITED_IS_WORTH
        last = served_at.get(one.namespace)
        return (
            -urgency,
            running.get(one.namespace, 0),
            last.timestamp() if last else _LONG_AGO,
            one.since,
            one.namespace,
        )

    return min(waiting, key=rank, default=None)
