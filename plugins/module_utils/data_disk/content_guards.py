"""Guards that make sure that nothing lies on the disk. The disk's serial, typed out, overrules them and no others."""

from __future__ import annotations

from collections.abc import Iterator

from .facts import Facts
from .refusal import Refusal
from .request import Request
from .standing import Standing, standing

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
    """A filesystem with our UUID whose marker is missing or speaks of another disk is not adopted."""
    inside = facts.inside
    if inside is None or standing(request, facts) in _OWN:
        return
    why = inside.error or (f"its marker says {dict(inside.marker)}" if inside.marker else "it has no marker file")
    yield Refusal(
        "ours_looks_right",
        f"its filesystem has our UUID and label, but {why}",
        f"mount -o ro {facts.link} /mnt; ls -la /mnt",
        erasable=True,
    )


GUARDS = (no_partitions, no_signatures, no_content, ours_looks_right)
