from __future__ import annotations

import pytest

from k8s_log_agent.records import Component, Severity, StreamKey
from k8s_log_agent.triage.answer import ModelAnswer, answer_schema, problem_with
from k8s_log_agent.triage.components import component_of
from k8s_log_agent.triage.evidence import (
    LONGEST_SHOWN,
    choose_lines,
    group_by_signature,
    line_of,
    lines_for,
    speaking_line,
)
from tests.unit.triage.log_events import event, opinion

TRACE = event("ERROR it broke\n  at a.b.C\nCaused by: no space left", "disk_full", line=10)


def test_a_line_of_a_trace_keeps_its_own_number_and_text() -> None:
    assert (line_of(TRACE).line, line_of(TRACE).text) == (10, "ERROR it broke")
    assert (line_of(TRACE, 12).line, line_of(TRACE, 12).text) == (12, "Caused by: no space left")
    assert line_of(TRACE, 99).line == 10, "a number of another event falls back to the first line"
    assert speaking_line(TRACE).line == 12


def test_a_shown_line_is_cut() -> None:
    assert len(line_of(event("x" * 10_000)).text) == LONGEST_SHOWN


def test_groups_count_and_keep_the_worst_severity() -> None:
    groups = group_by_signature(
        [
            event("a", severity=Severity.WARN, signature="s"),
            event("b", signature="t"),
            event("c", "disk_full", severity=Severity.CRITICAL, signature="s"),
        ]
    )

    assert [(group.signature, group.count, group.severity) for group in groups] == [
        ("s", 2, "CRITICAL"),
        ("t", 1, "ERROR"),
    ]
    assert groups[0].first.text == "a" and groups[0].codes == {"disk_full"}


def test_repeats_of_one_rule_are_cited_three_times_at_most_in_each_source() -> None:
    events = [
        event(f"full {place}", "disk_full", line=place, source=source) for source in "ab" for place in range(1, 9)
    ]

    assert [(line.source, line.line) for line in lines_for(events, "disk_full")] == [
        *[("a", 1), ("a", 2), ("a", 3)],
        *[("b", 1), ("b", 2), ("b", 3)],
    ]


def test_a_much_less_sure_rule_is_not_cited_beside_a_sure_one() -> None:
    events = [event("maybe", "disk_full", weight=0.4), event("surely", "disk_full", line=2)]

    assert [line.line for line in lines_for(events, "disk_full")] == [2]
    assert lines_for(events, "cert_expired") == ()


def test_lines_with_a_candidate_go_first_and_stand_in_the_order_of_the_log() -> None:
    events = [event(f"odd {place}", line=place) for place in range(1, 9)]
    events += [event("late cause", "disk_full", line=20, severity=Severity.INFO)]

    shown = choose_lines(group_by_signature(events), ["disk_full"], 3)

    assert [(line.index, line.place.line) for line in shown] == [(1, 1), (2, 2), (3, 20)]


@pytest.mark.parametrize(
    ("container", "pod", "expected"),
    [
        ("postgres", "db-0", ("database", "postgresql")),
        ("controller", "ingress-nginx-controller-7d8f", ("ingress", "nginx")),
        ("app", "cart-redis-0", ("cache", "redis")),
        ("orders-db", "orders-db-0", ("database", "orders-db")),
        ("orders", "orders-5f7c", ("application", "orders")),
        ("", "", ("certificate", "")),
    ],
)
def test_a_component_is_named_by_its_program(container: str, pod: str, expected: tuple[str, str]) -> None:
    spoken = event("x", stream=StreamKey("shop", pod, container, "stderr"))

    assert component_of(spoken, "certificate") == Component(kind=expected[0], name=expected[1])


def test_the_schema_allows_exactly_what_the_check_lets_pass() -> None:
    schema = answer_schema(["disk_full"], 2)

    assert list(schema["properties"]) == ["evidence_lines", "reasoning", "cause", "severity", "confidence"]
    assert schema["properties"]["cause"]["enum"] == ["disk_full", "unknown"]
    assert schema["properties"]["evidence_lines"]["items"]["enum"] == [1, 2]
    assert schema["additionalProperties"] is False and schema["required"] == list(ModelAnswer.model_fields)
    good = ModelAnswer.model_validate_json(opinion("unknown", evidence_lines=[2]))
    assert problem_with(good, ["disk_full"], 2) is None
    assert "1 to 1" in (problem_with(good, ["disk_full"], 1) or "")
    assert "one of" in (problem_with(ModelAnswer.model_validate_json(opinion("oom")), ["disk_full"], 2) or "")
