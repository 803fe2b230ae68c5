"""Where log files lie: which files of a folder are logs, in which order, and whose they are."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from k8s_log_agent.records import StreamKey

_POD_FOLDER = re.compile(r"([a-z0-9][a-z0-9-]{0,62})_([a-z0-9][a-z0-9.-]{0,252})_([0-9a-zA-Z-]{1,64})")
_CONTAINER_FILE = re.compile(r"([a-z0-9][a-z0-9.-]{0,252})_([a-z0-9-]{1,63})_([a-z0-9-]{1,63})-[0-9a-f]{64}\.log")
_LOG_NAME = re.compile(
    r"\.(?:log|out|err|jsonl|ndjson|journal\.json)(?:[.\-_][\w.:+-]*)?$|^(?:messages|syslog|kern|dmesg)"
)
_MAYBE_NAME = re.compile(r"\.(?:json|txt)(?:\.(?:gz|zst|bz2|xz))?$")
_ROTATED = re.compile(r"\d{8}-\d{6}")
_RESTARTS = re.compile(r"(\d+)\.log")
_COPIES = {"containers": "pods", "kubelet.log": "journal.log", "containerd.log": "journal.log"}


def log_files(root: Path, dropped: Counter[str]) -> Iterator[tuple[Path, bool]]:
    """Files below `root` that may hold logs, each with whether its name says so; oldest first within a container.

    Folders are walked without following links, so a loop cannot trap the walk. Files with other names are counted as
    `not_a_log_file`; copies that kind exports (`containers/` beside `pods/`) are counted as `duplicate_file`.
    """
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders.sort()
        for copy, original in _COPIES.items():
            if copy in folders and original in folders:
                folders.remove(copy)
                dropped["duplicate_file"] += sum(len(files) for _, _, files in os.walk(here / copy))
            elif copy in names and original in names:
                names.remove(copy)
                dropped["duplicate_file"] += 1
        for name in sorted(names, key=_age):
            path = here / name
            if not path.is_file():
                continue
            if _LOG_NAME.search(name):
                yield path, True
            elif _MAYBE_NAME.search(name) or "." not in name:
                yield path, False
            else:
                dropped["not_a_log_file"] += 1


def _age(name: str) -> tuple[int, int, str]:
    """Sort key: restart count, then rotated files by date, then the current one."""
    restart = _RESTARTS.match(name)
    rotated = _ROTATED.search(name)
    numbered = re.search(r"\.log\.(\d{1,4})(?:\.|$)", name)
    if numbered and not rotated:
        return (int(restart[1]) if restart else 0, -int(numbered[1]), name)
    return (int(restart[1]) if restart else 0, 0 if rotated or "previous" in name else 1, name)


def stream_of(path: PurePosixPath) -> StreamKey:
    """Whose log a file is, told from its path; what the path does not say is empty, the container is the file's stem.

    Known are `/var/log/pods`, `/var/log/containers`, support bundles (`pods/logs/<namespace>/<pod>/<container>.log`)
    and must-gather (`namespaces/<namespace>/pods/<pod>/…`).
    """
    parts = path.parts
    for place in range(len(parts) - 2, -1, -1):
        if (found := _POD_FOLDER.fullmatch(parts[place])) and place + 2 < len(parts) + 1:
            container = parts[place + 1] if place + 2 < len(parts) else stem(parts[-1])
            return StreamKey(found[1], found[2], container, "")
    if found := _CONTAINER_FILE.fullmatch(path.name):
        return StreamKey(found[2], found[1], found[3], "")
    if "logs" in parts[:-3] and "pods" in parts:
        return StreamKey(parts[-3], parts[-2], stem(parts[-1]), "")
    if "namespaces" in parts and "pods" in parts[parts.index("namespaces") :]:
        base, pods = parts.index("namespaces"), parts.index("pods", parts.index("namespaces"))
        if pods == base + 2 and pods + 2 < len(parts):
            return StreamKey(parts[base + 1], parts[pods + 1], stem(parts[pods + 2]), "")
    return StreamKey("", "", stem(path.name), "")


def stem(name: str) -> str:
    """A file's name without endings and rotation marks: `web-previous.log.2.gz` is `web`."""
    return re.split(r"(?:-previous)?\.(?:log|jsonl|ndjson|json|txt|out|err|gz|zst|bz2|xz)\b", name, maxsplit=1)[0]
