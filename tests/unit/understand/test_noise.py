"""The examples of the noise rules are their tests; what must never be noise is held apart."""

from __future__ import annotations

import pytest

from k8s_log_agent.records import Severity
from k8s_log_agent.understand.noise import NoiseRule, NoiseRules

RULES = NoiseRules.default().rules
HITS = [pytest.param(rule, text, id=f"{rule.name}-{place}") for rule in RULES for place, text in enumerate(rule.hits)]
MISSES = [
    pytest.param(rule, text, id=f"{rule.name}-{place}") for rule in RULES for place, text in enumerate(rule.misses)
]


@pytest.mark.parametrize(("rule", "text"), HITS)
def test_a_rule_calls_its_hits_noise(rule: NoiseRule, text: str) -> None:
    assert NoiseRules([rule]).match(text) == rule.name


@pytest.mark.parametrize(("rule", "text"), MISSES)
def test_a_rule_leaves_its_misses(rule: NoiseRule, text: str) -> None:
    assert NoiseRules([rule]).match(text) is None


@pytest.mark.parametrize(("rule", "text"), HITS)
@pytest.mark.parametrize("severity", [Severity.ERROR, Severity.CRITICAL])
def test_nothing_is_noise_at_error_or_above(rule: NoiseRule, text: str, severity: Severity) -> None:
    assert NoiseRules([rule]).match(text, severity) is None


def test_a_line_with_a_proposed_cause_is_never_noise() -> None:
    probe = RULES[0].hits[0]

    assert NoiseRules.default().match(probe) is not None
    assert NoiseRules.default().match(probe, suspect=True) is None
