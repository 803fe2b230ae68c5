"""What the routes of the service are made from; one value, given to each router."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from k8s_log_agent.service.models import Incident
from k8s_log_agent.service.settings import Settings
from k8s_log_agent.service.store import EventBus, IncidentStore, JobQueue, PastIncidents, UnknownIncidentError

if TYPE_CHECKING:
    from k8s_log_agent.service.alerts import AlertIntake
    from k8s_log_agent.service.security import Authority
    from k8s_log_agent.service.telemetry import Metrics, Tracing


@dataclass(frozen=True)
class Parts:
    """Settings, storage, queue, announcements, and the clock (UTC) of one running service.

    `authority` says who may do what; `metrics` is where everything is counted, `tracing` where spans go;
    `alerts` takes alerts in; `past` finds incidents like a text; `tell_anew` hands every incident to the projections
    again and returns how many, None where there is none.
    """

    settings: Settings
    incidents: IncidentStore
    jobs: JobQueue
    bus: EventBus
    clock: Callable[[], datetime]
    authority: Authority
    metrics: Metrics
    alerts: AlertIntake
    tracing: Tracing
    past: PastIncidents
    tell_anew: Callable[[], int] | None

    def incident(self, incident: str) -> Incident:
        """The incident of an id; raises `UnknownIncidentError`."""
        found = self.incidents.get(incident)
        if found is None:
            raise UnknownIncidentError(incident)
        return found
