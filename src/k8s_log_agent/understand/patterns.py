"""Searches a text for an alternation, trying only those of its branches whose literals stand in the text.

Rules are long alternations of wordings. A branch cannot match where a piece of plain text that it requires is absent,
and asking for that piece costs a hundredth of trying the branch. The answer is that of the whole pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

_ZERO_WIDTH = frozenset("bBAZ")
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_QUANTIFIER = re.compile(r"(?:[*+?]|\{(\d*)(?:,\d*)?\})[?+]?")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_OPENING = re.compile(r"\((?!\?)|\(\?(?:P<\w+>|[aiLmsux-]*:|[=!]|<[=!])")
_FLAGS = re.compile(r"(?:\(\?[aiLmsux]+\))?")
_NAMED_AGAIN = re.compile(r"\(\?P=\w+\)")

_PLAIN = re.compile(r"(?:[A-Za-z0-9\"' _-](?![*+?{]))*")
_MOST_CLAUSES = 3  # that are asked for before a branch is tried

Clause = tuple[str, ...]  # lower-case literals of which a text must hold one


class Branch(NamedTuple):
    """One alternative of a pattern, and the clauses that a text must all fulfil, the most telling first."""

    pattern: str
    needs: tuple[Clause, ...]

    def possible_in(self, low: str) -> bool:
        """Whether it may match a text, given in lower case."""
        for clause in self.needs:
            for literal in clause:
                if literal in low:
                    break
            else:
                return False
        return True


def branches(pattern: str) -> list[Branch]:
    """The alternatives of a pattern on its outermost level."""
    reader, flags = _Reader(pattern), _FLAGS.match(pattern)[0]  # type: ignore[index]  # an empty text matches, too
    reader.place = start = len(flags)
    found = []
    while True:
        needs = reader.sequence()
        found.append(Branch(flags + pattern[start : reader.place], needs))
        if reader.place >= len(pattern):
            return found
        reader.place += 1
        start = reader.place


class Pattern:
    """A bounded pattern, without regard to case, compiled piece by piece as texts ask for it."""

    __slots__ = ("_branches", "_compiled", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self._branches = branches(source)
        self._compiled: dict[str, re.Pattern[str]] = {}

    def found_in(self, text: str, lowered: str) -> bool:
        """Whether it matches somewhere in a text; `lowered` is what `lowered(text)` gives."""
        if not lowered:
            return self._piece(self.source).search(text) is not None
        for source, needs in self._branches:
            for clause in needs:  # what `Branch.possible_in` does, which costs more to call than to do
                for literal in clause:
                    if literal in lowered:
                        break
                else:
                    break
            else:
                if self._piece(source).search(text) is not None:
                    return True
        return False

    def _piece(self, source: str) -> re.Pattern[str]:
        piece = self._compiled.get(source)
        if piece is None:
            piece = self._compiled[source] = re.compile(source, re.IGNORECASE)
        return piece


class Alternatives:
    """Several patterns of which the first that matches at a place counts, as one pattern for replacing."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._parts = [Branch(f"(?:{source})", requirements(source)) for source in patterns]
        self._compiled: dict[tuple[str, ...], re.Pattern[str]] = {}

    def blanked(self, text: str) -> str:
        """The text with a blank in place of each match."""
        low = lowered(text)
        chosen = tuple(part.pattern for part in self._parts if not low or part.possible_in(low))
        if not chosen:
            return text
        pattern = self._compiled.get(chosen)
        if pattern is None:
            pattern = self._compiled[chosen] = re.compile("|".join(chosen), re.IGNORECASE)
        return pattern.sub(" ", text)


@lru_cache(maxsize=1024)
def requirements(source: str) -> tuple[Clause, ...]:
    """The clauses that a text fulfils in which a pattern matches; none where that cannot be told."""
    found = branches(source)
    if len(found) == 1:
        return found[0].needs
    return (_either(branch.needs for branch in found),) if all(branch.needs for branch in found) else ()


def _either(alternatives: Iterable[tuple[Clause, ...]]) -> Clause:
    """The clause that holds where one of several alternatives does."""
    return tuple(dict.fromkeys(literal for clauses in alternatives for literal in clauses[0]))


@lru_cache(maxsize=1024)
def openings(source: str) -> Clause:
    """Literals with one of which each match begins, of a pattern that begins with a group of wordings; else none."""
    if not source.startswith("(?:"):
        return ()
    reader, found = _Reader(source), []
    reader.place = start = 3
    while True:
        reader.sequence()
        found.append(_PLAIN.match(source[start : reader.place])[0].lower())  # type: ignore[index]  # an empty text matches
        reader.place += 1
        start = reader.place
        if source[start - 1] == ")":
            return tuple(dict.fromkeys(found)) if all(found) and not _QUANTIFIER.match(source, start) else ()


def matches(pattern: re.Pattern[str], opens: Clause, text: str, low: str) -> Iterator[re.Match[str]]:
    """The matches of a pattern from left to right, none of them empty, looked for only where one can begin."""
    if not opens or not low.isascii():
        yield from pattern.finditer(text)
        return
    end = 0
    for place in sorted({place for literal in opens for place in _places(literal, low)}):
        if place >= end and (found := pattern.match(text, place)):
            yield found
            end = found.end()


def _places(literal: str, text: str) -> Iterator[int]:
    place = text.find(literal)
    while place >= 0:
        yield place
        place = text.find(literal, place + 1)


def lowered(text: str) -> str:
    """A text in lower case; empty where it holds more than ASCII, whose letters match others without regard to case."""
    return text.lower() if text.isascii() else ""


class _Reader:
    """Reads a pattern from left to right, and tells what each sequence of it requires."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.place = 0

    def alternatives(self) -> tuple[Clause, ...]:
        """What a group requires whose `(?:` has been read; its `)` is read, too."""
        found = [self.sequence()]
        while self.pattern[self.place] == "|":
            self.place += 1
            found.append(self.sequence())
        self.place += 1
        if len(found) == 1:
            return found[0]
        return (_either(found),) if all(found) else ()

    def sequence(self) -> tuple[Clause, ...]:
        """What the atoms up to the next `|` or `)` require, the most telling first."""
        clauses: list[Clause] = []
        run = ""
        for literal, needs, ends in self._atoms():
            run += literal
            if ends:
                clauses += [(run,)] if run else []
                run = ""
            clauses += needs
        clauses += [(run,)] if run else []
        return tuple(sorted(dict.fromkeys(clauses), key=_worth, reverse=True)[:_MOST_CLAUSES])

    def _atoms(self) -> Iterator[tuple[str, tuple[Clause, ...], bool]]:
        """Yield for each atom its literal, what it requires if it is a group, and whether a run of literals ends."""
        while self.place < len(self.pattern) and self.pattern[self.place] not in "|)":
            literal, needs, ends = self._atom()
            quantifier = _QUANTIFIER.match(self.pattern, self.place)
            if quantifier is None:
                yield literal, needs, ends
                continue
            self.place = quantifier.end()
            sign, least = quantifier[0][0], quantifier[1]
            yield "", (), True
            if sign == "+" or (sign == "{" and int(least or 0) > 0):
                yield literal, needs, True

    def _atom(self) -> tuple[str, tuple[Clause, ...], bool]:
        char = self.pattern[self.place]
        if char == "\\":
            self.place += 2
            return self._escaped(self.pattern[self.place - 1])
        if char == "(":
            return self._group()
        if char == "[" and (found := _CLASS.match(self.pattern, self.place)):
            self.place = found.end()
            return "", (), True
        self.place += 1
        if char in "^$":
            return "", (), False
        return ("", (), True) if char == "." or not char.isascii() else (char.lower(), (), False)

    def _group(self) -> tuple[str, tuple[Clause, ...], bool]:
        if found := _NAMED_AGAIN.match(self.pattern, self.place):
            self.place = found.end()
            return "", (), True
        if not (found := _OPENING.match(self.pattern, self.place)):
            raise ValueError(f"{self.pattern[self.place :]!r} begins a group of an unknown kind")
        self.place = found.end()
        needs = self.alternatives()
        return ("", (), False) if found[0][-1] in "=!" else ("", needs, True)

    @staticmethod
    def _escaped(char: str) -> tuple[str, tuple[Clause, ...], bool]:
        if char in _ZERO_WIDTH:
            return "", (), False
        if char in _CONTROL:
            return _CONTROL[char], (), False
        return ("", (), True) if char.isalnum() or not char.isascii() else (char, (), False)


def _worth(clause: Sequence[str]) -> tuple[bool, float]:
    """How seldom one of these literals stands in a text that does not match: they are long, and few."""
    shortest = min(len(literal) for literal in clause)
    return shortest >= 3, shortest - len(clause) / 4


def compiled(pattern: str) -> Pattern | None:
    """The pattern, or None of an empty text."""
    return Pattern(pattern) if pattern else None
