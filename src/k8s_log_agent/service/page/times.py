"""Times in words, all in UTC."""

from __future__ import annotations

from datetime import datetime

MINUTE, HOUR, DAY = 60, 3600, 86400


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that says enough, such as `4 min ago`; the script keeps it up to date."""
    seconds = (now - moment).total_seconds()
    if seconds < MINUTE:
        return "just now"
    for unit, length, below in (("min", MINUTE, 90 * MINUTE), ("h", HOUR, 48 * HOUR)):
        if seconds < below:
            return f"{int(seconds // length)} {unit} ago"
    return f"{int(seconds // DAY)} days ago"


def lasting(start: datetime, end: datetime) -> str:
    """How long something took, such as `3 h 20 min`."""
    minutes = int(max(0.0, (end - start).total_seconds()) // MINUTE)
    if minutes < 1:
        return "less than a minute"
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{days} {'day' if days == 1 else 'days'}" if days else "", f"{hours} h" if hours else ""]
    if not days and rest:
        parts.append(f"{rest} min")
    return " ".join(part for part in parts if part)


def clock_time(moment: datetime, now: datetime) -> str:
    """`02:14` of today, else with its date, and its year where that is another one."""
    if moment.date() == now.date():
        return f"{moment:%H:%M}"
    return f"{moment.day} {moment:%b %H:%M}" if moment.year == now.year else f"{moment.day} {moment:%b %Y %H:%M}"


def whole(moment: datetime) -> str:
    """Day and second."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
