"""When a group of alerts becomes a job: soon after the first alert, and then seldom, however many more come.

Nothing here reads a clock. A clock that was set back makes a group due at once, which costs a job and loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Timing:
    """How alerts of one group are put together.

    A group is due when nothing came for `debounce`, when its first alert waits for `longest_wait`, or when it holds
    `batch` alerts. After it became a job it is left alone for `cooldown`, unless an alert comes with a name that this
    group has not had since; that one waits for `between` at most. So in any 60 s a group becomes at most three jobs
    while `between` is 30 s or more.
    """

    debounce: timedelta = timedelta(milliseconds=300)
    longest_wait: timedelta = timedelta(seconds=3)
    batch: int = 200
    between: timedelta = timedelta(seconds=30)
    cooldown: timedelta = timedelta(minutes=5)

    def due(self, state: GroupState, now: datetime) -> bool:
        """Whether the alerts that wait become a job now."""
        if not state.pending:
            return False
        if state.submitted_at is not None:
            rest = self.between if state.unseen else self.cooldown
            if _passed(state.submitted_at, now) < rest:
                return False
        return (
            state.pending >= self.batch
            or _passed(state.last_at, now) >= self.debounce
            or _passed(state.first_at, now) >= self.longest_wait
        )


@dataclass(frozen=True, slots=True)
class GroupState:
    """What is known of a group: how many alerts wait since when, and when it became a job last.

    `unseen` says that one of them has a name which no job of this group had since its last rest.
    """

    pending: int
    first_at: datetime
    last_at: datetime
    submitted_at: datetime | None
    unseen: bool


def _passed(since: datetime, now: datetime) -> timedelta:
    return now - since if now >= since else timedelta.max
