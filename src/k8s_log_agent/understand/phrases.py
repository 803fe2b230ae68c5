"""Finds whole-word phrases in a text, many at once, without a regular expression.

A text is folded to lower-case words, punctuation dropped; a phrase is found where its words follow each other. Each
phrase is filed under its most telling word, so that a text without any of these words is dismissed by one set test.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

# Words that stand in too many healthy lines to file a phrase under, unless it has no other.
_COMMON = frozenset(
    b"a address and at be by cannot client connect connection connections container could data database err error exit"
    b" failed file for from has have http in into is it level msg name no node not of on or pod process read reason"
    b" request runtime server service state status the time to user volume warning was with write".split()
)
_FOLD = bytes(
    code + 32 if 65 <= code <= 90 else code if 97 <= code <= 122 or 48 <= code <= 57 or code >= 128 else 32
    for code in range(256)
)


def fold(text: str) -> list[bytes]:
    """The words of `text` in lower case; everything but ASCII letters, digits and other scripts separates them."""
    return text.encode("utf-8", "replace").translate(_FOLD).split()


class PhraseIndex:
    """Which of many phrases stand in a text. Phrases of one owner are alternatives; owners are numbered from 0."""

    def __init__(self, owners: Iterable[Sequence[str]]) -> None:
        filed: dict[bytes, list[tuple[bytes, int]]] = {}
        for owner, phrases in enumerate(owners):
            for phrase in phrases:
                words = fold(phrase)
                filed.setdefault(max(words, key=_telling), []).append((b" " + b" ".join(words) + b" ", owner))
        self._filed = {word: tuple(entries) for word, entries in filed.items()}
        self._words = frozenset(filed)

    def owners(self, words: Sequence[bytes]) -> list[int]:
        """The owners with a phrase in a text folded to `words`, in ascending order."""
        if self._words.isdisjoint(words):
            return []
        joined = b" " + b" ".join(words) + b" "
        filed = self._filed
        found = {owner for word in self._words.intersection(words) for phrase, owner in filed[word] if phrase in joined}
        return sorted(found)


def _telling(word: bytes) -> tuple[bool, bool, int]:
    """Numbers come last: they stand in nearly every line, and a line's own numbers say nothing about a phrase."""
    return not word.isdigit(), word not in _COMMON, len(word)
