"""What the parts of the service ask of its storage, its queue and its announcements."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from k8s_log_agent.service.models import (
    Feedback,
    Incident,
    IncidentPage,
    IncidentQuery,
    Job,
    JobKind,
    ServiceEvent,
    SimilarIncident,
)

Trends = Mapping[str, tuple[int, ...]]


class QueueFullError(RuntimeError):
    """No more jobs are accepted now; ask again after `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(
            f"The queue of jobs is full. Send the request again in {retry_after_seconds} s, or raise queue_limit."
        )
        self.retry_after_seconds = retry_after_seconds


class UnknownIncidentError(LookupError):
    """There is no incident of this id."""

    def __init__(self, incident: str) -> None:
        super().__init__(f"There is no incident {incident[:80]}. It may have been removed when its time was over.")
        self.incident = incident


class CursorError(ValueError):
    """A cursor that no page of this service gave."""


class IdempotencyConflictError(ValueError):
    """A key that was used before comes with another request."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The idempotency key {key[:80]!r} came with another request before. Use a fresh key for a fresh request."
        )


class IncidentStore(Protocol):
    """The incidents, which live in the database."""

    def get(self, incident: str) -> Incident | None:
        """One incident with its lines, feedback and similar past ones."""
        ...

    def search(self, query: IncidentQuery) -> IncidentPage:
        """One page of incidents; raises `CursorError`."""
        ...

    def trend(self, ids: Sequence[str], until: datetime, hours: int = 24) -> Trends:
        """For each id, how often it was seen in each of the `hours` hours before `until`, the oldest first."""
        ...

    def record(self, new: Incident) -> Incident:
        """Keeps an incident; one with the key of an open incident is merged into that. Returns what is kept."""
        ...

    def close(self, key: str, at: datetime) -> Incident | None:
        """Closes the open incident of a key; None where there is none."""
        ...

    def add_feedback(self, incident: str, feedback: Feedback) -> Incident:
        """Keeps what a person said; raises `UnknownIncidentError`."""
        ...


class JobQueue(Protocol):
    """The jobs, which live in the database and survive a restart."""

    def submit(
        self, kind: JobKind, payload: Mapping[str, Any], *, namespace: str, priority: int, idempotency_key: str = ""
    ) -> Job:
        """Accepts a job, or gives the one accepted before under the same key.

        Raises `QueueFullError` and `IdempotencyConflictError`.
        """
        ...

    def get(self, job: str) -> Job | None:
        """One job."""
        ...

    def cancel(self, job: str) -> Job | None:
        """Cancels a job that is not finished and returns it as it is then; None where there is none."""
        ...

    def depth(self) -> int:
        """How many jobs wait."""
        ...


class Listening(Protocol):
    """What one listener has yet to hear: an asynchronous iterator."""

    def __aiter__(self) -> AsyncIterator[ServiceEvent]:
        """Itself."""
        ...

    async def __anext__(self) -> ServiceEvent:
        """The next event."""
        ...

    async def aclose(self) -> None:
        """Listens no longer."""
        ...


class PastIncidents(Protocol):
    """Finds past incidents like some text."""

    def like(self, text: str, most: int, *, besides: str = "") -> tuple[SimilarIncident, ...]:
        """Up to `most`, the likest first; none with the key `besides`. Never raises for a server's fault."""
        ...


class EventBus(Protocol):
    """Tells every listener of this process what changed; a listener that is too slow misses the oldest."""

    def publish(self, event: ServiceEvent) -> None:
        """Tells all listeners; may be called from any thread and never blocks."""
        ...

    def subscribe(self) -> Listening:
        """What is published from now on, until it is closed; called within a running event loop."""
        ...

    def close(self) -> None:
        """Ends all listening, so that a server can stop."""
        ...
