"""The times that programs write into their lines."""

from __future__ import annotations

import re

from k8s_log_agent.ingest.timestamps import epoch, optional_rfc3339

_MONTHS = {
    name: f"{place:02}" for place, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}
_DAY_FIRST = re.compile(r"(\d\d)[/ -]([A-Z][a-z]{2})[/ -](\d{4})[: ](\d\d:\d\d:\d\d)([.,]\d{1,9})?(?: ([+-]\d{4}|Z))?$")
_NAMED_DAY = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d\d:\d\d:\d\d)(\.\d{1,9})? (\d{4})$")
_YEAR_FIRST = re.compile(
    r"(\d{4})[-/.](\d\d)[-/.](\d\d)[T ]( ?\d{1,2}:\d\d:\d\d)([.,]\d{1,9})? ?(Z|UTC|GMT|[+-]\d\d:?\d\d)?$"
)


def moment(stamp: str) -> int | None:
    """Nanoseconds since the epoch of a time as a line states it, UTC where it names no zone; None without a year."""
    if not stamp:
        return None
    if found := _YEAR_FIRST.match(stamp):
        year, month, day, clock, fraction, zone = found.groups()
        return _of(year, month, day, clock, fraction, zone)
    if found := _DAY_FIRST.match(stamp):
        day, name, year, clock, fraction, zone = found.groups()
        return _of(year, _MONTHS.get(name, "00"), day, clock, fraction, zone)
    if found := _NAMED_DAY.match(stamp):
        name, day, clock, fraction, year = found.groups()
        return _of(year, _MONTHS.get(name, "00"), day, clock, fraction, None)
    try:
        return epoch(float(stamp)) if "." in stamp or "e" in stamp else epoch(int(stamp))
    except (ValueError, OverflowError):
        return None


def _of(year: str, month: str, day: str, clock: str, fraction: str | None, zone: str | None) -> int | None:  # noqa: PLR0913, PLR0917 - the parts of a time
    zone = "Z" if zone in (None, "UTC", "GMT") else zone
    return optional_rfc3339(f"{year}-{month}-{day.strip():0>2}T{clock.strip():0>8}{fraction or ''}{zone}")
