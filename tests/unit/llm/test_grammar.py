from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_log_agent.llm.grammar import GrammarError, grammar_of
from k8s_log_agent.llm.schema import choice, flat_object, numbers_among, short_text

SCHEMA = flat_object(
    {"lines": numbers_among([1, 2, 13], 2), "reasoning": short_text(12), "cause": choice(["disk_full", 'a "b" \\ c'])}
)


def matcher(grammar: str) -> re.Pattern[str]:
    """The grammar as a regular expression: ours have no recursion."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.splitlines())

    def expression(text: str) -> str:
        done = ""
        for token in re.findall(r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|\{\d+,\d+\}|[()|]|\w+', text):
            if token.startswith('"'):
                done += re.escape(json.loads(token))
            else:
                done += f"(?:{expression(rules[token])})" if token in rules else token
        return done

    return re.compile(expression(rules["root"]))


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ('{"lines":[1,13],"reasoning":"full","cause":"disk_full"}', True),
        ('{"lines":[2],"reasoning":"a \\"b\\" \\u00e9","cause":"a \\"b\\" \\\\ c"}', True),
        ('{"lines":[],"reasoning":"full","cause":"disk_full"}', False),
        ('{"lines":[1,2,13],"reasoning":"full","cause":"disk_full"}', False),
        ('{"lines":[3],"reasoning":"full","cause":"disk_full"}', False),
        ('{"lines":[1],"reasoning":"","cause":"disk_full"}', False),
        ('{"lines":[1],"reasoning":"thirteen char","cause":"disk_full"}', False),
        ('{"lines":[1],"reasoning":"a"b","cause":"disk_full"}', False),
        ('{"lines":[1],"reasoning":"a\nb","cause":"disk_full"}', False),
        ('{"lines":[1],"reasoning":"full","cause":"io_error"}', False),
        ('{"lines":[1],"reasoning":"full","cause":"disk_full","more":1}', False),
        ('{"reasoning":"full","cause":"disk_full"}', False),
    ],
)
def test_exactly_what_the_schema_allows_is_allowed(text: str, *, allowed: bool) -> None:
    assert bool(matcher(grammar_of(SCHEMA)).fullmatch(text)) is allowed


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=4, unique=True))
def test_any_word_can_be_a_choice(words: list[str]) -> None:
    _, rule, _, end = grammar_of(flat_object({"a": choice(words)})).split("\n")

    assert rule.startswith("value0 ::= ") and rule.count(" | ") >= len(words) - 1 and not end


@pytest.mark.parametrize("schema", [{"type": "string"}, flat_object({"a": {"type": "number"}}), flat_object({})])
def test_what_has_no_translation_is_refused(schema: dict[str, object]) -> None:
    with pytest.raises(GrammarError):
        grammar_of(schema)
