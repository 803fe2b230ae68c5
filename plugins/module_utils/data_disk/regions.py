"""Where on a disk something may lie that a person would miss, and whether it does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

BLOCK = 4 * KIB
_CHUNK = 4 * MIB
_EDGE = 16 * MIB  # partition tables, all labels of ZFS, md 0.90/1.x, LVM, LUKS1/2, DDF, IMSM, bcache lie within
_SAMPLE = 64 * KIB
_SAMPLES = 4096  # anything longer than 1/4096 of the disk is always met
_SMALL = 4 * GIB  # read whole: it takes seconds
_REPORTED = 8

_SUPERBLOCKS = (
    64 * MIB,  # btrfs, second copy; ext with 4 KiB blocks has its first copy at 128 MiB
    256 * GIB,  # btrfs, third copy
    8 * MIB,  # ext with 1 KiB blocks, first copy
    32 * MIB,  # ext with 2 KiB blocks, first copy
    *(128 * MIB * group for group in (1, 3, 5, 7, 9, 25, 27, 49)),  # ext with 4 KiB blocks, sparse copies
    100 * MIB,
    101 * MIB,  # behind an EFI partition of the usual size
    512 * MIB,
    513 * MIB,
)


@dataclass
class Scan:
    """The counts of :class:`facts.Content`, as they grow."""

    bytes_read: int = 0
    nonzero_blocks: int = 0
    nonzero_offsets: list[int] = field(default_factory=list)
    foreign_blocks: int = 0
    error: str = ""


def regions(size: int, *, whole: bool) -> list[tuple[int, int]]:
    """Pairs of first byte and end, ascending and apart, that cover every place to look at on a disk of `size` bytes."""
    if whole or size <= _SMALL:
        return [(0, size)]
    stride = size // _SAMPLES // BLOCK * BLOCK
    samples = [(offset, offset + _SAMPLE) for offset in range(0, size - _SAMPLE, stride)]
    return _joined(label_regions(size) + samples)


def label_regions(size: int) -> list[tuple[int, int]]:
    """The regions where tools keep what they know a disk by, as pairs like those of :func:`regions`."""
    tail = max(0, size - _EDGE) // BLOCK * BLOCK
    copies = [(offset, offset + _SAMPLE) for offset in _SUPERBLOCKS if offset + _SAMPLE <= size]
    return _joined([(0, min(_EDGE, size)), (tail, size), *copies])


def _joined(spots: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spots):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def scan(descriptor: int, spots: list[tuple[int, int]], own: bytes) -> Scan:
    """Reads `spots` of an open disk. A block that is not zero and lacks `own` (16 bytes) counts as foreign."""
    found = Scan()
    zeros = bytes(_CHUNK)
    for offset, length in _chunks(spots):
        try:
            data = os.pread(descriptor, length, offset)
        except OSError as unreadable:
            found.error = f"{length} bytes at {offset} could not be read: {unreadable.strerror}"
            return found
        if len(data) < length:
            found.error = f"the disk ends at {offset + len(data)}, before the size that the kernel gives"
            return found
        os.posix_fadvise(descriptor, offset, length, os.POSIX_FADV_DONTNEED)
        found.bytes_read += length
        if data != (zeros if length == _CHUNK else bytes(length)):
            _count(found, data, offset, own)
    return found


def _chunks(spots: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for start, end in spots:
        for offset in range(start, end, _CHUNK):
            yield offset, min(_CHUNK, end - offset)


def _count(found: Scan, data: bytes, offset: int, own: bytes) -> None:
    for at in range(0, len(data), BLOCK):
        block = data[at : at + BLOCK]
        rest = block.lstrip(b"\0")
        if not rest:
            continue
        found.nonzero_blocks += 1
        if len(found.nonzero_offsets) < _REPORTED:
            found.nonzero_offsets.append(offset + at + len(block) - len(rest))
        if own not in block:
            found.foreign_blocks += 1


def clear(descriptor: int, spots: list[tuple[int, int]]) -> None:
    """Overwrites `spots` with zeros, down to the medium."""
    zeros = bytes(_CHUNK)
    for offset, length in _chunks(spots):
        done = 0
        while done < length:
            done += os.pwrite(descriptor, zeros[: length - done], offset + done)
    os.fsync(descriptor)
