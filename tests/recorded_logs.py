"""A recording of an invented program, written as the recorder does: CRI files with a manifest."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 11, 24, 20, 0, 0, tzinfo=UTC)
POD = "pods/shop_orders-0_11111111-2222-3333-4444-555555555555"
SOURCE = f"{POD}/orders/0.log"
FAULT_TEXT = "FATAL cannot write ledger: No space left on device"


def write_recording(root: Path, split: str = "training", program: str = "orders", healthy: int = 40) -> Path:
    """Write `<root>/<split>/<program>` with a healthy window and, after it, a fault of cause disk_full."""
    folder = root / split / program
    log = folder / SOURCE
    log.parent.mkdir(parents=True)
    lines = [f"INFO order {number} of {program} shipped to depot {number % 3}" for number in range(healthy)]
    lines += [
        "WARN ledger volume is 99% full",
        FAULT_TEXT,
        "INFO order 7 is kept in memory",
        "ERROR 3 orders were not kept",
    ]
    moments = [START + timedelta(seconds=number) for number in range(len(lines))]
    text = "".join(
        f"{moment:%Y-%m-%dT%H:%M:%S}.000000001Z stdout F {line}\n" for moment, line in zip(moments, lines, strict=True)
    )
    log.write_text(text, encoding="utf-8")
    manifest = {
        "schema_version": 1,
        "program": {"name": program, "kind": "application", "version": "1.2.3", "command": [program]},
        "split": split,
        "recorded_at": START.isoformat(),
        "machine": {"system": "Linux"},
        "lines": len(lines),
        "windows": [
            _window("calm", "healthy", moments[0], moments[healthy - 1]),
            _window("full", "fault", moments[healthy], moments[-1])
            | {
                "cause": "disk_full",
                "severity": "CRITICAL",
                "component": {"kind": "database", "name": "ledger"},
                "evidence": [{"source": SOURCE, "line": healthy + 2}],
            },
        ],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def _window(name: str, kind: str, start: datetime, end: datetime) -> dict[str, object]:
    return {
        "id": name,
        "kind": kind,
        "start": start.isoformat(),
        "end": (end + timedelta(milliseconds=1)).isoformat(),
        "description": f"the window {name}",
    }
