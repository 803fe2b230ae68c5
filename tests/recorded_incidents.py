"""A night of incidents for the pages: recorded faults, triaged by the real rules, seen more often than then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from k8s_log_agent.ingest.recordings import find_recordings
from k8s_log_agent.ingest.windows import lines_within, recording_lines
from k8s_log_agent.service.analysis import Finding, likeness, title_of
from k8s_log_agent.service.models import Feedback, Incident, IncidentSource, IncidentState, ShownLine
from k8s_log_agent.service.shown_lines import SeenLines
from k8s_log_agent.service.store import IncidentStore, PastIncidents
from k8s_log_agent.triage.incidents import find_incidents
from k8s_log_agent.triage.pipeline import Triage
from k8s_log_agent.understand.causes import CauseTable
from k8s_log_agent.understand.pipeline import Understanding

RECORDED = datetime(2026, 11, 25, 0, 19, 10, tzinfo=UTC)  # a little after the last of them
RECORDINGS = Path(__file__).resolve().parents[1] / "examples" / "recordings"


@dataclass(frozen=True)
class Night:
    """One fault: `seen` are pairs of minutes before its recorded end and how often it was seen then, latest last."""

    program: str
    cause: str
    seen: tuple[tuple[int, int], ...]
    source: IncidentSource = "request"
    alerts: tuple[str, ...] = ()
    closed: int | None = None  # minutes after its recorded end


NIGHT = (
    Night("checkout", "db_auth_failed", ((3000, 2), (2990, 11)), closed=-2900),
    Night("envoy", "upstream_refused", ((200, 120), (130, 80), (40, 12)), "alert", ("GatewayErrors",), closed=5),
    Night("etcd", "disk_full", ((185, 1), (122, 2), (64, 4), (0, 9)), "alert", ("EtcdDatabaseQuotaLow",)),
    Night("coredns", "upstream_timeout", ((310, 12), (250, 30), (190, 21), (130, 9), (0, 3))),
    Night("containerd", "image_pull_unauthorized", ((95, 4), (0, 6)), "alert", ("KubePodNotReady",)),
    Night("redis", "auth_failed", ((1300, 1), (1000, 1), (640, 2), (220, 1), (0, 2))),
    Night("nginx", "cert_expired", ((600, 5), (420, 5), (240, 5), (0, 5)), "alert", ("CertificateExpiresSoon",)),
    Night("systemd", "unknown", ((0, 2),)),
    Night("orders", "dns_failure", ((31, 3), (0, 8))),
    Night("postgresql", "db_auth_failed", ((1160, 3), (140, 7), (75, 16), (0, 41)), "rule", ("CriticalLines",)),
)


@cache
def judged(program: str, cause: str) -> tuple[Finding, tuple[ShownLine, ...]]:
    """The first recorded fault of a program with this cause, as triage without a model judges it."""
    recording = next(one for one in find_recordings(RECORDINGS) if one.manifest.program.name == program)
    lines = recording_lines(recording)
    windows = [one for one in recording.manifest.windows if one.cause == cause]
    for window in windows:
        seen = SeenLines()
        events = seen.passing(Understanding.default().events(lines_within(lines, window)))
        found = find_incidents(events, Triage(CauseTable.default())).incidents
        for one in found:
            if one.verdict.cause == cause:
                return Finding.of(one), seen.around(one.verdict)
    raise LookupError(f"no window of {program} is judged {cause}")


def incident(identity: str, night: Night, minutes: int, count: int) -> Incident:
    """The incident as it was seen so many minutes before the recorded end."""
    found, lines = judged(night.program, night.cause)
    assert found.end
    verdict, at = found.verdict, found.end - timedelta(minutes=minutes)
    named = f"{night.alerts[0]}: " if night.source == "alert" else ""
    return Incident(
        id=identity,
        key=f"{night.program}:{night.cause}",
        title=f"{named}{title_of(verdict)}",
        state=IncidentState.OPEN,
        severity=verdict.severity,
        category=verdict.category,
        cause=verdict.cause,
        namespace=found.scope,
        component=verdict.component.name or verdict.component.kind,
        opened_at=at,
        last_seen=at,
        closed_at=None,
        count=count,
        verdict=verdict,
        lines=lines,
        alerts=night.alerts,
        source=night.source,
    )


def seed(store: IncidentStore, past: PastIncidents | None = None, nights: Sequence[Night] = NIGHT) -> dict[str, str]:
    """Keeps all of it and gives the ids by program; with `past`, similar ones are looked for as a job does."""
    ids = {}
    for place, night in enumerate(nights):
        found, _ = judged(night.program, night.cause)
        for minutes, count in night.seen:
            made = incident(f"{place:04x}{minutes:08x}", night, minutes, count)
            similar = past.like(likeness(made.verdict), 3, besides=made.key) if past else ()
            kept = store.record(replace(made, similar=similar))
        ids[night.program] = kept.id
        if night.closed is not None and found.end:
            store.close(kept.key, found.end + timedelta(minutes=night.closed))
    store.add_feedback(ids["checkout"], Feedback(RECORDED - timedelta(days=1), "ada", "correct", note="rotated alone"))
    return ids
