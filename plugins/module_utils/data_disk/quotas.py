"""Project quotas by the kernel's own calls, the same for XFS and ext4: numbers on directories, limits on numbers."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
import struct
from collections.abc import Iterator

from .request import DiskError

_GET_ATTRIBUTES = 0x801C581F  # FS_IOC_FSGETXATTR
_SET_ATTRIBUTES = 0x401C5820  # FS_IOC_FSSETXATTR
_ATTRIBUTES = struct.Struct("=IIIII8x")  # flags, extent size, extents, project, copy-on-write extent size
_INHERIT = 0x200
_PROJECT_QUOTA = 2
_GET_QUOTA, _SET_QUOTA = 0x800007, 0x800008
_QUOTA = struct.Struct(
    "=QQQQQQQQI4x"
)  # hard, soft (KiB), used (bytes), hard, soft, used (files), times, which are valid
_BLOCK_LIMITS = 1
_KIB = 1024


def project_of(path: str) -> tuple[int, bool]:
    """The project number of a file or directory, and whether new files below inherit it."""
    descriptor = _open(path)
    try:
        flags, _extent, _extents, number, _copy = _attributes(descriptor)
        return number, bool(flags & _INHERIT)
    finally:
        os.close(descriptor)


def set_project(path: str, number: int) -> None:
    """Gives the directory and all that is in it, on the same filesystem, to project `number`."""
    for inner in _tree(path):
        descriptor = _open(inner)
        try:
            flags, extent, extents, before, copy = _attributes(descriptor)
            wanted = flags | _INHERIT if stat.S_ISDIR(os.fstat(descriptor).st_mode) else flags
            if (flags, before) != (wanted, number):
                fcntl.ioctl(descriptor, _SET_ATTRIBUTES, _ATTRIBUTES.pack(wanted, extent, extents, number, copy))
        finally:
            os.close(descriptor)


def limit_of(device: str, number: int) -> tuple[int, int]:
    """The hard limit (0: none) and the use of a project, in bytes."""
    buffer = ctypes.create_string_buffer(_QUOTA.size)
    try:
        _quotactl(_GET_QUOTA, device, number, buffer)
    except OSError as problem:
        if problem.errno in (errno.ESRCH, errno.ENOENT, errno.ENOSYS, errno.EINVAL):
            return 0, 0  # quotas are off, or the project has never been used
        raise
    values = _QUOTA.unpack(buffer.raw)
    return values[0] * _KIB, values[2]


def set_limit(device: str, number: int, limit: int) -> None:
    """`limit` in bytes, rounded down to KiB; the soft limit is switched off."""
    packed = _QUOTA.pack(limit // _KIB, 0, 0, 0, 0, 0, 0, 0, _BLOCK_LIMITS)
    try:
        _quotactl(_SET_QUOTA, device, number, ctypes.create_string_buffer(packed, _QUOTA.size))
    except OSError as problem:
        raise DiskError(
            f"The quota of project {number} on {device} could not be set: {problem.strerror}. Project quotas need the "
            f"mount option prjquota and a kernel built with them; look at: findmnt -no OPTIONS {device}."
        ) from problem


def _tree(path: str) -> Iterator[str]:
    home = os.lstat(path).st_dev
    yield path
    for directory, names, files in os.walk(path):
        names[:] = [name for name in names if os.lstat(f"{directory}/{name}").st_dev == home]
        for name in [*names, *files]:
            inner = f"{directory}/{name}"
            if stat.S_ISDIR(os.lstat(inner).st_mode) or stat.S_ISREG(os.lstat(inner).st_mode):
                yield inner


def _open(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _attributes(descriptor: int) -> tuple[int, ...]:
    return _ATTRIBUTES.unpack(fcntl.ioctl(descriptor, _GET_ATTRIBUTES, bytes(_ATTRIBUTES.size)))


def _quotactl(command: int, device: str, number: int, buffer: ctypes.Array[ctypes.c_char]) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    code = ctypes.c_int(command << 8 | _PROJECT_QUOTA)
    if library.quotactl(code, device.encode(), ctypes.c_int(number), buffer) != 0:
        problem = ctypes.get_errno()
        raise OSError(problem, os.strerror(problem))
