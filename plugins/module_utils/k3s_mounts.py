"""Which mounts lie below a directory, and which of them K3s has made."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_POD = r"/pods/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/"
_OWN = (
    re.compile(r"/run/k3s/.+"),
    re.compile(r"/run/netns/cni-[0-9a-f-]+"),
    re.compile(rf"/var/lib/kubelet{_POD}(volumes|volume-subpaths|volumeDevices|plugins|etc-hosts|containers)(/.*)?"),
    re.compile(r"/var/lib/kubelet/plugins/kubernetes\.io/.+"),
)


@dataclass(frozen=True)
class Mount:
    """One line of the kernel's table."""

    identity: int
    point: Path
    source: str
    kind: str


class BusyMountError(Exception):
    """A mount of K3s cannot be taken away."""


def parse(table: str) -> list[Mount]:
    """`table` as in ``/proc/self/mountinfo``, oldest mount first."""
    found = []
    for line in table.splitlines():
        fields = line.split(" ")
        rest = fields[fields.index("-") + 1 :]
        found.append(Mount(int(fields[0]), Path(_plain(fields[4])), _plain(rest[1]), rest[0]))
    return found


def current() -> list[Mount]:
    """The mounts that this process sees."""
    return parse(Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape"))


def below(mounts: Iterable[Mount], directory: Path) -> list[Mount]:
    """Those that lie below `directory`, itself not counted."""
    return [one for one in mounts if directory in one.point.parents]


def is_own(mount: Mount, data_dir: Path) -> bool:
    """Whether K3s, its containerd or its kubelet has made the mount, by where it lies."""
    path = str(mount.point)
    inside = re.escape(str(data_dir))
    runtime = re.compile(rf"{inside}/agent/(containerd|run|kubelet)/.+")
    return any(one.fullmatch(path) for one in (*_OWN, runtime))


def foreign(mounts: Iterable[Mount], directories: Iterable[Path], data_dir: Path) -> list[Mount]:
    """The mounts below any of `directories` that somebody else has made."""
    listed = list(mounts)
    return [one for directory in directories for one in below(listed, directory) if not is_own(one, data_dir)]


def unmount(mounts: Iterable[Mount]) -> list[str]:
    """Unmounts the given ones, the deepest and latest first, and returns their places."""
    done = []
    for one in sorted(mounts, key=lambda mount: (len(mount.point.parts), mount.identity), reverse=True):
        tried = subprocess.run(["umount", "--", str(one.point)], capture_output=True, text=True, check=False)
        if tried.returncode and any(other.identity == one.identity for other in current()):
            raise BusyMountError(
                f"{one.point} is still in use ({tried.stderr.strip()}); see by whom with `fuser -vm {one.point}`, end "
                "it, then run "
                "the play again. Nothing below it was removed"
            )
        done.append(str(one.point))
    return done


def _plain(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)
