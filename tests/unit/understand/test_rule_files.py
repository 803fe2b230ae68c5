from __future__ import annotations

import pytest

from k8s_log_agent.understand.noise import NoiseFile
from k8s_log_agent.understand.rule_files import RuleFileError, bounded, parse_rules

GOOD = "rules:\n- {name: one, reason: It is only an example., needs: [tick], hits: [tick], misses: [tock]}\n"


def test_a_good_file_is_read() -> None:
    assert parse_rules(GOOD, "mine.yaml", NoiseFile).rules[0].name == "one"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("reason: It is only an example., ", ""), "rule one, field reason"),
        (GOOD.replace("needs: [tick]", "needs: ['!']"), "no letter or digit"),
        (GOOD.replace("hits: [tick]", "pattern: 'a.*b', hits: [tick]"), "without bound"),
        (GOOD.replace("hits: [tick]", "pattern: '(', hits: [tick]"), "not a regular expression"),
        (GOOD.replace("hits: [tick]", "colour: red, hits: [tick]"), "colour"),
        (GOOD + GOOD.removeprefix("rules:\n"), "stands twice"),
        ("rules: [", "not YAML"),
    ],
)
def test_an_error_names_file_rule_and_field(text: str, words: str) -> None:
    with pytest.raises(RuleFileError) as caught:
        parse_rules(text, "mine.yaml", NoiseFile)

    assert words in str(caught.value)
    assert "mine.yaml" in str(caught.value)


@pytest.mark.parametrize("pattern", ["a*", "a+", "a{2,}", "(?:ab)*"])
def test_a_repetition_without_bound_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="without bound"):
        bounded(pattern)


@pytest.mark.parametrize("pattern", [r"\*", "[*+]", r"a{0,80}", r"\d{1,3}"])
def test_a_bounded_pattern_is_taken(pattern: str) -> None:
    assert bounded(pattern).pattern == pattern
