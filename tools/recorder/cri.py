"""The line format of the Container Runtime Interface, as containerd writes it below /var/log/pods."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

PART_BYTES = 16 * 1024  # containerd's max_container_log_line_size


def stamp(nanoseconds: int) -> str:
    """Nanoseconds since the epoch as Go's RFC3339Nano, which drops trailing zeros of the fraction."""
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f"{fraction:09d}".rstrip("0")
    return f"{whole}.{digits}Z" if digits else f"{whole}Z"


def parts(text: bytes) -> Iterator[tuple[str, bytes]]:
    """The physical lines of one logical line: every part but the last is tagged P, the last F."""
    while len(text) > PART_BYTES:
        yield "P", text[:PART_BYTES]
        text = text[PART_BYTES:]
    yield "F", text


def physical_lines(nanoseconds: int, stream: str, text: bytes) -> Iterator[bytes]:
    """Lines ready to be written, with their newline. `text` has none."""
    head = f"{stamp(nanoseconds)} {stream} ".encode()
    for tag, part in parts(text):
        yield head + tag.encode() + b" " + part + b"\n"
