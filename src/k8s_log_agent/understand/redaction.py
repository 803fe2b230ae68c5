"""Takes secrets out of a text before it is stored, sent, embedded or shown.

The rules are data in `rules/redaction.yaml`. A secret becomes a numbered placeholder of its type, `<TOKEN:1>`; the key
beside it stays, and the same secret has the same placeholder throughout a record. Redacting twice changes nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated

from pydantic import Field, field_validator

from k8s_log_agent.understand.patterns import Branch, matches, openings, requirements
from k8s_log_agent.understand.rule_files import Example, Rule, RuleFile, load_rules

MOST_SHAPES = 32768  # shapes of harmless texts remembered
LONGEST_SHAPE = 1024  # bytes of a shape worth remembering

PLACEHOLDER = re.compile(r"<([A-Z][A-Z_]{1,20}):(\d{1,6})>")
_ZERO_DIGITS = bytes(48 if 48 <= code <= 57 else code for code in range(256))
_LONG_NUMBER = re.compile(rb"0(?:[ -]?0){12}")
_KEY_LINE = 64  # characters of a line of a key block
_EVERYWHERE = 8  # a secret of this length is also replaced where it stands without its key


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without secrets, and how many places of each type were replaced."""

    text: str
    counts: Mapping[str, int] = field(default_factory=dict)


class RedactionRule(Rule):
    """One kind of secret. The group `secret` of `pattern` is replaced, else the whole match.

    `needs` are substrings in lower case of which a text must hold one before the pattern is tried.
    """

    type: Annotated[str, Field(pattern=r"^[A-Z][A-Z_]{1,20}$")]
    needs: tuple[Example, ...] = ()
    pattern: Annotated[str, Field(min_length=1)]
    luhn: bool = False
    ignore_case: bool = False

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
        return pattern


class RedactionFile(RuleFile):
    """The file of redaction rules."""

    rules: tuple[RedactionRule, ...]


class Redactor:
    """The redaction rules, compiled. Remembers the shapes of harmless texts, bounded, and nothing of any secret."""

    def __init__(self, rules: Sequence[RedactionRule] | None = None) -> None:
        self.rules = tuple(load_rules("redaction.yaml", RedactionFile).rules if rules is None else rules)
        self._compiled = [
            (
                Branch(rule.pattern, requirements(rule.pattern)),
                rule,
                re.compile(rule.pattern, re.IGNORECASE if rule.ignore_case else 0),
            )
            for rule in self.rules
        ]
        self._needs = tuple(dict.fromkeys(need for rule in self.rules for need in rule.needs))
        self._harmless: set[bytes] = set()

    @staticmethod
    @cache
    def default() -> Redactor:
        """The shipped rules."""
        return Redactor()

    def redact(self, text: str) -> Redacted:
        """The text without secrets; linear in its length."""
        shape = text.encode("utf-8", "replace").translate(_ZERO_DIGITS)
        if shape in self._harmless:
            return Redacted(text)
        numbered = _LONG_NUMBER.search(shape) is not None
        redacted = self._apply(text, numbered=numbered) if numbered or self._suspicious(text) else Redacted(text)
        if not numbered and not redacted.counts and len(shape) <= LONGEST_SHAPE:
            if len(self._harmless) >= MOST_SHAPES:
                self._harmless.clear()
            self._harmless.add(shape)
        return redacted

    def holds_card(self, text: str) -> bool:
        """Whether a text has the number of a payment card, which no two texts of a form share."""
        return any(
            rule.luhn and any(_luhn(found[0]) for found in pattern.finditer(text))
            for _, rule, pattern in self._compiled
        )

    def redact_lines(self, lines: Sequence[str]) -> tuple[tuple[str, ...], Mapping[str, int]]:
        """The lines of one record without secrets, numbered together; the number of lines stays."""
        whole = self.redact("\n".join(lines))
        if not whole.counts:
            return tuple(lines), whole.counts
        parts = tuple(whole.text.split("\n"))
        if len(parts) == len(lines):
            return parts, whole.counts
        return (parts + ("",) * len(lines))[: len(lines)], whole.counts

    def _suspicious(self, text: str) -> bool:
        """Whether some rule may match: cheap, and without regard to the digits of the text."""
        return _one_long_word(text) or any(map(text.lower().__contains__, self._needs))

    def _apply(self, text: str, *, numbered: bool) -> Redacted:
        names = _Placeholders(text)
        original = low = text.lower()
        numbered = numbered or not text.isascii()
        for branch, rule, pattern in self._compiled:
            if (rule.needs and not any(map(original.__contains__, rule.needs))) or (rule.luhn and not numbered):
                continue
            if branch.possible_in(low) or not low.isascii():
                before = text
                text = _replaced(text, matches(pattern, openings(rule.pattern), text, low), rule, names)
                if text is not before:
                    low = text.lower()
        return Redacted(names.everywhere(text), dict(names.counts))


def _one_long_word(text: str) -> bool:
    """Whether a text may be a line of a block of base 64."""
    return len(text) >= _KEY_LINE and " " not in text.strip()


class _Placeholders:
    """The placeholders of one record; numbers go on from those that the text already holds."""

    def __init__(self, text: str) -> None:
        self.counts: Counter[str] = Counter()
        self._names: dict[str, str] = {}
        self._last: Counter[str] = Counter()
        for kind, number in PLACEHOLDER.findall(text):
            self._last[kind] = max(self._last[kind], int(number))

    def name(self, secret: str, kind: str) -> str:
        self.counts[kind] += 1
        if secret not in self._names:
            self._last[kind] += 1
            self._names[secret] = f"<{kind}:{self._last[kind]}>"
        return self._names[secret]

    def everywhere(self, text: str) -> str:
        """Replace each long secret also where no rule saw it, the longest first."""
        for secret in sorted(self._names, key=len, reverse=True):
            if len(secret) >= _EVERYWHERE and any(char.isdigit() for char in secret) and secret in text:
                text = text.replace(secret, self._names[secret])
        return text


def _replaced(text: str, found: Iterable[re.Match[str]], rule: RedactionRule, names: _Placeholders) -> str:
    """The text with what each match redacts in place of it; the same object where nothing matches."""
    pieces, end = [], 0
    for match in found:
        pieces += [text[end : match.start()], _replace(match, rule, names)]
        end = match.end()
    return "".join((*pieces, text[end:])) if pieces else text


def _replace(found: re.Match[str], rule: RedactionRule, names: _Placeholders) -> str:
    group: str | int = "secret" if found.groupdict().get("secret") else 0
    secret = found[group]
    if PLACEHOLDER.fullmatch(secret) or (rule.luhn and not _luhn(secret)):
        return found[0]
    if found.start() and PLACEHOLDER.match(found.string, found.start() - 1):
        return found[0]
    start, end = found.start(group) - found.start(), found.end(group) - found.start()
    return found[0][:start] + names.name(secret, rule.type) + found[0][end:]


def _luhn(number: str) -> bool:
    """Whether the check digit of a card number is right."""
    digits = [int(char) for char in reversed(number) if char.isdigit()]
    return sum(digits[::2]) % 10 == -sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2]) % 10


def kinds(rules: Iterable[RedactionRule]) -> tuple[str, ...]:
    """The types of placeholders that the rules make, in order."""
    return tuple(dict.fromkeys(rule.type for rule in rules))
