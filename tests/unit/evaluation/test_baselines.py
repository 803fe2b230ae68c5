from __future__ import annotations

from dataclasses import replace

import pytest

from k8s_log_agent.evaluation.baselines import Keywords, majority
from k8s_log_agent.evaluation.outcomes import Case
from k8s_log_agent.records import Category, Severity
from tests.unit.evaluation.made_up import case, with_text


def window(*texts: str) -> Case:
    made = case("training", "redis", 1)
    lines = [with_text(made.lines[0], text, index) for index, text in enumerate(texts, start=1)]
    return replace(made, lines=tuple(lines))


def asked(*texts: str) -> tuple[str, Severity, set[int]]:
    answer = Keywords.default().answer(window(*texts), "app", lambda _: Category.STORAGE)
    return answer.cause, answer.severity, {line for _, line in answer.evidence}


def test_the_majority_is_taken_field_by_field() -> None:
    truths = [case("training", name, 1).truth for name in ("redis", "envoy", "envoy", "etcd")]

    answer = majority(truths)

    assert (answer.cause, answer.severity, answer.component) == ("upstream_refused", Severity.ERROR, "ingress")


def test_the_majority_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing"):
        majority([])


def test_a_keyword_names_cause_severity_and_its_lines() -> None:
    assert asked("starting", "FATAL: No space left on device", "bye") == ("disk_full", Severity.CRITICAL, {2})


def test_trouble_without_a_known_keyword_is_unknown() -> None:
    assert asked("an error nobody knows") == ("unknown", Severity.ERROR, set())


def test_quiet_lines_are_no_failure() -> None:
    assert asked("served in 3 ms") == ("none", Severity.INFO, set())


def test_a_long_line_is_looked_at_only_in_its_beginning() -> None:
    line = with_text(window("x").lines[0], "a" * 10_000_000 + "connection refused")

    answer = Keywords.default().answer(replace(window("x"), lines=(line,)), "app", lambda _: Category.NETWORK)

    assert answer.cause == "none"
