"""Makes the filesystem. The only code of the project that overwrites a disk, so it proves everything again first.

In this order: the disk is opened and held exclusively, its serial is read again for the device that was opened, all
facts are collected and all guards asked anew, a journal on the root disk says what begins, and only then is the disk
written to. The marker comes last; a run that is killed before leaves a state that the next run recognises.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from . import collect, facts, host
from .apart import apart
from .plan import Plan, decide
from .regions import clear, label_regions
from .request import MARKER_NAME, DiskError, Request
from .standing import Standing, bears_our_filesystem, is_unfinished_marker, read_whole

_FORMAT_SECONDS = 540  # discarding a large disk takes its time
_REREAD_PARTITIONS = 0x125F  # BLKRRPART


def make_filesystem(request: Request, planned: Plan, seen: facts.Facts) -> None:
    """Formats the disk as planned, or raises DiskError before anything was written to it."""
    pinned = os.open(request.by_id, os.O_RDONLY | os.O_CLOEXEC)
    try:
        numbers = _same_disk(request, pinned, seen)
        with _held(pinned, request) as claimed:
            again = facts.read(collect.observe(request, claimed=claimed))
            _same_decision(request, planned, decide(request, again))
            _same_disk(request, claimed, seen)
            _begin_journal(request, planned, again)
            if planned.erase:
                _erase(claimed, again.bytes)
        _still_unrecognised(request, planned, pinned)
        discard = planned.standing is not Standing.EMPTY or read_whole(again)
        host.output(
            [*_command(request, planned, discard=discard), f"/proc/self/fd/{pinned}"],
            seconds=_FORMAT_SECONDS,
            pass_descriptors=(pinned,),
        )
        if _same_disk(request, pinned, seen) != numbers:
            raise DiskError(f"{request.by_id} changed while it was formatted. Look at dmesg, then run this again.")
    finally:
        os.close(pinned)
    host.output(["udevadm", "settle", "--timeout=30"], fine=(0, 1))


def write_marker(request: Request) -> None:
    """Puts the marker file on the fresh filesystem, unmounts it cleanly, and only then forgets the journal."""
    link = os.path.realpath(request.by_id)
    signatures = facts.read_wipefs(host.output(["wipefs", "--json", "--no-act", link]))
    if not bears_our_filesystem(request, signatures):
        raise DiskError(
            f"{link} does not carry the filesystem that was just made. Look at: wipefs --no-act {link}; dmesg."
        )

    def write() -> None:
        host.output(["mount", "-t", request.filesystem, "-o", "noatime", link, empty])
        try:
            for entry in Path(empty).iterdir():
                if is_unfinished_marker(entry.name):
                    entry.unlink()
            host.write_whole(f"{empty}/{MARKER_NAME}", host.as_json(request.marker), 0o644)
            os.sync()
        finally:
            host.output(["umount", empty])

    with TemporaryDirectory() as empty:
        apart(write)
    forget_journal(request)


def forget_journal(request: Request) -> None:
    """The disk is marked, so nothing is under way any more."""
    host.remove_whole(request.journal_path)


def _same_disk(request: Request, descriptor: int, seen: facts.Facts) -> str:
    """Reads serial, size and sequence number again, for the device number of the open descriptor."""
    numbers = collect.numbers_of(os.fstat(descriptor).st_rdev)
    now = collect.sysfs_of(numbers)
    expected = (seen.disk.numbers if seen.disk else "", request.serial, seen.bytes, seen.sequence)
    found = (numbers, now["serial"], now["bytes"], now["sequence"])
    if found != expected:
        raise DiskError(
            f"{request.by_id} is not the disk that was looked at: number, serial, size and sequence were {expected} "
            f"and are {found}. Nothing was written. Look at: lsblk -o NAME,SERIAL,SIZE; then run this again."
        )
    return numbers


@contextmanager
def _held(pinned: int, request: Request) -> Iterator[int]:
    """The same device, opened so that nobody else can use it."""
    try:
        claimed = os.open(f"/proc/self/fd/{pinned}", os.O_RDWR | os.O_EXCL | os.O_CLOEXEC)
    except OSError as problem:
        why = "something uses it" if problem.errno == errno.EBUSY else os.strerror(problem.errno or 0)
        raise DiskError(
            f"{request.by_id} could not be taken for exclusive use: {why}. Nothing was written. "
            f"Look at: lsblk {request.by_id}; fuser -v {request.by_id}."
        ) from problem
    try:
        yield claimed
    finally:
        os.close(claimed)


def _same_decision(request: Request, planned: Plan, now: Plan) -> None:
    same = (planned.standing, planned.erase, planned.make_filesystem) == (now.standing, now.erase, now.make_filesystem)
    if now.refusals or not same:
        reasons = "; ".join(refusal.found for refusal in now.refusals) or f"it is now {now.standing.value}"
        raise DiskError(f"{request.by_id} changed after it was looked at, and nothing was written: {reasons}.")


def _begin_journal(request: Request, planned: Plan, now: facts.Facts) -> None:
    """A half-made disk was empty before the first run; an erased one was not, and is never continued unasked."""
    was = "erased with its serial typed out" if planned.erase else Standing.EMPTY.value
    Path(request.state_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
    journal = {"serial": request.serial, "uuid": request.uuid, "bytes": str(now.bytes), "was": was}
    host.write_whole(request.journal_path, host.as_json(journal), 0o600)


def _erase(claimed: int, size: int) -> None:
    """Clears every place where a tool would find what the disk was, and lets the kernel forget its partitions."""
    clear(claimed, label_regions(size))
    try:
        fcntl.ioctl(claimed, _REREAD_PARTITIONS)
    except OSError as problem:
        raise DiskError(
            f"The old partitions are still in use: {problem.strerror}. Its tables are cleared; start the machine "
            "again, then run this again with data_disk_erase_serial still set."
        ) from problem


def _still_unrecognised(request: Request, planned: Plan, pinned: int) -> None:
    """mkfs.ext4 writes over anything when no terminal is there to ask; mkfs.xfs looks for itself at this moment."""
    if request.filesystem != "ext4" or planned.standing is Standing.HALF_MADE:
        return
    told = host.output(["wipefs", "--json", "--no-act", f"/proc/self/fd/{pinned}"], pass_descriptors=(pinned,))
    signatures = facts.read_wipefs(told)
    if signatures:
        raise DiskError(
            f"{request.by_id} got {signatures[0].kind} at the last moment, and was not formatted. "
            f"Look at: wipefs --no-act {request.by_id}."
        )


def _command(request: Request, planned: Plan, *, discard: bool) -> list[str]:
    """Without `-f`, mkfs.xfs looks for itself and refuses a disk on which it recognises anything.

    Without `discard`, what samples have missed can still be brought back from the blocks that are not overwritten.
    """
    if request.filesystem == "xfs":
        force = ["-f"] if planned.standing is Standing.HALF_MADE else []
        keep = [] if discard else ["-K"]
        return ["mkfs.xfs", "-q", *force, *keep, "-L", request.label, "-m", f"crc=1,uuid={request.uuid}"]
    quota = ["-O", "quota,project", "-E", "quotatype=prjquota" + ("" if discard else ",nodiscard")]
    return ["mkfs.ext4", "-q", "-m", "0", "-I", "256", *quota, "-L", request.label, "-U", request.uuid]
