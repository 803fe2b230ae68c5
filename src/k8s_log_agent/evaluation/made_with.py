"""What decides an answer besides the case: code, rules, prompt, model, options, index. A change of any asks anew."""

from __future__ import annotations

import hashlib
from importlib import resources
from importlib.resources.abc import Traversable

ROOMS_OF_RULES = ("records.py", "ingest", "understand", "retrieval", "triage", "evaluation/judging.py")
ROOMS_OF_MODEL = (*ROOMS_OF_RULES, "llm")


def hash_of_rooms(rooms: tuple[str, ...]) -> str:
    """16 hex digits over the files of these rooms, their rules and prompts included."""
    digest = hashlib.sha256()
    for room in rooms:
        root = resources.files("k8s_log_agent")
        for part in room.split("/"):
            root = root / part
        _add(digest, root, room)
    return digest.hexdigest()[:16]


def key_of(made_with: dict[str, str]) -> str:
    """One hash for all of it."""
    text = "\x1f".join(f"{name}={value}" for name, value in sorted(made_with.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _add(digest: hashlib._Hash, place: Traversable, name: str) -> None:
    if place.is_file():
        if place.name.endswith((".py", ".yaml", ".j2", ".json")):
            digest.update(name.encode() + b"\x1f" + place.read_bytes())
        return
    for child in sorted(place.iterdir(), key=lambda child: child.name):
        if not child.name.startswith(("__pycache__", ".")):
            _add(digest, child, f"{name}/{child.name}")
