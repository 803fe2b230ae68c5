"""Words that are made once and kept in files of their own: keys for clients, passwords for people."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from .self_signed import open_to_others, write_private

BYTES = 24  # 192 bits, 32 characters


def missing(directory: Path, names: Iterable[str]) -> list[str]:
    """Those of `names` that have no file, or an empty one."""
    return [name for name in names if not _read(directory / name)]


def make(directory: Path, names: Iterable[str]) -> None:
    """Writes a new word for each of `names`, 0600."""
    for name in names:
        write_private(directory / name, f"{secrets.token_urlsafe(BYTES)}\n".encode())


def loose(directory: Path, names: Iterable[str]) -> list[Path]:
    """The files that others may read."""
    return open_to_others([directory / name for name in names])


def read(directory: Path, names: Iterable[str]) -> dict[str, str]:
    """The words, by name."""
    return {name: _read(directory / name) for name in names}


def htpasswd(words: Mapping[str, str]) -> dict[str, str]:
    """Each word as Envoy takes it in a file of passwords: SHA-1, the only form that it knows."""
    return {name: _sha1(word) for name, word in words.items()}


def _sha1(word: str) -> str:
    digest = hashlib.sha1(word.encode(), usedforsecurity=False).digest()
    return "{SHA}" + base64.b64encode(digest).decode("ascii")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""
