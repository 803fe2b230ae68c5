"""How bad a statement is for the operator: the stated level first, then rules that know better, then its wording.

The order of trust: what the program stated (field, number, klog letter, syslog priority, header, access status), raised
or lowered by the operational rules of `rules/severity.yaml`; where nothing was stated, the wording rules of the same
file; else INFO by default, with a confidence that says so, or UNKNOWN for a text without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Literal, NamedTuple

from k8s_log_agent.records import Severity
from k8s_log_agent.understand.access import access_level
from k8s_log_agent.understand.parsed import Parsed
from k8s_log_agent.understand.patterns import Alternatives, compiled, lowered
from k8s_log_agent.understand.phrases import PhraseIndex, fold
from k8s_log_agent.understand.rule_files import Rule, RuleFile, TextRule, load_rules

LONGEST = 4096  # characters of a statement that are looked at
_EXCEPTION = re.compile(r"(?:[\w$]{1,80}[.:]{1,2}){0,12}[A-Z][\w$]{0,80}(?:Error|Exception)\b")
_WORD = re.compile(r"(?<!\w)[^\W\d_]{2,40}(?!\w)")


class SeverityRule(TextRule):
    """A rule of `rules/severity.yaml`.

    `kind` says when it counts: `raise` lifts any statement to at least `severity`, `lower` brings a statement down to
    at most `severity`, `wording` decides where no level was stated; the worst of its kind wins.
    """

    kind: Literal["raise", "lower", "wording"]
    severity: Severity
    confidence: float = 0.7


class BenignRule(Rule):
    """Words that look bad and are not: what `pattern` matches is taken out before the rules look at a text."""

    pattern: str


class SeverityFile(RuleFile):
    """The file of severity rules."""

    benign: tuple[BenignRule, ...]
    rules: tuple[SeverityRule, ...]


class Assessed(NamedTuple):
    """The operational severity, how it was found, and how sure that is (0..1)."""

    severity: Severity
    method: str
    confidence: float


class SeverityRules:
    """The severity rules, compiled once."""

    def __init__(self, file: SeverityFile) -> None:
        self.file = file
        wording = [rule.kind == "wording" for rule in file.rules]
        self._wording = _Rules(rule for rule, is_wording in zip(file.rules, wording, strict=True) if is_wording)
        self._operational = _Rules(rule for rule, is_wording in zip(file.rules, wording, strict=True) if not is_wording)
        self._benign = Alternatives(rule.pattern for rule in file.benign)

    @staticmethod
    @cache
    def default() -> SeverityRules:
        """The shipped rules."""
        return SeverityRules(load_rules("severity.yaml", SeverityFile))

    def assess(self, parsed: Parsed, text: str) -> Assessed:
        """The severity of a statement: `parsed` its form, `text` its message with the lines that continue it."""
        stated = Assessed(parsed.level, parsed.method, parsed.confidence)
        if parsed.status and access_level(parsed.status).rank > max(parsed.level.rank, Severity.WARN.rank):
            stated = Assessed(access_level(parsed.status), "access", 0.9)
        hits = self.hits(text, wording=stated.severity is Severity.UNKNOWN)
        worst = max((rule for rule in hits if rule.kind == "raise"), key=_rank, default=None)
        if worst is not None and worst.severity.rank > stated.severity.rank:
            return Assessed(worst.severity, f"rule:{worst.name}", 0.9)
        if stated.severity is Severity.UNKNOWN:
            stated = _by_wording([rule for rule in hits if rule.kind == "wording"], text)
        lowered = min((rule for rule in hits if rule.kind == "lower"), key=_rank, default=None)
        if lowered is not None and worst is None and lowered.severity.rank < stated.severity.rank:
            return Assessed(lowered.severity, f"rule:{lowered.name}", 0.8)
        return stated

    def hits(self, text: str, *, wording: bool = True) -> list[SeverityRule]:
        """All rules that hold for a text, benign words taken out; those of wording only if asked for."""
        part = text[:LONGEST]
        words = fold(part)
        sets = [rules for rules in (self._operational, self._wording)[: 1 + wording] if rules.may_hold(words)]
        if not sets:
            return []
        without = self._benign.blanked(part)
        if without != part:
            part, words = without, fold(without)
        low = lowered(part)
        return [rule for rules in sets for rule in rules.hits(part, low, words)]


class _Rules:
    """Some rules, compiled and indexed."""

    def __init__(self, rules: Iterable[SeverityRule]) -> None:
        self._compiled = [(rule, compiled(rule.pattern), compiled(rule.unless)) for rule in rules]
        self._index = PhraseIndex(rule.needs for rule, _, _ in self._compiled)

    def may_hold(self, words: Sequence[bytes]) -> bool:
        """Whether a text of these words has a phrase that some rule needs."""
        return bool(self._index.owners(words))

    def hits(self, text: str, low: str, words: Sequence[bytes]) -> list[SeverityRule]:
        """The rules that hold for a text of these words; `low` as `Pattern.found_in` wants it."""
        found = [self._compiled[owner] for owner in self._index.owners(words)]
        return [
            rule
            for rule, pattern, unless in found
            if (pattern is None or pattern.found_in(text, low)) and not (unless and unless.found_in(text, low))
        ]


def _rank(rule: SeverityRule) -> int:
    return rule.severity.rank


def _by_wording(rules: Sequence[SeverityRule], text: str) -> Assessed:
    if _EXCEPTION.match(text) and all(rule.severity.rank < Severity.CRITICAL.rank for rule in rules):
        return Assessed(Severity.ERROR, "exception", 0.8)
    if rules:
        worst = max(rules, key=_rank)
        return Assessed(worst.severity, f"wording:{worst.name}", worst.confidence)
    if _WORD.search(text[:LONGEST]):
        return Assessed(Severity.INFO, "default", 0.4)
    return Assessed(Severity.UNKNOWN, "none", 0.0)
