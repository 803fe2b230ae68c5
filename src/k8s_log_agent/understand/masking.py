"""Replaces what differs from run to run by typed placeholders, and keeps what carries the meaning.

The recipe is data in `rules/masks.yaml`: patterns, the most specific first, that are tried on each word of a line. A
word's mask depends on the word and on the one before it (`exit code 137`), so words are cached, and so are their shapes
(the word with each digit as 0): most lines cost a few dictionary look-ups. Nothing depends on what was seen before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Annotated

from pydantic import Field, field_validator

from k8s_log_agent.records import Record
from k8s_log_agent.understand.rule_files import Example, Rule, bounded, load_rules

LONGEST = 4096  # characters of a text that are masked; the rest is left out of the template
MOST_WORDS = 65536  # words remembered, and as many shapes

_ZERO_DIGITS = bytes(48 if 48 <= code <= 57 else code for code in range(256))
_HEXADECIMAL = re.compile(r"[A-Fa-f]{8,}")
_NUMBERED = re.compile(r":\d{1,6}(?=>)")
_LEADING_NUMBER = re.compile(r"^[\"'(\[=:]{0,3}\d{1,5}(?![\w.])")


class MaskExample(Record):
    """A text and what it becomes."""

    text: Example
    template: Example


class Mask(Rule):
    """One pattern. It becomes `<PLACEHOLDER>`, or stays as it is where `placeholder` is empty."""

    placeholder: str = ""
    pattern: Annotated[str, Field(min_length=1)]
    head: Annotated[int, Field(ge=0)] = 0  # segments of a path that stay, masked themselves
    hits: Annotated[tuple[MaskExample, ...], Field(min_length=1)]  # type: ignore[assignment]  # an example has two sides here

    @field_validator("pattern")
    @classmethod
    def _pattern_is_bounded(cls, pattern: str) -> str:
        bounded(pattern)
        return pattern


class MaskFile(Record):
    """The recipe: masks in order, and the words after which a number or a well-known port is kept."""

    masks: tuple[Mask, ...]
    code_words: tuple[str, ...]
    port_words: tuple[str, ...]
    ports: tuple[int, ...]
    status_phrases: tuple[str, ...]


class Masker:
    """The recipe, compiled. `mask` is a pure function; the caches only make it fast, and are bounded."""

    def __init__(self, recipe: MaskFile) -> None:
        self._ports = frozenset(str(port) for port in recipe.ports)
        self._masks = {mask.name.replace("-", "_"): mask for mask in recipe.masks}
        ports = "|".join(sorted(self._ports))
        groups = (f"(?P<{name}>{mask.pattern.replace('@PORTS@', ports)})" for name, mask in self._masks.items())
        self._combined = re.compile("|".join(groups))
        self._openers = frozenset(recipe.code_words)
        self._port_openers = frozenset(recipe.port_words)
        self._phrases = dict.fromkeys(recipe.status_phrases)
        self._words = _Words(self._mask_word, MOST_WORDS)

    @staticmethod
    @cache
    def default() -> Masker:
        """The shipped recipe."""
        return Masker(load_rules("masks.yaml", MaskFile))

    def mask(self, text: str) -> str:
        """The template of `text`: the same for texts that differ in ids, numbers and times only."""
        words = text[:LONGEST].split(" ")
        cached = self._words
        masked = [cached[word] for word in words]
        if not cached.openers.keys().isdisjoint(words):
            self._keep_codes(words, masked)
        return " ".join(masked)

    def _keep_codes(self, words: list[str], masked: list[str]) -> None:
        """Put back the numbers that follow a word such as `status` or `port`, and a status before its phrase."""
        for index, word in enumerate(words):
            kind = self._words.openers.get(word)
            if kind == "phrase":
                if index and words[index - 1].strip("\"'([:,") in _STATUS:
                    masked[index - 1] = words[index - 1]
            elif kind and index + 1 < len(words):
                self._keep_after(kind, index + 1, words, masked)

    def _keep_after(self, kind: str, index: int, words: list[str], masked: list[str]) -> None:
        word = words[index]
        found = _LEADING_NUMBER.match(word)
        if found and (kind == "code" or found[0].strip("\"'([=:") in self._ports):
            masked[index] = found[0] + self._words[word[found.end() :]]

    def _mask_word(self, word: str) -> tuple[str, bool, str]:
        """Return the masked word, whether that holds for every word of its shape, and what it opens."""
        if word.isalpha() and word.isascii() and not _HEXADECIMAL.fullmatch(word):
            return word, False, self._opens(word)  # no mask is for letters alone, unless they may be an id
        kept = False

        def replace(found: re.Match[str]) -> str:
            nonlocal kept
            mask = self._masks[found.lastgroup or ""]
            if not mask.placeholder:
                kept = True
                return _NUMBERED.sub("", found[0])
            if mask.head:
                segments = found[0].split("/")[: mask.head + 1]
                return f"{self._combined.sub(replace, '/'.join(segments))}/<{mask.placeholder}>"
            return f"<{mask.placeholder}>"

        return self._combined.sub(replace, word), not kept, self._opens(word)

    def _opens(self, word: str) -> str:
        plain = word.strip("\"'()[]{}:=,;").casefold()
        if plain in self._openers or plain.startswith("http/") or _TIMERS.fullmatch(word):
            return "code"
        if plain in self._port_openers:
            return "port"
        return "phrase" if word.strip("\"'()[]:,;.") in self._phrases else ""


_STATUS = frozenset(str(code) for code in range(400, 600))
_TIMERS = re.compile(r"-?\d{1,9}(?:/[-+]?\d{1,9}){4}")  # HAProxy writes the status after its five timers


class _Words(dict[str, str]):
    """Words with their masks. Emptied when full: it is refilled within some thousand lines."""

    def __init__(self, make: Callable[[str], tuple[str, bool, str]], most: int) -> None:
        super().__init__()
        self.openers: dict[str, str] = {}
        self._make = make
        self._most = most
        self._shapes: dict[bytes, str] = {}

    def __missing__(self, word: str) -> str:
        shape = word.encode("utf-8", "replace").translate(_ZERO_DIGITS)
        if known := self._shapes.get(shape):
            return known
        masked, general, opens = self._make(word)
        if len(self) + len(self._shapes) >= self._most:
            self.clear()
            self.openers.clear()
            self._shapes.clear()
        if general and not opens and masked != word:
            self._shapes[shape] = masked
        else:
            self[word] = masked
            if opens:
                self.openers[word] = opens
        return masked


def mask(text: str) -> str:
    """The template of `text` by the shipped recipe."""
    return Masker.default().mask(text)
