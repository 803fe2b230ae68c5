"""Values for a Helm chart that the chart does not know: Helm takes them silently, so a typing error has no effect."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class UnknownKey:
    """A path of keys that the chart's own values do not have; `meant` is the most similar one beside it, if any."""

    path: str
    meant: str


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`, mapping by mapping, as Helm does; None takes a key out of a mapping."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def unknown_keys(
    values: Mapping[str, Any], known: Mapping[str, Any], free: tuple[str, ...] = (), above: str = ""
) -> Iterator[UnknownKey]:
    """Yields the keys of `values` that `known`, the chart's values, lacks.

    An empty mapping or none at all in `known` says that anything goes below it, as do the paths in `free`.
    """
    for key, value in values.items():
        path = f"{above}.{key}" if above else str(key)
        if path in free:
            continue
        if key not in known:
            close = difflib.get_close_matches(str(key), [str(one) for one in known], n=1, cutoff=0.75)
            yield UnknownKey(path, close[0] if close else "")
            continue
        below = known[key]
        if isinstance(value, Mapping) and isinstance(below, Mapping) and below:
            yield from unknown_keys(value, below, free, path)
