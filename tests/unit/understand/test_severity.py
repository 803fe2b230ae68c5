"""The stated level counts first, rules that know better next, the wording last."""

from __future__ import annotations

import re

import pytest

from k8s_log_agent.records import Severity
from k8s_log_agent.understand.formats import parse
from k8s_log_agent.understand.rule_files import RuleFileError, parse_rules
from k8s_log_agent.understand.severity import BenignRule, SeverityFile, SeverityRule, SeverityRules

RULES = SeverityRules.default()


def assessed(text: str) -> tuple[Severity, str]:
    parsed = parse(text)
    found = RULES.assess(parsed, parsed.message)
    return found.severity, found.method


@pytest.mark.parametrize("rule", RULES.file.rules, ids=lambda rule: rule.name)
def test_a_rule_holds_for_its_hits_and_not_for_its_misses(rule: SeverityRule) -> None:
    for text in rule.hits:
        assert rule in RULES.hits(text), text
    for text in rule.misses:
        assert rule not in RULES.hits(text), text


@pytest.mark.parametrize("rule", RULES.file.benign, ids=lambda rule: rule.name)
def test_benign_words_are_found_in_hits_only(rule: BenignRule) -> None:
    pattern = re.compile(rule.pattern, re.IGNORECASE)
    assert all(pattern.search(text) for text in rule.hits)
    assert not any(pattern.search(text) for text in rule.misses)


@pytest.mark.parametrize(
    ("text", "severity", "method"),
    [
        ('{"level":"info","msg":"container web was OOMKilled"}', Severity.CRITICAL, "rule:oom-killed"),
        ("I1124 20:00:00.123456  1 x.go:1] write: no space left on device", Severity.CRITICAL, "rule:disk-full"),
        ('{"level":"error","msg":"could not fetch feed"}', Severity.ERROR, "field"),
        ('{"level":"info","msg":"failed: 0, errors: 0"}', Severity.INFO, "field"),
        ('INFO:     127.0.0.1:1 - "GET / HTTP/1.1" 500 Internal Server Error', Severity.ERROR, "access"),
        (
            "2026-11-24 20:00:00.1 UTC [1] FATAL:  terminating connection due to administrator command",
            Severity.WARN,
            "rule:postgres-asked-to-stop",
        ),
        ("connect: connection refused", Severity.ERROR, "wording:says-refused"),
        ("sync finished, errors: 0", Severity.INFO, "default"),
        ("ErrorHandler initialised", Severity.INFO, "default"),
        ("opened https://example.org/errors/fatal", Severity.INFO, "default"),
        ("error=<nil> elapsed=3ms", Severity.INFO, "default"),
        ("SyntaxError: Expected ',' in JSON at position 26", Severity.ERROR, "exception"),
        ("------------", Severity.UNKNOWN, "none"),
    ],
)
def test_the_order_of_trust(text: str, severity: Severity, method: str) -> None:
    assert assessed(text) == (severity, method)


def test_a_guess_is_less_sure_than_a_statement() -> None:
    stated = RULES.assess(parse('{"level":"error","msg":"x failed"}'), "x failed")
    guessed = RULES.assess(parse("x failed"), "x failed")
    default = RULES.assess(parse("x done"), "x done")

    assert stated.confidence > guessed.confidence > default.confidence


def test_a_lowering_rule_never_hides_what_another_rule_raises() -> None:
    text = "FATAL: the database system is starting up; no space left on device"

    assert assessed(text)[0] is Severity.CRITICAL


def test_a_rule_without_bound_is_refused_with_its_name() -> None:
    rule = "{name: x-y, kind: raise, severity: ERROR, reason: something bad, needs: [x], pattern: 'x.*y', "
    rule += "hits: [x], misses: [y]}"

    with pytest.raises(RuleFileError, match="rule x-y, field pattern"):
        parse_rules(f"benign: []\nrules: [{rule}]", "severity.yaml", SeverityFile)
