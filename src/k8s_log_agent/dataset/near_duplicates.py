"""Pairs of texts that say nearly the same: Jaccard similarity of their shingles of three words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

SHINGLE = 3  # words
ALIKE = 0.8
_COMMON_SHINGLE = 200  # a shingle of more texts tells nothing and would make the search quadratic


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Return the sets of three words in a row; the words themselves when there are fewer."""
    words = text.split()
    if len(words) <= SHINGLE:
        return frozenset([tuple(words)])
    return frozenset(tuple(words[start : start + SHINGLE]) for start in range(len(words) - SHINGLE + 1))


def near_duplicates(texts: Sequence[str], alike: float = ALIKE) -> list[tuple[int, int, float]]:
    """Return the pairs of places whose texts are at least `alike`, with their similarity; the first place is lower."""
    sets = [shingles(text) for text in texts]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, found in enumerate(sets):
        for shingle in found:
            holders[shingle].append(place)
    pairs = []
    for place, found in enumerate(sets):
        shared: Counter[int] = Counter()
        for shingle in found:
            if len(holders[shingle]) <= _COMMON_SHINGLE:
                shared.update(other for other in holders[shingle] if other > place)
        for other, common in shared.items():
            similarity = common / len(found | sets[other])
            if similarity >= alike:
                pairs.append((place, other, round(similarity, 3)))
    return sorted(pairs)
