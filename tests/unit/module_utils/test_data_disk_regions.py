"""Where a disk is read before it is called empty."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk import regions
from hypothesis import given
from hypothesis import strategies as st

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
OWN = bytes(range(1, 17))
SIZES = st.integers(min_value=8 * MIB // 512, max_value=20 * (1 << 40) // 512).map(lambda sectors: sectors * 512)


def labels(size: int) -> dict[str, int]:
    """Where tools put what they know a disk by: first bytes."""
    zfs_end = size // (256 * KIB) * (256 * KIB)
    return {
        "GPT, second": size - 512,
        "GPT with sectors of 4 KiB, second": size - 4096,
        "ZFS, third": zfs_end - 512 * KIB,
        "ZFS, fourth": zfs_end - 256 * KIB,
        "md 0.90": (size & ~0xFFFF) - 0x10000,
        "md 1.0": ((size // 512 - 16) & ~7) * 512,
        "LUKS2, second header, largest": 4 * MIB,
        "LVM, second copy": size - MIB,
        "first partition of old DOS": 63 * 512,
        "first partition": MIB,
        "btrfs": 64 * KIB,
        "btrfs, second": 64 * MIB,
        "btrfs, third": 256 * GIB,
        "ext of 1 KiB blocks, second": 8193 * KIB,
        "ext of 4 KiB blocks, second": 128 * MIB,
        "ext of 4 KiB blocks, third": 384 * MIB,
    }


def within(offset: int, spots: list[tuple[int, int]]) -> bool:
    return any(start <= offset < end for start, end in spots)


@given(SIZES)
def test_every_place_where_a_tool_puts_its_label_is_read(size: int) -> None:
    spots = regions.regions(size, whole=False)

    assert [name for name, offset in labels(size).items() if 0 <= offset < size and not within(offset, spots)] == []


@given(SIZES, st.floats(0, 1))
def test_data_longer_than_one_4096th_of_the_disk_is_always_met(size: int, where: float) -> None:
    length = size // 4096
    start = int(where * (size - length))

    assert any(spot[0] < start + length and start < spot[1] for spot in regions.regions(size, whole=False))


@given(SIZES, st.booleans())
def test_regions_ascend_lie_apart_and_stay_on_the_disk(size: int, whole: bool) -> None:
    spots = regions.regions(size, whole=whole)

    assert all(start < end for start, end in spots)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(spots))
    assert (spots[0][0], spots[-1][1]) == (0, size)


@pytest.mark.parametrize("size", [512 * MIB, 4 * GIB])
def test_a_small_disk_is_read_whole(size: int) -> None:
    assert regions.regions(size, whole=False) == [(0, size)]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[int]:
    """A sparse file of 64 MiB."""
    path = tmp_path / "disk"
    path.touch()
    os.truncate(path, 64 * MIB)
    descriptor = os.open(path, os.O_RDWR)
    yield descriptor
    os.close(descriptor)


def test_nothing_is_found_on_zeros(disk: int) -> None:
    found = regions.scan(disk, [(0, 64 * MIB)], OWN)

    assert (found.bytes_read, found.nonzero_blocks, found.error) == (64 * MIB, 0, "")


@pytest.mark.parametrize("offset", [0, 1, 511, 12345678, 40 * MIB + 4095, 64 * MIB - 1])
def test_a_single_byte_is_found_where_it_lies(disk: int, offset: int) -> None:
    os.pwrite(disk, b"x", offset)

    found = regions.scan(disk, [(0, 64 * MIB)], OWN)

    assert (found.nonzero_blocks, found.foreign_blocks, found.nonzero_offsets) == (1, 1, [offset])


def test_blocks_that_bear_our_uuid_are_told_from_others(disk: int) -> None:
    os.pwrite(disk, OWN, 8192 + 100)
    os.pwrite(disk, b"letter", 20480)

    found = regions.scan(disk, [(0, 64 * MIB)], OWN)

    assert (found.nonzero_blocks, found.foreign_blocks) == (2, 1)


def test_a_uuid_across_two_blocks_belongs_to_neither(disk: int) -> None:
    os.pwrite(disk, OWN, 8192 - 8)

    assert regions.scan(disk, [(0, 64 * MIB)], OWN).foreign_blocks == 2


def test_a_disk_that_ends_early_is_not_called_empty(disk: int) -> None:
    assert "ends at" in regions.scan(disk, [(0, 65 * MIB)], OWN).error


def test_clearing_leaves_no_label_and_keeps_the_rest(disk: int) -> None:
    size = 64 * MIB
    for offset in (0, 64 * KIB, size - 512, 40 * MIB):
        os.pwrite(disk, b"label", offset)

    regions.clear(disk, regions.label_regions(size))

    assert regions.scan(disk, [(0, size)], OWN).nonzero_offsets == [40 * MIB]
