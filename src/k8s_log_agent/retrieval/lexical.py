"""BM25 over words: exact names, reasons and exit codes, where vectors are vague.

Score of a document for a query (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009):
sum over the query's words of idf(w) · tf · (k1 + 1) / (tf + k1 · (1 - b + b · length / mean length)), with
idf(w) = ln(1 + (N - n(w) + 0.5) / (n(w) + 0.5)).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray

# Words and numbers, with identifiers such as ImagePullBackOff or ENOSPC whole and in their parts.
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*|\d+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
MAXIMUM_WORDS = 512


def words(text: str) -> list[str]:
    """The words of a text, lower case, at most 512; a camel-case or snake-case name gives itself and its parts."""
    found: list[str] = []
    for match in _WORD.finditer(text):
        word = match.group()
        found.append(word.lower())
        parts = _PART.findall(word)
        if len(parts) > 1:
            found += [part.lower() for part in parts if len(part) > 1]
        if len(found) >= MAXIMUM_WORDS:
            break
    return found[:MAXIMUM_WORDS]


class LexicalIndex:
    """An inverted index in memory; about 1 KB for each short document."""

    def __init__(self, texts: Sequence[str], *, k1: float = 1.2, b: float = 0.75) -> None:
        counts = [Counter(words(text)) for text in texts]
        lengths = [sum(count.values()) for count in counts]
        mean = sum(lengths) / len(lengths) if lengths else 0.0
        holders: dict[str, list[int]] = {}
        for place, count in enumerate(counts):
            for word in count:
                holders.setdefault(word, []).append(place)
        self._size = len(counts)
        self._weights: dict[str, tuple[NDArray[np.intp], NDArray[np.float64]]] = {}
        for word, places in holders.items():
            idf = math.log(1 + (len(counts) - len(places) + 0.5) / (len(places) + 0.5))
            shares = [
                idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * lengths[place] / mean))
                for place in places
                for tf in (counts[place][word],)
            ]
            self._weights[word] = np.asarray(places), np.asarray(shares)

    def search(self, query: str, limit: int, excluded: AbstractSet[int] = frozenset()) -> list[tuple[int, float]]:
        """Places in `texts` with their scores, best first, equal ones in the order of `texts`; only scores above 0."""
        scores = np.zeros(self._size)
        for word in dict.fromkeys(words(query)):
            if word in self._weights:
                places, shares = self._weights[word]
                scores[places] += shares
        if excluded:
            scores[list(excluded)] = 0
        found = best_places(scores, limit)
        return [(int(place), float(scores[place])) for place in found if scores[place] > 0]


def best_places(scores: NDArray[np.floating], limit: int) -> NDArray[np.intp]:
    """The places of the `limit` highest scores, best first, equal ones in their order; no sorting of all of them."""
    if limit < 1 or not len(scores):
        return np.zeros(0, dtype=np.intp)
    if limit < len(scores):
        least = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        places = np.flatnonzero(scores >= least)
    else:
        places = np.arange(len(scores))
    return places[np.argsort(-scores[places], kind="stable")][:limit]
