"""Timestamps as logs write them, to nanoseconds since the epoch."""

from __future__ import annotations

import calendar
import datetime
from functools import lru_cache

SECOND = 1_000_000_000


@lru_cache(maxsize=8192)
def _seconds(text: str) -> int:
    """Seconds of `2026-11-24T20:00:00`, read as UTC; the separator may be any character."""
    parts = (int(text[0:4]), int(text[5:7]), int(text[8:10]), int(text[11:13]), int(text[14:16]), int(text[17:19]))
    year, month, day, hour, minute, second = parts
    datetime.date(year, month, day)
    if hour > 23 or minute > 59 or second > 60:
        raise ValueError(text)
    return calendar.timegm((year, month, day, hour, minute, second))


def rfc3339(text: str) -> int:
    """Nanoseconds of an RFC 3339 time; a space may stand for `T`, a comma for the point, and no zone means UTC.

    Raises `ValueError` when `text` is anything else.
    """
    seconds = _seconds(text[:19])
    rest = text[19:]
    if not rest or rest == "Z":
        return seconds * SECOND
    if rest[-1] == "Z":
        rest = rest[:-1]
    elif len(rest) > 4 and (sign := max(rest.rfind("+"), rest.rfind("-"))) >= 0:
        seconds -= _offset(rest[sign:])
        rest = rest[:sign]
    if not rest:
        return seconds * SECOND
    if rest[0] not in ".," or not rest[1:].isdecimal():
        raise ValueError(text)
    return seconds * SECOND + int(rest[1:10].ljust(9, "0"))


def _offset(zone: str) -> int:
    """Seconds east of Greenwich of `+01:00` or `+0100`."""
    digits = zone[1:].replace(":", "")
    if len(digits) != 4 or not digits.isdecimal():
        raise ValueError(zone)
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds


def optional_rfc3339(value: object) -> int | None:
    """Nanoseconds of an RFC 3339 text, or None for anything else."""
    if not isinstance(value, str) or len(value) < 19:
        return None
    try:
        return rfc3339(value)
    except ValueError:
        return None


def epoch(value: float) -> int | None:
    """Nanoseconds of a number since the epoch, its unit told from its size; None when it is no time of 1973 to 2128."""
    for unit in (SECOND, 1_000_000, 1_000, 1):
        if 1e8 * SECOND <= value * unit < 5e9 * SECOND:
            return value * unit if isinstance(value, int) else int(round(value * unit, -3))
    return None
