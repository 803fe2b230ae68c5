"""A lock that belongs to one process and ends with it, whatever ends it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from k8s_log_agent.service.storage_errors import DatabaseError, DatabaseInUseError


class FileLock:
    """Held by whoever has `path` locked; the file itself stays and tells who holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self) -> None:
        """Raises `DatabaseInUseError` when another process, or another lock of this one, holds it."""
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DatabaseError(
                f"{self._path} cannot be written: {error.strerror}. The folder of the database has to exist and to "
                "belong to the user that the service runs as."
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(file, 20).decode("ascii", "replace").strip()
            os.close(file)
            raise DatabaseInUseError(self._path.with_suffix(""), holder) from error
        os.ftruncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        self._file = file

    def release(self) -> None:
        """Gives it free; a second time does nothing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
