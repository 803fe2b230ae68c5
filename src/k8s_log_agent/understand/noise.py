"""Says which lines tell an operator nothing: probes, scrapes, routine access lines, periodic chatter.

The rules are data in `rules/noise.yaml`. No rule applies to a line at ERROR or above, nor to one that a cause rule
recognised; what a rule drops is only marked with its name, so that it can be counted and shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Literal

from k8s_log_agent.records import Severity
from k8s_log_agent.understand.phrases import PhraseIndex, fold
from k8s_log_agent.understand.rule_files import RuleFile, TextRule, bounded, load_rules

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
        self._compiled = [
            (rule.name, rule.below.rank, _compiled(rule.pattern), _compiled(rule.unless)) for rule in rules
        ]

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
        for owner in self._index.owners(fold(text)):
            name, below, pattern, unless = self._compiled[owner]
            if severity.rank < below and (not pattern or pattern.search(text)) and not (unless and unless.search(text)):
                return name
        return None


def _compiled(pattern: str) -> re.Pattern[str] | None:
    return bounded(pattern) if pattern else None
