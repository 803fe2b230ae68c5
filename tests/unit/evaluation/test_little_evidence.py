from __future__ import annotations

from dataclasses import replace

from k8s_log_agent.evaluation.little_evidence import little_evidence, without_statement
from k8s_log_agent.evaluation.outcomes import Case
from k8s_log_agent.records import VerdictState
from tests.unit.evaluation.made_up import case, first_pass, with_text


def test_what_states_the_cause_goes_with_whatever_reads_like_it() -> None:
    given = case("held_out", "redis", 7)
    alike = with_text(given.lines[3], given.lines[11].text.replace("attempt 7", "attempt 8"))
    lines = (*given.lines[:3], alike, *given.lines[4:])

    (robbed,) = without_statement([replace(given, lines=lines)])

    assert [line.number for line in robbed.lines] == [1, 2, 3, *range(5, 12), *range(14, 21)]


def test_each_fault_of_a_program_is_taken_once_and_golden_records_are_not() -> None:
    cases = [case("held_out", "redis", 1), case("held_out", "redis", 2), case("golden_real", "etcd", 1)]

    assert [one.id for one in without_statement(cases)] == [f"{cases[0].id}/unstated"]


def test_only_windows_with_trouble_and_without_their_cause_count() -> None:
    def judged(number: int, cause: str, state: VerdictState = VerdictState.RULED) -> tuple[Case, object]:
        of = case("held_out", "redis", number)
        return of, first_pass(of, cause, state)

    rows = [
        judged(1, "unknown"),
        judged(2, "disk_full"),
        judged(3, "cache_write_refused"),
        judged(4, "none", VerdictState.REJECTED),
    ]
    (found,) = little_evidence(rows)  # type: ignore[arg-type] # of first passes

    assert (found.unknown.right, found.unknown.of, found.nothing, found.still_stated) == (1, 2, 1, 1)
    assert found.wrong == {"cache_write_refused answered as disk_full": 1}
