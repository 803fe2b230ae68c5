"""Loki's answer to a query for lines, as entries in the order of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of an entry, those that Loki or the sender attached to the single line among them."""

    values: Mapping[str, str]
    key: bytes  # the same for the same labels, in any run


class Entry(NamedTuple):
    """One line as Loki gave it; `timestamp` is nanoseconds since the epoch."""

    timestamp: int
    labels: Labels
    text: str

    @property
    def digest(self) -> int:
        """64 bits of labels and text, the same in any run."""
        text = self.text.encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(text, key=self.labels.key, digest_size=8).digest())


@dataclass(frozen=True, slots=True)
class Answer:
    """Entries sorted by time, then labels; within both, as Loki gave them. `count` includes `repeated`, left out."""

    entries: list[Entry]
    count: int
    repeated: int


def read_answer(found: dict[str, Any]) -> Answer | str:
    """Read a decoded answer; a text instead says why it is not one of lines."""
    try:
        data = found["data"]
        if data["resultType"] != "streams":
            return (
                f"The query counts or computes ({data['resultType']}); lines are needed. Ask for the lines themselves."
            )
        return _entries(data["result"])
    except (KeyError, TypeError, ValueError, IndexError):
        return "The answer does not have the form of Loki's. Give the address of Loki itself, without /loki/api/v1."


def _entries(result: list[dict[str, Any]]) -> Answer:
    entries: list[Entry] = []
    seen: set[tuple[bytes, int, str]] = set()
    count = 0
    for stream in result:
        own = stream["stream"]
        known: dict[bytes, Labels] = {}
        values = stream["values"]
        count += len(values)
        for value in values:
            apart = value[2] if len(value) > 2 else {}
            form = orjson.dumps(apart)
            labels = known.get(form) or known.setdefault(form, _labels(own, apart))
            entry = Entry(int(value[0]), labels, value[1])
            mark = (labels.key, entry.timestamp, entry.text)
            if mark not in seen:
                seen.add(mark)
                entries.append(entry)
    entries.sort(key=lambda entry: (entry.timestamp, entry.labels.key))
    return Answer(entries, count, count - len(entries))


def _labels(own: dict[str, str], apart: dict[str, dict[str, str]]) -> Labels:
    merged = {**apart.get("parsed", {}), **apart.get("structuredMetadata", {}), **own}
    key = blake2b(orjson.dumps(merged, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
    return Labels(MappingProxyType(merged), key)
