"""What the disk says about its own health, where a program that can ask it is installed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from . import host
from .request import DiskError


def health_of(link: str) -> dict[str, Any]:
    """Never fails: `source` is empty when nobody could be asked."""
    if host.has("smartctl"):
        try:  # the exit status is a set of bits about the disk's past, not about the call
            found = read_smartctl(host.output(["smartctl", "--json", "--all", link], fine=tuple(range(256))))
        except (DiskError, ValueError):
            found = None
        if found:
            return found
    if host.has("nvme"):
        try:
            return read_nvme(host.output(["nvme", "smart-log", "--output-format=json", link]))
        except (DiskError, ValueError):
            pass
    return {"source": ""}


def read_smartctl(text: str) -> dict[str, Any] | None:
    """``smartctl --json --all``; None when the disk told nothing."""
    told: Mapping[str, Any] = json.loads(text)
    log: Mapping[str, Any] = told.get("nvme_smart_health_information_log") or {}
    passed = (told.get("smart_status") or {}).get("passed")
    if passed is None and not log:
        return None
    found = {
        "source": "smartctl",
        "passed": passed,
        "wear_percent": log.get("percentage_used", _ata_wear(told)),
        "spare_percent": log.get("available_spare"),
        "media_errors": log.get("media_errors"),
        "power_on_hours": (told.get("power_on_time") or {}).get("hours"),
        "celsius": (told.get("temperature") or {}).get("current"),
    }
    return {name: value for name, value in found.items() if value is not None}


def read_nvme(text: str) -> dict[str, Any]:
    """``nvme smart-log --output-format=json``; temperatures are in kelvin there."""
    log: Mapping[str, Any] = json.loads(text)
    warning = log.get("critical_warning", 0)
    warning = warning.get("value", 0) if isinstance(warning, dict) else warning
    found = {
        "source": "nvme",
        "passed": warning == 0,
        "wear_percent": log.get("percent_used", log.get("percentage_used")),
        "spare_percent": log.get("avail_spare"),
        "media_errors": _number(log.get("media_errors")),
        "power_on_hours": _number(log.get("power_on_hours")),
        "celsius": log["temperature"] - 273 if "temperature" in log else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _number(told: str | int | None) -> int | None:
    """Newer releases of nvme write large counts as text."""
    return None if told is None else int(told)


def _ata_wear(told: Mapping[str, Any]) -> int | None:
    """SATA disks count down from 100 in attribute 231, 233 or 177, by maker."""
    rows = (told.get("ata_smart_attributes") or {}).get("table") or []
    values = {row["id"]: row["value"] for row in rows if row.get("id") in (177, 231, 233)}
    return next((100 - values[number] for number in (231, 233, 177) if number in values), None)
