"""Says which lines tell an operator nothing: probes, scrapes, routine access lines, periodic chatter.

The rules are data in `rules/noise.yaml`. No rule applies to a line at ERROR or above, nor to one that a cause rule
recognised; what a rule drops is only marked with its name, so that it can be counted and shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal

from k8s_log_agent.records import Severity
from k8s_log_agent.understand.patterns import compiled, lowered
from k8s_log_agent.understand.phrases import PhraseIndex, fold
from k8s_log_agent.understand.rule_files import RuleFile, TextRule, load_rules

LONGEST = 4096  # characters of a line that are looked at


class NoiseRule(TextRule):
    """A rule of `rules/noise.yaml`; it holds for severities below `below`."""

    below: Literal[Severity.WARN, Severity.ERROR] = Severity.ERROR


class NoiseFile(RuleFile):
    """The file of noise rules."""

    rules: tuple[NoiseRule, ...]


class NoiseRules:
    """The noise rules, compiled once."""

    def __init__(self, rules: Sequence[NoiseRule]) -> None:
        self.rules = tuple(rules)
        self._index = PhraseIndex(rule.needs for rule in rules)
        self._compiled = [(rule.name, rule.below.rank, compiled(rule.pattern), compiled(rule.unless)) for rule in rules]

    @staticmethod
    @cache
    def default() -> NoiseRules:
        """The shipped rules."""
        return NoiseRules(load_rules("noise.yaml", NoiseFile).rules)

    def match(self, text: str, severity: Severity = Severity.UNKNOWN, *, suspect: bool = False) -> str | None:
        """Name of the first rule that calls `text` noise, or None.

        `suspect` says that a cause was proposed for the line, which then is never noise.
        """
        if suspect or severity.rank >= Severity.ERROR.rank:
            return None
        text = text[:LONGEST]
        owners = self._index.owners(fold(text))
        low, rank = lowered(text) if owners else "", severity.rank
        for owner in owners:
            name, below, pattern, unless = self._compiled[owner]
            if rank >= below or (pattern and not pattern.found_in(text, low)):
                continue
            if not (unless and unless.found_in(text, low)):
                return name
        return None
