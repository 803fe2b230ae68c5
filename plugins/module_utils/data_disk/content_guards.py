"""Guards that make sure that nothing lies on the disk. The disk's serial, typed out, overrules them and no others."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .facts import Facts
from .refusal import Refusal
from .request import MARKER_NAME, Request
from .standing import Standing, bears_our_uuid, is_listed, never_finished, standing

_OWN = (Standing.OURS, Standing.UNMARKED, Standing.HALF_MADE)


def no_partitions(_request: Request, facts: Facts) -> Iterator[Refusal]:
    """Partitions that the kernel sees."""
    if facts.partitions:
        found = f"it has partitions: {', '.join(facts.partitions)}"
        yield Refusal("no_partitions", found, f"lsblk -f {facts.link}", erasable=True)


def no_signatures(request: Request, facts: Facts) -> Iterator[Refusal]:
    """Filesystems, partition tables, RAID, LVM, LUKS, ZFS: whatever libblkid knows."""
    if not facts.link:
        return
    look = f"wipefs --no-act {facts.link}"
    if facts.signatures is None:
        yield Refusal("no_signatures", "its signatures could not be read", look)
    elif standing(request, facts) not in _OWN:
        places: dict[tuple[str, str, str], list[int]] = {}
        for found in facts.signatures:
            places.setdefault((found.kind, found.label, found.uuid), []).append(found.offset)
        for (kind, label, uuid), offsets in places.items():
            named = "".join(f", {word} {value}" for word, value in (("label", label), ("UUID", uuid)) if value)
            times = f" and {len(offsets) - 1} more places" if len(offsets) > 1 else ""
            text = f"it carries {kind} at byte {min(offsets)}{times}{named}"
            yield Refusal("no_signatures", text, look, erasable=True)


def no_content(request: Request, facts: Facts) -> Iterator[Refusal]:
    """Anything that is not zero, recognised or not."""
    if not facts.link or standing(request, facts) in _OWN:
        return
    content = facts.content
    if content is None or content.error:
        why = content.error if content else "it was not examined"
        yield Refusal("no_content", f"its content is unknown: {why}", f"dmesg | grep {facts.link[5:]}")
    elif content.nonzero_blocks:
        offsets = ", ".join(str(offset) for offset in content.nonzero_offsets)
        found = (
            f"of {content.bytes_read} bytes read, {content.nonzero_blocks} blocks of 4 KiB are not empty; "
            f"their content begins at byte {offsets}"
        )
        look = f"hexdump -C -s {content.nonzero_offsets[0]} -n 256 {facts.link}"
        yield Refusal("no_content", found, look, erasable=True)


def ours_looks_right(request: Request, facts: Facts) -> Iterator[Refusal]:
    """What was claimed once and looks damaged or altered is neither adopted nor ever erased by a typed serial."""
    if not facts.link or standing(request, facts) in (*_OWN, Standing.EMPTY):
        return
    if facts.inside is None and not bears_our_uuid(request, facts) and not is_listed(request, facts):
        return
    unfinished = never_finished(request, facts)
    if unfinished and facts.inside is None:
        return  # an interrupted format, with what was written since told by no_content
    found, look, mend = _how_ours_looks(request, facts)
    yield Refusal("ours_looks_right", found, look, erasable=unfinished, mend="" if unfinished else mend)


def _how_ours_looks(request: Request, facts: Facts) -> tuple[str, str, str]:
    """What is wrong with our own disk, a command that shows it, and the next step, which never costs data."""
    link, inside = facts.link, facts.inside
    if inside is not None and not inside.error:
        why = f"its marker says {dict(inside.marker)}" if inside.marker else "it has no marker file"
        look = f"mount -o ro {link} /mnt; ls -la /mnt; umount /mnt"
        mend = (
            "If its files are those of this host's applications, put the marker back: "
            f"mount {link} /mnt; echo '{json.dumps(request.marker)}' > /mnt/{MARKER_NAME}; umount /mnt. "
            "Then run this again."
        )
        return f"its filesystem has our UUID and label, but {why}", look, mend
    altered = next((each for each in facts.signatures or () if each.uuid.lower() == request.uuid), None)
    if inside is None and altered and (altered.kind, altered.label) != (request.filesystem, request.label):
        found = f"it has our UUID, but is {altered.kind} with the label {altered.label!r}, unlike the inventory"
        mend = (
            "It was claimed before, and its data are kept: set data_disk_filesystem and data_disk_label back to what "
            "it carries, then run this again."
        )
        return found, f"wipefs --no-act {link}", mend
    why = inside.error if inside else "no filesystem of ours is recognised on it"
    check = {"xfs": "xfs_repair -n", "ext4": "e2fsck -n"}[request.filesystem]
    mend = (
        "It was claimed before, and its data may all be there: find out what is damaged, which writes nothing, with "
        f"dmesg and {check} {link}; repair it with a copy at hand, then run this again."
    )
    return f"it bears our UUID or is listed in /etc/fstab by it, but {why}", f"dmesg; {check} {link}", mend


GUARDS = (no_partitions, no_signatures, no_content, ours_looks_right)
