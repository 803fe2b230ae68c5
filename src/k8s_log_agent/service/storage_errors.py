"""What can go wrong with the database; each text says what, why, and the next step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

_FULL = ("disk is full", "No space left", "could not extend file", "disk quota")


class DatabaseError(RuntimeError):
    """The database cannot be used as things are."""


class DatabaseInUseError(DatabaseError):
    """Another process holds the SQLite file."""

    def __init__(self, file: Path, holder: str) -> None:
        by = f"process {holder}" if holder else "another process"
        super().__init__(
            f"The database {file} is in use by {by}. One service works on one SQLite file: stop the other one, name "
            "another file, or use PostgreSQL, which several may share."
        )


class StorageFullError(DatabaseError):
    """There is no room for what had to be written; reading goes on."""


class StorageUnavailableError(DatabaseError):
    """The database did not answer, or was locked for too long."""


@contextmanager
def said(what: str) -> Iterator[None]:
    """Turns a driver's error into one of these; `what` is a participle, such as read."""
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated or type(error).__name__ in ("OperationalError", "InternalError"):
            raise _named(what, error) from error
        if any(word in str(error.orig) for word in _FULL):
            raise _named(what, error) from error
        raise
    except PoolTimeoutError as error:
        raise StorageUnavailableError(
            f"The database could not be {what}: all its connections are in use. Send the request again in a moment."
        ) from error


def _named(what: str, error: DBAPIError) -> DatabaseError:
    reason = (str(error.orig).splitlines() or ["it gave no reason"])[0][:200]
    if any(word in str(error.orig) for word in _FULL):
        return StorageFullError(
            f"Nothing more can be stored: {reason}. Incidents can still be read. Make room on the volume of the "
            "database, or shorten retention_days."
        )
    return StorageUnavailableError(f"The database could not be {what}: {reason}. Send the request again in a moment.")
