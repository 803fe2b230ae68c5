"""Whose disk it is: ours, half made by us, empty, or somebody's."""

from __future__ import annotations

import enum
import uuid

from .facts import Facts, Signature
from .request import MARKER_NAME, Request


class Standing(enum.Enum):
    """What the content of the disk says about its owner."""

    OURS = "ours"
    UNMARKED = "formatted by an interrupted run, still without a marker"
    HALF_MADE = "half formatted by an interrupted run"
    EMPTY = "empty"
    FOREIGN = "not ours"


def standing(request: Request, facts: Facts) -> Standing:
    """The default is FOREIGN: every other answer needs its own proof."""
    if bears_our_filesystem(request, facts.signatures):
        return _of_our_filesystem(request, facts)
    if facts.signatures == () and not facts.partitions and facts.content is not None and not facts.content.error:
        if facts.content.nonzero_blocks == 0:
            return Standing.EMPTY
        if _only_our_blocks(request, facts):
            return Standing.HALF_MADE
    return Standing.FOREIGN


def _of_our_filesystem(request: Request, facts: Facts) -> Standing:
    if facts.inside is None:
        return Standing.FOREIGN
    if facts.inside.error:
        return Standing.HALF_MADE if _only_our_blocks(request, facts) else Standing.FOREIGN
    if facts.inside.marker == request.marker:
        return Standing.OURS
    nothing_else = all(
        entry in (MARKER_NAME, "lost+found") or is_unfinished_marker(entry) for entry in facts.inside.entries
    )
    return Standing.UNMARKED if nothing_else and began_here(request, facts) else Standing.FOREIGN


def bears_our_filesystem(request: Request, signatures: tuple[Signature, ...] | None) -> bool:
    """Whether the one thing recognised on the disk is our filesystem, by kind, UUID and label."""
    if not signatures:
        return False
    ours = (request.filesystem, request.uuid, request.label)
    return all((found.kind, found.uuid, found.label) == ours for found in signatures)


def is_unfinished_marker(name: str) -> bool:
    """Whether this is the file that a marker is written to before it gets its name."""
    return name.startswith(f".{MARKER_NAME}.")


def began_here(request: Request, facts: Facts) -> bool:
    """Whether a run on this machine proved this very disk empty and then began to format it."""
    wanted = {"serial": request.serial, "uuid": request.uuid, "bytes": str(facts.bytes), "was": "empty"}
    return facts.journal is not None and wanted.items() <= facts.journal.items()


def _only_our_blocks(request: Request, facts: Facts) -> bool:
    """mkfs.xfs writes the UUID into every block that it fills, so a block without it was written by someone else."""
    scanned = facts.content is not None and not facts.content.error
    clean = scanned and facts.content is not None and facts.content.foreign_blocks == 0
    return began_here(request, facts) and clean and not facts.partitions


def uuid_bytes(request: Request) -> bytes:
    """The UUID as filesystems store it."""
    return uuid.UUID(request.uuid).bytes
