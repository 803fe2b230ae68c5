"""Writes settings as YAML with nothing but the standard library, so that no package is needed on a managed host."""

from __future__ import annotations

import json
import re
from typing import Any

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_READ_AS_SOMETHING_ELSE = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def render(settings: dict[str, Any]) -> str:
    """`settings` in block style, in their own order; strings that YAML could take for another type are quoted."""
    return "".join(f"{line}\n" for line in _mapping(settings, 0)) or "{}\n"


def _mapping(settings: dict[str, Any], depth: int) -> list[str]:
    lines = []
    for key, value in settings.items():
        lines.extend(_entry(f"{'  ' * depth}{_scalar(str(key))}:", value, depth))
    return lines


def _sequence(values: list[Any], depth: int) -> list[str]:
    lines = []
    for value in values:
        lines.extend(_entry(f"{'  ' * depth}-", value, depth))
    return lines


def _entry(start: str, value: Any, depth: int) -> list[str]:  # noqa: ANN401 - whatever YAML can hold
    if isinstance(value, dict) and value:
        return [start, *_mapping(value, depth + 1)]
    if isinstance(value, (list, tuple)) and value:
        return [start, *_sequence(list(value), depth + 1)]
    return [f"{start} {_scalar(value)}"]


def _scalar(value: Any) -> str:  # noqa: ANN401 - whatever YAML can hold
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _READ_AS_SOMETHING_ELSE:
        return value
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
