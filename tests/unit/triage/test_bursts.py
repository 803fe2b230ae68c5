from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from k8s_log_agent.records import Severity
from k8s_log_agent.triage.bursts import KEPT_OF_A_SIGNATURE, split_into_bursts
from tests.unit.triage.log_events import event


def spans(*seconds: float | None) -> list[tuple[float, float]]:
    events = [event(f"e{place}", seconds=at) for place, at in enumerate(seconds)]
    zero = 1_800_000_000
    return [((burst.start or 0) / 10**9 - zero, (burst.end or 0) / 10**9 - zero) for burst in split_into_bursts(events)]


def test_five_minutes_of_silence_end_a_window() -> None:
    assert spans(0, 300, 601) == [(0, 300), (601, 601)]


def test_the_order_of_lines_does_not_matter() -> None:
    assert spans(601, 0, 300) == spans(0, 300, 601)


def test_a_late_line_joins_the_windows_that_it_lies_between() -> None:
    assert spans(0, 400, 200) == [(0, 400)]


@given(st.lists(st.integers(min_value=0, max_value=3000), max_size=30))
def test_windows_lie_apart_and_lose_no_event(seconds: list[int]) -> None:
    bursts = split_into_bursts([event(f"e{place}", seconds=at) for place, at in enumerate(seconds)])
    ordered = split_into_bursts([event(f"e{place}", seconds=at) for place, at in enumerate(sorted(seconds))])

    assert sum(len(burst.events) for burst in bursts) == len(seconds)
    assert [(burst.start, burst.end) for burst in bursts] == [(burst.start, burst.end) for burst in ordered]
    for before, after in pairwise(bursts):
        assert before.end is not None and after.start is not None and after.start - before.end > 300 * 10**9


def test_namespaces_are_windows_of_their_own_and_sources_where_there_are_none() -> None:
    events = [
        event("a", namespace="shop"),
        event("b", namespace="billing"),
        event("c", namespace="", source="x.log"),
        event("d", namespace="", source="y.log"),
        event("e", namespace="", source="y.log", seconds=9),
    ]

    assert sorted(burst.scope for burst in split_into_bursts(events)) == ["billing", "shop", "x.log", "y.log"]


def test_lines_without_a_time_are_one_window_at_the_end() -> None:
    bursts = split_into_bursts([event("a", seconds=None), event("b", seconds=5), event("c", seconds=None)])

    assert [(burst.start is None, len(burst.events)) for burst in bursts] == [(False, 1), (True, 2)]


def test_noise_and_health_open_no_window() -> None:
    quiet = [event("fine", severity=Severity.INFO), event("known", "disk_full", noise="rule")]

    assert split_into_bursts(quiet) == []
    assert len(split_into_bursts([event("a cause at INFO", "disk_full", severity=Severity.INFO)])) == 1


def test_a_flood_of_one_signature_is_counted_and_not_kept() -> None:
    flood = [event("again", line=place + 1, seconds=place / 1000) for place in range(10_000)]

    (burst,) = split_into_bursts(flood)

    assert (len(burst.events), burst.seen["again"]) == (KEPT_OF_A_SIGNATURE, 10_000)
    assert burst.left_out == 10_000 - KEPT_OF_A_SIGNATURE


def test_counts_survive_the_joining_of_two_windows() -> None:
    early = [event("again", seconds=place / 1000) for place in range(100)]
    late = [event("again", seconds=400 + place / 1000) for place in range(100)]

    (burst,) = split_into_bursts([*early, *late, event("between", seconds=200)])

    assert burst.seen["again"] == 200
    assert len(burst.events) == KEPT_OF_A_SIGNATURE + 1
