"""The world in which programs are recorded: namespaces of their own for processes, mounts, network and host name.

The recorder starts itself anew in it. Nothing that happens inside is left on the machine: every file that is written
lands in memory, on an overlay of the real file system, except below the folders that are kept; when the first process
ends, the kernel ends every other and drops the overlay. There is no network but the loopback interface, which carries
the addresses and names that a script asks for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.recorder.nameserver import ADDRESS, Nameserver

HOST_NAME = "node-2"
STATE_FOLDERS = ("/srv", "/app", "/data", "/scratch")
NEEDED = ("unshare", "setpriv", "prlimit", "ip", "mount", "hostname")
_ENTER = """set -e
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
for kept in /proc /dev /sys $KEPT_FOLDERS; do mount --rbind "$kept" "/mnt/root$kept"; done
mount -t tmpfs tmpfs /mnt/root/dev/shm
exec chroot /mnt/root env --chdir="$CHECKOUT" "$@"
"""
_SEARCH = "search default.svc.cluster.local svc.cluster.local cluster.local"


class SandboxError(RuntimeError):
    """The sandbox cannot be made here; the text says what is missing."""


def run_inside(arguments: Sequence[str], *, checkout: Path, kept: Sequence[Path], seconds: float) -> int:
    """Run `python -m tools.recorder ARGUMENTS` in a fresh sandbox; returns its exit status.

    What is written below the folders of `kept`, whose names hold no spaces, stays.
    """
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if os.geteuid() != 0 or missing:
        what = f"these programs are missing: {', '.join(missing)}" if missing else "it needs root"
        raise SandboxError(
            f"Recording runs in Linux namespaces, and {what}. Use a machine or container where you are root, with "
            "util-linux, iproute2 and hostname installed."
        )
    namespaces = ["--net", "--uts", "--ipc", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    recorder = [sys.executable, "-m", "tools.recorder", *arguments]
    process = subprocess.Popen(
        ["unshare", *namespaces, "sh", "-c", _ENTER, "sh", *recorder],
        env={**os.environ, "CHECKOUT": str(checkout), "KEPT_FOLDERS": " ".join(map(str, kept))},
    )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired as error:
        raise SandboxError(f"The recording took longer than {seconds:g} s and was ended.") from error
    finally:
        process.kill()
        process.wait()


class Sandbox:
    """What a script may change about its world. Made once, inside."""

    def __init__(self) -> None:
        if os.getpid() != 1:
            raise SandboxError("This step runs only in the recorder's sandbox; use `python -m tools.recorder NAME`.")
        _run("hostname", HOST_NAME)
        _run("ip", "link", "set", "lo", "up")
        for folder in STATE_FOLDERS:
            Path(folder).mkdir(exist_ok=True)
            _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
        Path.home().chmod(0o711)  # the interpreter may lie below; users that programs run as must reach it
        self.address(ADDRESS)
        self._replace("/etc/resolv.conf", f"{_SEARCH}\nnameserver {ADDRESS}\noptions ndots:5 timeout:1 attempts:2\n")
        self._replace("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost ip6-localhost\n127.0.0.1 {HOST_NAME}\n")
        self.nameserver = Nameserver()

    def address(self, address: str) -> str:
        """Give the sandbox one more address, such as a pod's; it is returned."""
        subprocess.run(["ip", "addr", "add", f"{address}/32", "dev", "lo"], capture_output=True, check=False)
        return address

    def interface(self, name: str, address: str) -> None:
        """A network card with `address` (`10.0.0.2/24`), which the default route leads to; nobody is on its wire."""
        _run("ip", "link", "add", name, "type", "bridge")
        _run("ip", "addr", "add", address, "dev", name)
        _run("ip", "link", "set", name, "up")
        _run("ip", "route", "add", "default", "dev", name)

    def name(self, name: str, address: str) -> None:
        """Let a name, and the service's full name below it, resolve to an address that is added too."""
        self.address(address)
        for known in (name, f"{name}.default.svc.cluster.local", f"{name}.svc.cluster.local", f"{name}.cluster.local"):
            self.nameserver.names[known.lower()] = address

    def unreachable(self, address: str) -> str:
        """An address whose packets vanish, so that connecting to it times out."""
        _run("ip", "route", "replace", f"{address}/32", "dev", "lo")  # routed to an interface that does not own it
        return address

    def cover(self, path: str | Path) -> Path:
        """Hide an existing folder, such as /etc/nginx, behind an empty one that is dropped at the end."""
        return self.small_disk(path, "64m")

    def small_disk(self, path: str | Path, size: str) -> Path:
        """A file system of `size` (`8m`) at `path`, made when it is missing; best below /srv, /data or /app."""
        Path(path).mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(path))
        return Path(path)

    def unmount(self, path: str | Path) -> None:
        """Drop a file system, even while it is in use."""
        _run("umount", "--lazy", str(path))

    @contextmanager
    def memory_cgroup(self, name: str, limit_bytes: int) -> Iterator[Path]:
        """A cgroup whose processes the kernel kills above `limit_bytes`; removed at the end (cgroup v1 or v2)."""
        first = Path("/sys/fs/cgroup/memory")
        second = first.parent if (first.parent / "cgroup.controllers").exists() else first.parent / "unified"
        folder = (first if first.exists() else second) / f"recorder-{name}"
        folder.mkdir()
        limit_file = "memory.limit_in_bytes" if first.exists() else "memory.max"
        try:
            (folder / limit_file).write_text(str(limit_bytes))
            yield folder
        finally:
            _remove_cgroup(folder)

    def _replace(self, path: str, text: str) -> None:
        with tempfile.NamedTemporaryFile("w", dir="/scratch", delete=False) as handle:
            handle.write(text)
        Path(handle.name).chmod(0o644)
        _run("mount", "--bind", handle.name, path)


def _remove_cgroup(folder: Path) -> None:
    for _ in range(50):
        try:
            folder.rmdir()
        except OSError:
            subprocess.run(["sleep", "0.1"], check=False)
        else:
            return


def _run(*command: str) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SandboxError(f"`{' '.join(command)}` failed: {result.stderr.strip() or result.stdout.strip()}")
