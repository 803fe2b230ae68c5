"""Small labelled records for tests that need some."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from k8s_log_agent.dataset.store import record_id
from k8s_log_agent.records import (
    Category,
    Component,
    GoldenDerived,
    GoldenInput,
    GoldenProvenance,
    GoldenQuality,
    GoldenRecord,
    GoldenTruth,
    Severity,
)

MOMENT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def golden_record(
    raw: str, severity: Severity = Severity.ERROR, cause: str = "disk_full", **other: Any
) -> GoldenRecord:
    """A record that shows `raw`; `other` may set signature, source, split, label_source, app, style, category."""
    fails = cause != "none"
    shown = GoldenInput(
        timestamp=MOMENT,
        namespace="shop",
        pod="shop-0",
        container="shop",
        app=other.get("app", "shop"),
        raw=raw,
        message=raw.split("\n", maxsplit=1)[0],
        format=other.get("style", "plain"),
    )
    truth = GoldenTruth(
        is_failure=fails,
        severity=severity,
        category=other.get("category", Category.STORAGE if fails else Category.NONE),
        cause=cause,
        cause_text="the volume is full" if fails else "",
        component=Component(kind="database", name="shop"),
        evidence_lines=(0,) if fails else (),
        remedy="grow the volume" if fails else "",
    )
    source = other.get("source", "real")
    return GoldenRecord(
        id=record_id(shown, truth),
        split=other.get("split", "train"),
        input=shown,
        derived=GoldenDerived(
            signature=other.get("signature", raw),
            signature_version=1,
            template=raw,
            detected_severity=other.get("detected", severity),
            detection_method="keyword",
            detection_confidence=0.5,
            token_estimate=len(raw) // 3 + 1,
        ),
        truth=truth,
        quality=GoldenQuality(label_source=other.get("label_source", "provoked" if source == "real" else "template")),
        provenance=GoldenProvenance(
            source=source, origin=other.get("origin", f"origin of {raw}"), seed=1, extractor_version="1.0.0"
        ),
    )
