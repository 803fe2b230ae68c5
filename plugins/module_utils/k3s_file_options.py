"""The files of a host as modules are given them: argument specification, and what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from . import k3s_files, k3s_yaml

OPTIONS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str"},
    "settings": {"type": "dict"},
    "secret": {"type": "str", "no_log": False},
    "absent": {"type": "bool", "default": False},
    "mode": {"type": "str", "default": "0600"},
    "directory_mode": {"type": "str", "default": "0755"},
}


def wanted(files: Iterable[Mapping[str, Any]], secrets: Mapping[str, Any]) -> Iterator[k3s_files.Wanted]:
    """What the files are to be; one without any content is left out, whatever is there stays."""
    for one in files:
        if one["absent"] or any(one[kind] is not None for kind in ("content", "settings", "secret")):
            yield _wanted(one, secrets)


def _wanted(given: Mapping[str, Any], secrets: Mapping[str, Any]) -> k3s_files.Wanted:
    content = given["content"] if given["settings"] is None else given["settings"]
    if given["secret"]:
        content = secrets[given["secret"]]
    if isinstance(content, dict):
        content = k3s_yaml.render(content)
    elif given["secret"] and not str(content).endswith("\n"):
        content = f"{content}\n"
    return k3s_files.Wanted(
        path=Path(given["path"]),
        content=None if given["absent"] else content or "",
        mode=int(given["mode"], 8),
        directory_mode=int(given["directory_mode"], 8),
        secret=bool(given["secret"]),
    )
