"""Whose disk it is: ours, half made by us, empty, or somebody's."""

from __future__ import annotations

import enum
import uuid

from .facts import Facts, Inside, Signature
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
    return Standing.UNMARKED if _unused(facts.inside) and began_here(request, facts) else Standing.FOREIGN


def _unused(inside: Inside) -> bool:
    return all(entry in (MARKER_NAME, "lost+found") or is_unfinished_marker(entry) for entry in inside.entries)


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


def bears_our_uuid(request: Request, facts: Facts) -> bool:
    """Whether anything on the disk bears our UUID, whatever its kind and label, also where no tool recognises it."""
    recognised = any(found.uuid.lower() == request.uuid for found in facts.signatures or ())
    content = facts.content
    return recognised or (content is not None and content.nonzero_blocks > content.foreign_blocks)


def is_listed(request: Request, facts: Facts) -> bool:
    """Whether /etc/fstab names our UUID, which it does only after the filesystem was finished."""
    return any(line.split()[:1] == [f"UUID={request.uuid}"] for line in facts.fstab.splitlines())


def never_finished(request: Request, facts: Facts) -> bool:
    """Whether a run on this machine began to format this disk, after an erase or not, and nothing was stored since."""
    wanted = {"serial": request.serial, "uuid": request.uuid, "bytes": str(facts.bytes)}
    began = facts.journal is not None and wanted.items() <= facts.journal.items()
    return began and not is_listed(request, facts) and (facts.inside is None or _unused(facts.inside))


def read_whole(facts: Facts) -> bool:
    """Whether every byte of the disk was read, and not only samples."""
    content = facts.content
    return content is not None and not content.error and content.bytes_read >= facts.bytes > 0


def _only_our_blocks(request: Request, facts: Facts) -> bool:
    """mkfs.xfs writes the UUID into every block that it fills, so a block without it was written by someone else.

    Samples do not prove that: a journal may be left over from a filesystem that was finished and used by hand.
    """
    clean = read_whole(facts) and facts.content is not None and facts.content.foreign_blocks == 0
    return began_here(request, facts) and clean and not facts.partitions


def uuid_bytes(request: Request) -> bytes:
    """The UUID as filesystems store it."""
    return uuid.UUID(request.uuid).bytes
