"""Raw lines of a byte stream: bounded, decompressed, decoded; whatever is lost is counted."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import zstandard

MAX_LINE_BYTES = 128 * 1024
CHUNK_BYTES = 512 * 1024

BROKEN_ARCHIVE = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zstandard.ZstdError)
_MAGIC = {"gz": b"\x1f\x8b", "zst": b"\x28\xb5\x2f\xfd", "bz2": b"BZh", "xz": b"\xfd7zXZ\x00"}


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading, decompressed when its first bytes say that it is gz, zst, bz2 or xz."""
    file = path.open("rb")
    head = file.read(6)
    file.seek(0)
    kind = next((kind for kind, magic in _MAGIC.items() if head.startswith(magic)), "")
    if kind == "gz":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if kind == "zst":
        return cast("IO[bytes]", zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True))
    if kind == "bz2":
        return cast("IO[bytes]", bz2.BZ2File(file))
    if kind == "xz":
        return cast("IO[bytes]", lzma.LZMAFile(file))
    return file


def raw_lines(file: IO[bytes], dropped: Counter[str], head: bytes = b"") -> Iterator[bytes]:
    """Lines without their end. `head` was read from `file` already.

    A line longer than `MAX_LINE_BYTES` is cut there and counted as `truncated`; an archive that ends too early gives
    the lines before its end and counts `broken_archive`.
    """
    rest, skipping = b"", False
    while True:
        if head:
            chunk, head = head, b""
        else:
            try:
                chunk = _read(file)
            except BROKEN_ARCHIVE:
                dropped["broken_archive"] += 1
                chunk = b""
        if not chunk:
            break
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        if skipping and lines:
            skipping = False
            del lines[0]
        for line in lines:
            if len(line) <= MAX_LINE_BYTES:
                yield line
            else:
                dropped["truncated"] += 1
                yield line[:MAX_LINE_BYTES]
        if skipping:
            rest = b""
        elif len(rest) > MAX_LINE_BYTES:
            dropped["truncated"] += 1
            yield rest[:MAX_LINE_BYTES]
            rest, skipping = b"", True
    if rest:
        yield rest


def _read(file: IO[bytes]) -> bytes:
    """What is there, at most a chunk: a pipe gives its lines as they come."""
    read1 = getattr(file, "read1", None)
    return cast("bytes", read1(CHUNK_BYTES) if read1 else file.read(CHUNK_BYTES))


def decode(raw: bytes, dropped: Counter[str]) -> str:
    """The text of a line; bytes that are not UTF-8 become U+FFFD, NUL bytes go, and such lines are counted."""
    if raw[-1:] == b"\r":
        raw = raw[:-1]
    if b"\0" in raw:
        dropped["nul_bytes"] += 1
        raw = raw.replace(b"\0", b"")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        dropped["invalid_utf8"] += 1
        return raw.decode(errors="replace")
