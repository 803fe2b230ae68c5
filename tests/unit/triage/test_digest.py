from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_log_agent.records import Severity, StreamKey
from k8s_log_agent.triage import digest as bounds
from k8s_log_agent.triage.digest import Digest
from k8s_log_agent.triage.histogram import MOST_CELLS, Histogram, bars, trend_of
from tests.unit.triage.log_events import event


def filled(*events: object) -> Digest:
    digest = Digest()
    for one in events:
        digest.add(one)  # type: ignore[arg-type] # events
    return digest


def test_a_signature_of_a_namespace_is_one_row_with_count_first_last_and_pods() -> None:
    pods = [StreamKey("shop", f"web-{number}", "web", "stderr") for number in range(3)]
    digest = filled(*(event("refused", seconds=9 - place, stream=pod, line=place) for place, pod in enumerate(pods)))

    (row,) = digest.rows.values()
    assert (row.count, row.pods) == (3, {"web-0", "web-1", "web-2"})
    assert row.last is not None and row.first is not None and row.last - row.first == 2 * 10**9


def test_noise_and_healthy_lines_are_counted_and_not_kept() -> None:
    digest = filled(event("GET /healthz", noise="probe"), event("started", severity=Severity.INFO), event("bad"))

    assert [row.template for row in digest.rows.values()] == ["bad"]
    assert (digest.counts["events"], digest.counts["noise"], digest.severities["INFO"]) == (3, 1, 1)


def test_each_window_of_trouble_keeps_an_exemplar_and_repeats_within_one_do_not() -> None:
    digest = filled(*(event("refused", seconds=second) for second in [*range(50), 4000, 4001, 9000]))

    (row,) = digest.rows.values()
    moments = [one.timestamp for one in digest.kept()]
    assert row.count == 53
    assert [moment - moments[0] for moment in moments if moment and moments[0]] == [
        0, 10**9, 2 * 10**9, 4000 * 10**9, 9000 * 10**9
    ]  # fmt: skip


def test_memory_is_bounded_and_what_matters_least_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_ROWS", 50)
    monkeypatch.setattr(bounds, "DROPPED_AT_ONCE", 10)
    monkeypatch.setattr(bounds, "MOST_CHARACTERS", 2000)
    digest = filled(
        event("no space left", "disk_full"),
        *(event(f"odd {number}", severity=Severity.WARN) for number in range(500)),
    )

    assert len(digest.rows) <= 50 and ("shop", "no space left") in digest.rows
    assert digest.counts["signatures that did not fit"] + len(digest.rows) == 501
    assert sum(len(one.text) + len(one.message) for one in digest.kept()) <= 2000


@given(st.lists(st.integers(0, 10**18), min_size=1, max_size=200))
def test_a_histogram_stays_small_and_loses_nothing(moments: list[int]) -> None:
    histogram = Histogram()
    for moment in moments:
        histogram.add(moment)

    assert sum(histogram.over(min(moments), max(moments), 12)) == len(moments)
    assert len(histogram._cells) <= MOST_CELLS


@pytest.mark.parametrize(
    ("counts", "trend"),
    [
        ([0, 1, 0, 0], "once"),
        ([0, 9, 1, 0], "burst"),
        ([1, 1, 3, 4], "rising"),
        ([4, 3, 1, 1], "falling"),
        ([3, 3, 3, 3], "steady"),
    ],
)
def test_a_trend_is_told_from_the_halves_of_a_window(counts: list[int], trend: str) -> None:
    assert trend_of(counts) == trend


def test_any_count_shows_in_the_plot() -> None:
    assert bars([0, 1, 1000]) == " ▁█"
