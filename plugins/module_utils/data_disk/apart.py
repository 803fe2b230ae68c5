"""Runs work in a mount namespace of its own: what it mounts or unmounts is seen by nobody else and ends with it."""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from .request import DiskError

T = TypeVar("T")  # plain JSON

_CLONE_NEWNS = 0x00020000
_MS_REC_PRIVATE = 0x4000 | (1 << 18)
_MNT_DETACH = 2


def apart(work: Callable[[], T]) -> T:
    """What `work` returns, which must be plain JSON. Raises DiskError with the text of what went wrong."""
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    answer: Any = json.loads(told) if told else {"error": "the process that looked was killed"}
    if "error" in answer:
        raise DiskError(str(answer["error"]))
    value: T = answer["value"]
    return value


def _answer(work: Callable[[], object], writing: int) -> None:
    try:
        _enter_private_namespace()
        told: dict[str, object] = {"value": work()}
    except BaseException as problem:  # noqa: BLE001 - it is told to the parent, which raises it
        told = {"error": str(problem) or type(problem).__name__}
    try:
        os.write(writing, json.dumps(told).encode())
    finally:
        os._exit(0)


def _enter_private_namespace() -> None:
    """Nothing may be unmounted unless both calls have succeeded, or it would be unmounted for everybody."""
    _call("unshare", _CLONE_NEWNS)
    _call("mount", None, b"/", None, _MS_REC_PRIVATE, None)


def detach(path: str) -> None:
    """Unmounts the top mount at `path`; only ever called inside :func:`apart`."""
    _call("umount2", path.encode(), _MNT_DETACH)


def _call(name: str, *arguments: object) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) != 0:
        problem = ctypes.get_errno()
        raise OSError(problem, f"{name}: {os.strerror(problem)}")
