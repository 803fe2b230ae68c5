"""Reads the files that an evaluation and a comparison leave behind; a file that cannot be read is said, not hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from k8s_log_agent.service.page.times import whole

Result = TypeVar("Result", bound=BaseModel)
View = TypeVar("View")
LARGEST = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class NotThere:
    """Why there is nothing to show, and what makes it."""

    words: str


def read_result(path: Path | None, kind: type[Result], made_by: str) -> tuple[Result, str] | NotThere:
    """The file's content with a sentence on when it was written; `made_by` names the command that makes it."""
    if path is None:
        return NotThere(f"This service was not told where its figures lie. `{made_by}` makes them.")
    try:
        status = path.stat()
        if status.st_size > LARGEST:
            return NotThere(f"{path.name} is larger than {LARGEST // 2**20} MiB, so it is not read.")
        found = kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return NotThere(f"There are no figures yet. `{made_by}` makes them; this page then shows them.")
    except OSError as error:
        return NotThere(f"{path.name} cannot be read: {error.strerror}.")
    except ValidationError:
        return NotThere(f"{path.name} is not of this version. Make it anew with `{made_by}`.")
    return found, f"Written {whole(datetime.fromtimestamp(status.st_mtime, UTC))}."


class ResultFile:
    """A file whose view is kept until the file changes."""

    def __init__(
        self, path: Path | None, kind: type[Result], made_by: str, view: Callable[[Result, str], View]
    ) -> None:
        self._path = path
        self._read: Callable[[], View | NotThere] = lambda: _viewed(path, kind, made_by, view)
        self._kept: tuple[tuple[int, int] | None, object] = (None, None)

    def view(self) -> object:
        """What `view` made of the file, or `NotThere`."""
        stamp = self._stamp()
        if stamp is None or stamp != self._kept[0]:
            self._kept = stamp, self._read()
        return self._kept[1]

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat() if self._path else None
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size) if status else None


def _viewed(
    path: Path | None, kind: type[Result], made_by: str, view: Callable[[Result, str], View]
) -> View | NotThere:
    found = read_result(path, kind, made_by)
    return found if isinstance(found, NotThere) else view(*found)
