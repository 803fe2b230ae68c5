"""Times are read to the nanosecond, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_log_agent.ingest.timestamps import epoch, optional_rfc3339, rfc3339

SECONDS = 1_795_550_400


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("2026-11-24T20:00:00Z", SECONDS * 10**9),
        ("2026-11-24T20:00:00.123456789Z", SECONDS * 10**9 + 123_456_789),
        ("2026-11-24T21:00:00.5+01:00", SECONDS * 10**9 + 500_000_000),
        ("2026-11-24 18:30:00,25-0130", SECONDS * 10**9 + 250_000_000),
    ],
)
def test_rfc3339_in_its_variants(text: str, nanoseconds: int) -> None:
    assert rfc3339(text) == nanoseconds


@pytest.mark.parametrize("text", ["2026-13-24T20:00:00Z", "2026-11-24T25:00:00Z", "2026-11-24T20:00:00.Z", "yesterday"])
def test_what_is_no_time_is_refused(text: str) -> None:
    assert optional_rfc3339(text) is None


@pytest.mark.parametrize("number", [SECONDS, SECONDS * 10**3, SECONDS * 10**6, SECONDS * 10**9, float(SECONDS)])
def test_the_unit_of_an_epoch_is_told_from_its_size(number: float) -> None:
    assert epoch(number) == SECONDS * 10**9


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    optional_rfc3339(text)
