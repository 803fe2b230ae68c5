from __future__ import annotations

from dataclasses import replace

from k8s_log_agent.evaluation.incidents import LONGEST_LINE, MOST_LINES, choose, shown
from k8s_log_agent.evaluation.results import StatedTruth, TriagedCase
from tests.unit.evaluation.made_up import case, results, verdict, with_text


def triaged_case() -> TriagedCase:
    made = case("training", "etcd", 1)
    truth = StatedTruth(
        cause=made.truth.cause, category=made.truth.category, severity=made.truth.severity, component="etcd"
    )
    return TriagedCase(
        case=made.id,
        part="training",
        program="etcd",
        title="",
        truth=truth,
        verdict=verdict(made, right=True),
        causes={},
    )


def test_the_chosen_incidents_are_of_different_programs_and_causes_and_one_is_wrong() -> None:
    chosen = choose(results()[1].cases)

    assert len(chosen) == 5
    assert len({one.program for one in chosen}) == len({one.truth.cause for one in chosen}) == 5
    assert any(not one.right for one in chosen) and any(one.right for one in chosen)
    assert any(one.verdict.decided_by == "model" for one in chosen)


def test_nothing_is_chosen_where_nothing_failed() -> None:
    assert choose([]) == []


def test_evidence_stands_among_the_lines_around_it() -> None:
    incident = shown(case("training", "etcd", 1), triaged_case(), str)

    assert [line.line for line in incident.lines] == [10, 11, 12, 13, 14, 15]
    assert [line.cited for line in incident.lines] == [False, False, True, False, False, False]
    assert [line.stated for line in incident.lines] == [False, False, True, True, False, False]
    assert incident.lines[0].skipped == 9


def test_many_lines_of_evidence_do_not_make_a_long_incident() -> None:
    made = case("training", "etcd", 1)
    places = frozenset((line.source, line.number) for line in made.lines)
    everything = replace(made, truth=replace(made.truth, evidence=places))

    assert len(shown(everything, triaged_case(), str).lines) == MOST_LINES


def test_lines_are_redacted_and_clipped_before_they_are_kept() -> None:
    made = case("training", "etcd", 1)
    long = replace(made, lines=tuple(with_text(line, "secret " + "x" * 100_000) for line in made.lines))

    incident = shown(long, triaged_case(), lambda text: text.replace("secret", "<SECRET>"))

    assert all("secret" not in line.text and len(line.text) <= LONGEST_LINE for line in incident.lines)
