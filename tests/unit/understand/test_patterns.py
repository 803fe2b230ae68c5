import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_log_agent.understand.causes import CauseTable
from k8s_log_agent.understand.noise import NoiseRules
from k8s_log_agent.understand.patterns import Alternatives, Pattern, branches, lowered, matches, openings, requirements
from k8s_log_agent.understand.redaction import RedactionRule, Redactor
from k8s_log_agent.understand.severity import SeverityRules

RULES = [
    *(rule for code in CauseTable.default().codes for rule in CauseTable.default().cause(code).rules),
    *NoiseRules.default().rules,
    *SeverityRules.default().file.rules,
]
TEXTS = sorted({text for rule in RULES for text in (*rule.hits, *rule.misses)})
SOURCES = sorted({source for rule in RULES for source in (rule.pattern, rule.unless) if source})


@pytest.mark.parametrize(
    ("pattern", "needs"),
    [
        ("no space left", (("no space left",),)),
        (r"\bENOSPC\b", (("enospc",),)),
        ("(?:invalid|bad) value", ((" value",), ("invalid", "bad"))),
        ("x(?:abc)?y{0,3}z", (("z",), ("x",))),
        ("ab{2}c", (("b",), ("c",), ("a",))),
        (r"errno:?[ =]?28\b", (("errno",), ("28",))),
        (r"a\.b(?!never)c", (("a.bc",),)),
        (r"[a-z]{3}", ()),
        ("(?:abc|[0-9])", ()),
    ],
)
def test_a_pattern_requires_the_text_that_each_match_holds(pattern: str, needs: tuple[tuple[str, ...], ...]) -> None:
    assert set(requirements(pattern)) == set(needs)


def test_each_alternative_of_the_outermost_level_is_a_branch() -> None:
    found = branches(r"one|t(?:wo|oo)|[|]three|four\|")

    assert [branch.pattern for branch in found] == ["one", "t(?:wo|oo)", "[|]three", r"four\|"]


def test_flags_at_the_beginning_hold_for_each_branch() -> None:
    assert [branch.pattern for branch in branches("(?m)^a$|^b$")] == ["(?m)^a$", "(?m)^b$"]


def test_a_group_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        branches("(?>atomic)")


@pytest.mark.parametrize("text", ["\u017ftack overflow", "\u212aernel panic", "\u0130nvalid"])
def test_letters_that_match_others_without_regard_to_case_are_not_missed(text: str) -> None:
    source = "stack overflow|kernel panic|i?nvalid"

    assert Pattern(source).found_in(text, lowered(text)) is (re.search(source, text, re.IGNORECASE) is not None)


@pytest.mark.parametrize("source", SOURCES)
def test_a_shipped_pattern_is_found_where_the_whole_expression_is(source: str) -> None:
    whole, pieces = re.compile(source, re.IGNORECASE), Pattern(source)

    for text in TEXTS:
        assert pieces.found_in(text, lowered(text)) is (whole.search(text) is not None), text


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.lists(st.sampled_from(TEXTS), min_size=2, max_size=4), st.data())
def test_a_shipped_pattern_is_found_in_mixed_texts_as_well(texts: list[str], data: st.DataObject) -> None:
    pieces = [text[data.draw(st.integers(0, len(text))) :][:120] for text in texts]
    mixed = data.draw(st.sampled_from(["", " ", ": ", "é", "\n"])).join(pieces)
    source = data.draw(st.sampled_from(SOURCES))

    assert Pattern(source).found_in(mixed, lowered(mixed)) is (re.search(source, mixed, re.IGNORECASE) is not None)


def test_alternatives_blank_what_their_union_matches() -> None:
    patterns = [rule.pattern for rule in SeverityRules.default().file.benign]
    union = re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)
    alternatives = Alternatives(patterns)

    for text in (*TEXTS, *(hit for rule in SeverityRules.default().file.benign for hit in rule.hits)):
        assert alternatives.blanked(text) == union.sub(" ", text)


@pytest.mark.parametrize(
    ("pattern", "literals"),
    [
        ("(?:passw(?:or)?d|pwd|api[_-]?key)=x", ("passw", "pwd", "api")),
        ("(?:tokens?|key)x", ("token", "key")),
        ("(?:key|[a-z])x", ()),
        ("(?:key)?x", ()),
        ("key|(?:x)", ()),
    ],
)
def test_a_group_of_wordings_tells_with_what_a_match_begins(pattern: str, literals: tuple[str, ...]) -> None:
    assert openings(pattern) == literals


@pytest.mark.parametrize("rule", Redactor.default().rules, ids=lambda rule: rule.name)
def test_secrets_are_found_where_the_whole_expression_finds_them(rule: RedactionRule) -> None:
    pattern = re.compile(rule.pattern, re.IGNORECASE if rule.ignore_case else 0)
    hits = [hit for other in Redactor.default().rules for hit in other.hits]

    hostile = ("apikey=token=secret: " * 3 + hits[0], "pass\u017fwd=x " + rule.hits[0])
    for text in (*hits, " ".join(hits), "".join(hits), *hostile):
        places = [found.span() for found in matches(pattern, openings(rule.pattern), text, text.lower())]
        assert places == [found.span() for found in pattern.finditer(text)], text
