"""Incidents with just what a test needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from k8s_log_agent.records import Category, Component, EvidenceLine, Severity, Verdict, VerdictState
from k8s_log_agent.service.models import Feedback, Incident, IncidentState, ShownLine, SimilarIncident

NOW = datetime(2026, 11, 25, 2, 16, 40, tzinfo=UTC)
SOURCE = "pods/shop_orders-6d5b8c7f94-w3f6h_1927600e-c7fa-4e10-a8ef-1429725d5641/orders/0.log"
HOSTILE = "<script>alert(1)</script><img src=http://example.org/x.png onerror=alert(2)>\"' &amp; {{ 7 * 7 }} </li></ol>"
TURNED = "safe\u202etxt.exe\u200b\x1b[31m"


def verdict(**changes: object) -> Verdict:
    made = Verdict(
        id="0123456789abcdef",
        state=VerdictState.RULED,
        decided_by="rule",
        severity=Severity.ERROR,
        category=Category.AUTH,
        cause="db_auth_failed",
        root_cause="The database refuses the password; the program cannot sign in.",
        component=Component(kind="database", name="postgresql"),
        evidence=(EvidenceLine(source=SOURCE, line=12, text="FATAL: password authentication failed"),),
        reasoning="Rule refused-password at line 12.",
        confidence=0.985,
        candidates=("db_auth_failed", "auth_failed"),
        remedies=("Ask: kubectl describe pod POD, and compare the secret.",),
    )
    return made.model_copy(update=changes)


def incident(**changes: object) -> Incident:
    made = Incident(
        id="a1b2c3",
        key="shop:db_auth_failed",
        title="The database refuses the password: postgresql",
        state=IncidentState.OPEN,
        severity=Severity.ERROR,
        category=Category.AUTH,
        cause="db_auth_failed",
        namespace="shop",
        component="postgresql",
        opened_at=NOW - timedelta(hours=2),
        last_seen=NOW - timedelta(minutes=4),
        closed_at=None,
        count=12,
        verdict=verdict(),
        lines=(
            ShownLine(11, NOW - timedelta(minutes=5), SOURCE, "connection received", cited=False),
            ShownLine(12, NOW - timedelta(minutes=4), SOURCE, "FATAL: password authentication failed", cited=True),
            ShownLine(19, None, SOURCE, "shutting down", cited=False),
        ),
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # a test names the fields that it changes


def hostile() -> Incident:
    """Every text that comes from logs, models, alerts or people is an attack on the page."""
    line = EvidenceLine(source=HOSTILE, line=1, text=HOSTILE)
    said = verdict(
        root_cause=HOSTILE,
        component=Component(kind=HOSTILE, name=HOSTILE),
        evidence=(line,),
        reasoning=HOSTILE,
        candidates=(HOSTILE,),
        similar=(HOSTILE,),
        remedies=(f"Ask: kubectl describe pod {HOSTILE}.", HOSTILE),
        redactions={HOSTILE: 1},
        notes=(HOSTILE, TURNED),
        cause=HOSTILE,
    )
    return incident(
        id="hostile",
        key="hostile",
        title=f"{HOSTILE}{TURNED}",
        cause=HOSTILE,
        namespace=HOSTILE,
        component=HOSTILE,
        verdict=said,
        lines=(ShownLine(1, NOW, HOSTILE, HOSTILE, cited=True), ShownLine(2, NOW, TURNED, TURNED, cited=False)),
        alerts=(HOSTILE,),
        selector='{namespace="' + HOSTILE + '"}',
        similar=(SimilarIncident(HOSTILE, HOSTILE, HOSTILE, Severity.ERROR, NOW, 0.9),),
        feedback=(Feedback(NOW, HOSTILE, "wrong", HOSTILE, HOSTILE),),
        source="alert",
    )
