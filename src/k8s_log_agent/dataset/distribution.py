"""How far a distribution of counts is from another: total variation and Jensen-Shannon, both 0 (equal) to 1."""

from __future__ import annotations

from collections.abc import Mapping
from math import log2

from k8s_log_agent.records import Record


class Distance(Record):
    """Between two distributions; None when one of them is empty."""

    total_variation: float | None
    jensen_shannon: float | None  # the divergence in bits


def distance(found: Mapping[str, int], wanted: Mapping[str, int]) -> Distance:
    """Return the distance of `found` from `wanted`, by shares and not by size."""
    left, right = _shares(found), _shares(wanted)
    if not left or not right:
        return Distance(total_variation=None, jensen_shannon=None)
    keys = sorted({*left, *right})
    variation = sum(abs(left.get(key, 0.0) - right.get(key, 0.0)) for key in keys) / 2
    middle = {key: (left.get(key, 0.0) + right.get(key, 0.0)) / 2 for key in keys}
    divergence = (_relative_entropy(left, middle) + _relative_entropy(right, middle)) / 2
    return Distance(total_variation=round(variation, 4), jensen_shannon=round(abs(divergence), 4))


def evenness(counts: Mapping[str, int]) -> float:
    """Return the entropy as a share of what even counts would have: 1 is even, 0 is all in one place."""
    shares = _shares(counts)
    if len(shares) < 2:
        return 0.0
    return round(-sum(share * log2(share) for share in shares.values()) / log2(len(shares)), 4)


def _shares(counts: Mapping[str, int]) -> dict[str, float]:
    total = sum(counts.values())
    return {key: number / total for key, number in counts.items() if number} if total else {}


def _relative_entropy(left: Mapping[str, float], right: Mapping[str, float]) -> float:
    return sum(share * log2(share / right[key]) for key, share in left.items())
