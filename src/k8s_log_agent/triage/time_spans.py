"""Spans of time as people type them."""

from __future__ import annotations

import re

_SPAN = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def span_seconds(text: str) -> int:
    """Seconds of a span such as `90s`, `15m`, `1h` or `2d`; raises ValueError with what to type instead."""
    span = _SPAN.fullmatch(text)
    if not span or not int(span[1]):
        raise ValueError(f"{text} is not a span of time. Write a number and s, m, h or d, such as 90m.")
    return int(span[1]) * _SECONDS[span[2]]
