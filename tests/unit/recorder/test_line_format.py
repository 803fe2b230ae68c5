"""Lines are written as containerd writes them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tools.recorder import cri
from tools.recorder.check import CRI_LINE


def test_a_line_carries_time_stream_and_tag() -> None:
    written = list(cri.physical_lines(1_795_561_970_123_456_789, "stderr", b"disk is full"))

    assert written == [b"2026-11-24T23:12:50.123456789Z stderr F disk is full\n"]


def test_the_fraction_loses_its_trailing_zeros_and_a_whole_second_has_none() -> None:
    assert cri.stamp(1_795_561_970_120_000_000) == "2026-11-24T23:12:50.12Z"
    assert cri.stamp(1_795_561_970_000_000_000) == "2026-11-24T23:12:50Z"


def test_a_long_line_is_split_into_parts_of_sixteen_kibibytes() -> None:
    text = b"a" * cri.PART_BYTES + b"b" * cri.PART_BYTES + b"c"

    parts = list(cri.parts(text))

    assert [(tag, len(part)) for tag, part in parts] == [("P", cri.PART_BYTES), ("P", cri.PART_BYTES), ("F", 1)]


def test_a_line_of_exactly_one_part_is_whole() -> None:
    assert [tag for tag, _ in cri.parts(b"x" * cri.PART_BYTES)] == ["F"]


@given(st.binary(max_size=3 * cri.PART_BYTES).filter(lambda text: b"\n" not in text), st.integers(0, 2**61))
def test_no_byte_is_lost_and_every_physical_line_is_well_formed(text: bytes, moment: int) -> None:
    lines = list(cri.physical_lines(moment, "stdout", text))

    heads = [CRI_LINE.match(line) for line in lines]
    assert all(heads)
    assert b"".join(line[head.end() : -1] for line, head in zip(lines, heads, strict=True) if head) == text
