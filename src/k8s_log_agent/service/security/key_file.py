"""API keys: made here, shown once, and kept as hashes in a file that only its owner can write.

A key is `kla_<id>_<secret>`, its secret 256 bits from the system's source of randomness. Nobody guesses these, so one
round of SHA-256 keeps them as safe as a slow hash would, and each request costs microseconds.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from k8s_log_agent.service.security.principals import Principal, Scope, scope_of

VERSION = 1
MOST_KEYS = 1000
LONGEST_NAME = 80
_KEY = re.compile(r"kla_([0-9a-f]{12})_([A-Za-z0-9_-]{43})\Z")
_NOBODY = hashlib.sha256(b"nobody").hexdigest()


class KeyFileError(ValueError):
    """The file of keys cannot be used; the text says why and what to do."""


class KeysOpenToOthersError(KeyFileError):
    """Others than the owner can change the file, or everybody can read it."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What is kept of a key: enough to recognise it, too little to use it. `hash` is SHA-256 of the secret in hex."""

    id: str
    name: str
    scopes: frozenset[Scope]
    hash: str
    created_at: datetime
    expires_at: datetime | None = None

    @property
    def principal(self) -> Principal:
        """Whoever sends the key."""
        return Principal(f"key:{self.id}", self.name, self.scopes, "key")

    def as_json(self) -> dict[str, Any]:
        """As it is written."""
        return {
            "id": self.id,
            "name": self.name,
            "scopes": sorted(self.scopes),
            "hash": self.hash,
            "created_at": self.created_at.isoformat(),
            "expires_at": self.expires_at.isoformat() if self.expires_at else None,
        }


def read_keys(path: Path) -> tuple[StoredKey, ...]:
    """The keys of a file; raises `KeyFileError`. Its group may read it, as Kubernetes mounts secrets so."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read()
    except OSError as error:
        raise KeyFileError(
            f"The keys in {path} cannot be read: {error.strerror}. Make the file with `k8s-log-agent keys create`."
        ) from error
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise KeysOpenToOthersError(
            f"{path} has mode {mode:04o}: others could read or change who is let in. Run `chmod 600 {path}`."
        )
    try:
        document = json.loads(text)
        if document["version"] != VERSION:
            raise KeyFileError(f"{path} has version {document['version']!r}, and this program knows {VERSION}.")
        return tuple(_key(entry) for entry in document["keys"])
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, KeyFileError):
            raise
        raise KeyFileError(
            f"{path} is not a file of keys ({type(error).__name__}). Restore it, or make a new one with "
            "`k8s-log-agent keys create` and hand out new keys."
        ) from error


def recognised(keys: Sequence[StoredKey], given: str, now: datetime) -> StoredKey | None:
    """The key that was given, if it is one of these and its time is not over; takes as long for a wrong one."""
    parts = _KEY.match(given)
    wanted, secret = parts.groups() if parts else ("", "")
    kept = next((key for key in keys if key.id == wanted), None)
    same = hmac.compare_digest(_hashed(secret), kept.hash if kept else _NOBODY)
    if kept is None or not same or (kept.expires_at and now >= kept.expires_at):
        return None
    return kept


def create_key(  # noqa: PLR0913, PLR0917 - what a key is made of, and what a test puts in the place of chance
    path: Path,
    name: str,
    scopes: Sequence[Scope],
    now: datetime,
    expires_at: datetime | None = None,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> tuple[StoredKey, str]:
    """Adds a key and returns what is kept of it and the key itself, which nothing can show again."""
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise KeyFileError(f"A key needs a name of 1 to {LONGEST_NAME} printable characters, such as grafana.")
    if not scopes:
        raise KeyFileError("A key needs at least one scope: read, analyze or admin.")
    secret = _urlsafe(random(32))
    key = StoredKey(random(6).hex(), name.strip(), frozenset(scopes), _hashed(secret), now, expires_at)
    with _held(path):
        keys = read_keys(path) if path.exists() else ()
        if len(keys) >= MOST_KEYS:
            raise KeyFileError(f"{path} holds {MOST_KEYS} keys, which is the most. Revoke some that nobody uses.")
        _write(path, (*keys, key))
    return key, f"kla_{key.id}_{secret}"


def revoke_key(path: Path, wanted: str) -> StoredKey:
    """Removes the key of this id; raises `KeyFileError` where there is none."""
    with _held(path):
        keys = read_keys(path)
        gone = next((key for key in keys if key.id == wanted), None)
        if gone is None:
            known = ", ".join(key.id for key in keys) or "none"
            raise KeyFileError(f"There is no key {wanted} in {path}. Its keys are: {known}.")
        _write(path, [key for key in keys if key is not gone])
    return gone


def _key(entry: dict[str, Any]) -> StoredKey:
    expires = entry.get("expires_at")
    return StoredKey(
        id=str(entry["id"]),
        name=str(entry["name"]),
        scopes=frozenset(scope_of(name) for name in entry["scopes"]),
        hash=str(entry["hash"]),
        created_at=_moment(entry["created_at"]),
        expires_at=_moment(expires) if expires else None,
    )


def _moment(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    return moment


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _urlsafe(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Two who change the file at once do so one after the other."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise KeyFileError(
            f"{path.parent} cannot be written: {error.strerror}. Name a file in a folder of yours."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _write(path: Path, keys: Sequence[StoredKey]) -> None:
    text = json.dumps({"version": VERSION, "keys": [key.as_json() for key in keys]}, indent=2, sort_keys=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise KeyFileError(f"{path} cannot be written: {error.strerror}. Name a file in a folder of yours.") from error
