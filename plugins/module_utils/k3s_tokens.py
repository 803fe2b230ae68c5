"""Cluster tokens: made strong, known by a fingerprint, never shown."""

from __future__ import annotations

import math
import os
import re
import secrets
from collections import Counter
from pathlib import Path

from .backup.token_fingerprint import FULL_FORMAT, fingerprint, passphrase

__all__ = [
    "FEWEST_BITS",
    "SHORTEST",
    "TokenFileError",
    "WeakTokenError",
    "ca_hash",
    "entropy_bits",
    "fingerprint",
    "fingerprint_of_file",
    "generate",
    "passphrase",
    "read",
    "require_strength",
    "write",
]
SHORTEST = 32
FEWEST_BITS = 100


class WeakTokenError(Exception):
    """A token is too easily guessed, or K3s could not read it; the message never holds the token."""


class TokenFileError(Exception):
    """The file of a token cannot be read or written."""


def generate() -> str:
    """A new token: 64 hexadecimal digits from the kernel's random source."""
    return secrets.token_hex(32)


def ca_hash(token: str) -> str | None:
    """The SHA-256 of the cluster's CA certificates that a token in the full form pins."""
    full = FULL_FORMAT.fullmatch(token.strip())
    return full["ca"] if full else None


def fingerprint_of_file(path: Path) -> str | None:
    """The fingerprint of the token that `path` holds; None without the file."""
    try:
        return fingerprint(path.read_text(encoding="utf-8"))
    except OSError:
        return None


def require_strength(token: str, name: str) -> None:
    """`name` is what the operator calls the token; raises WeakTokenError."""
    secret = passphrase(token)
    if re.search(r"\s|[\x00-\x1f]", secret):
        raise WeakTokenError(f"{name} holds white space or control characters, which K3s does not read back the same")
    if len(secret) < SHORTEST:
        raise WeakTokenError(
            f"{name} is {len(secret)} characters long; at least {SHORTEST} are wanted, since it gives full control over"
            " the cluster. Leave it empty to have a strong one made, or take one from `openssl rand -hex 32`"
        )
    bits = entropy_bits(secret)
    if bits < FEWEST_BITS:
        raise WeakTokenError(
            f"{name} repeats itself: it is worth about {bits:.0f} bits, and {FEWEST_BITS} are wanted. Leave it empty to"
            " have a strong one made, or take one from `openssl rand -hex 32`"
        )


def entropy_bits(secret: str) -> float:
    """An upper estimate: the letters' own frequencies over the shortest piece that `secret` is a repetition of."""
    period = next((size for size in range(1, len(secret)) if (secret[:size] * len(secret)).startswith(secret)), 0)
    piece = secret[:period] if period else secret
    counts = Counter(piece)
    return -sum(count * math.log2(count / len(piece)) for count in counts.values())


def read(path: Path) -> str | None:
    """The token that `path` holds; None without the file."""
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TokenFileError(f"{path} cannot be read ({error.strerror}); check its owner and mode") from error


def write(path: Path, token: str) -> None:
    """Writes `path` whole or not at all, readable by its owner only; an existing file is never replaced."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{token}\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(partial, path)
    except OSError as error:
        raise TokenFileError(
            f"{path} cannot be written ({error.strerror}); check the directory and its disk"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
