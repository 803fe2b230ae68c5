"""The few files beside the pages: style, script, icon. Their addresses carry their hash, so browsers may keep them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

FILES = {
    "page.css": "text/css; charset=utf-8",
    "plots.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "theme.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file with its type; `version` changes with its content."""

    content: bytes
    media_type: str
    version: str


@cache
def static_file(name: str) -> StaticFile | None:
    """One of the known files; None for any other name, so that no path reaches the file system."""
    media_type = FILES.get(name)
    if media_type is None:
        return None
    content = resources.files(__package__).joinpath("static", name).read_bytes()
    return StaticFile(content, media_type, hashlib.sha256(content).hexdigest()[:12])
