"""Takes K3s off a host: what it runs, what it mounted, and what it and this collection have written."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from . import k3s_fingerprint, k3s_mounts, k3s_removal, k3s_systemd
from .processes import all_pids

KUBELET = Path("/var/lib/kubelet")
KUBELET_NAMES = (
    "pods plugins plugins_registry device-plugins pod-resources checkpoints pki config seccomp "
    "cpu_manager_state memory_manager_state dra_manager_state allocated_pods_state actuated_pods_state image_manager "
    "kubelet.sock graceful_node_shutdown_state"
).split()
DATA_NAMES = ("agent", "server", "data", "etc")
LOCAL_VOLUMES = "storage"
LOGS = (Path("/var/log/pods"), Path("/var/log/containers"))
INTERFACES = ("cni0", "flannel.1", "flannel-v6.1", "flannel-wg", "flannel-wg-v6", "kube-ipvs0")
CHAINS = re.compile(r"KUBE-|CNI-|FLANNEL", re.IGNORECASE)


class ForeignMountError(Exception):
    """Somebody else's mount lies where K3s' files are to be removed; nothing was changed."""


@dataclass(frozen=True)
class Places:
    """Where the parts of one installation lie."""

    program: Path
    data_dir: Path
    record_dir: Path
    links: tuple[Path, ...] = ()
    everything: bool = True

    def trees(self) -> list[Path]:
        """What a reset walks through."""
        return [
            self.data_dir,
            KUBELET,
            Path("/run/k3s"),
            Path("/run/flannel"),
            Path("/var/lib/cni"),
            *LOGS,
            Path("/etc/rancher"),
        ]


@dataclass
class Done:
    """What was, or in check mode would be, taken away, and what was left on purpose."""

    removed: list[str] = field(default_factory=list)
    unmounted: list[str] = field(default_factory=list)
    ended: int = 0
    kept: list[str] = field(default_factory=list)


def require_no_foreign_mount(places: Places) -> None:
    """Raises ForeignMountError when the walk would meet somebody else's mount."""
    found = k3s_mounts.foreign(k3s_mounts.current(), places.trees(), places.data_dir)
    if found:
        listed = ", ".join(f"{one.point} ({one.kind} from {one.source})" for one in found)
        raise ForeignMountError(
            f"{listed}: mounted there by somebody else, among the files that a reset removes. Nothing was changed. "
            "Unmount it "
            "(`umount PATH`, and take it out of /etc/fstab), then run the play again"
        )


def present(places: Places) -> list[str]:
    """What is there that a reset would take away; empty when nothing is."""
    return sorted(str(path) for path in _files(places) if os.path.lexists(path))


def reset(places: Places) -> Done:
    """Takes everything away; without `everything`, not the data directory and what the node proves itself with."""
    require_no_foreign_mount(places)
    done = Done()
    for unit in k3s_systemd.UNITS.values():
        if (k3s_systemd.UNIT_DIRECTORY / f"{unit}.service").exists():
            k3s_systemd.order("disable", "--now", f"{unit}.service")
    done.ended = _end_containers(places)
    mounts = [one for one in k3s_mounts.current() if k3s_mounts.is_own(one, places.data_dir)]
    done.unmounted = k3s_mounts.unmount(mounts)
    _remove_network()
    for path in _files(places):
        if k3s_removal.remove_tree(path):
            done.removed.append(str(path))
    done.removed += _remove_directories(places)
    done.kept = [
        str(path) for path in (places.data_dir / LOCAL_VOLUMES, KUBELET, places.data_dir) if os.path.lexists(path)
    ]
    k3s_systemd.order("daemon-reload")
    return done


def _files(places: Places) -> Iterator[Path]:
    for unit in k3s_systemd.UNITS.values():
        yield k3s_systemd.UNIT_DIRECTORY / f"{unit}.service"
        yield k3s_systemd.UNIT_DIRECTORY / f"{unit}.service.env"
    yield from (link for link in (places.program, *places.links) if _leads_to_us(link, places))
    yield from places.program.parent.glob(k3s_fingerprint.VERSIONED_FILES)
    yield places.record_dir
    yield Path("/etc/rancher/k3s")
    if places.everything:
        yield from (places.data_dir / name for name in DATA_NAMES)
        yield from (KUBELET / name for name in KUBELET_NAMES)
        yield Path("/etc/rancher/node")
        yield from (Path(path) for path in ("/run/k3s", "/run/flannel", "/var/lib/cni"))
        yield from _pod_logs()


def _remove_directories(places: Places) -> list[str]:
    """The directories that held it, where nothing of somebody else's is left in them."""
    if not places.everything:
        return []
    removed = []
    for directory in (places.data_dir, places.data_dir.parent, KUBELET, Path("/etc/rancher")):
        removed += k3s_removal.remove_known(directory, ())
    return removed


def _leads_to_us(link: Path, places: Places) -> bool:
    """Whether `link` is one of ours: a symbolic link to the program or to a version of it."""
    if not link.is_symlink():
        return False
    target = Path(os.path.normpath(link.parent / link.readlink()))
    versions = places.program.parent.glob(k3s_fingerprint.VERSIONED_FILES)
    return target == places.program or target in versions


def _pod_logs() -> Iterator[Path]:
    """Logs of pods by the kubelet's naming, and the links to them."""
    for path in LOGS[0].glob("*_*_*"):
        yield path
    for path in LOGS[1].glob("*_*_*.log"):
        if path.is_symlink():
            yield path


def _end_containers(places: Places) -> int:
    """Ends the shims of our containerd with everything below them; K3s' unit leaves them running when it stops."""
    marks = (str(places.data_dir / "data"), "/run/k3s/containerd/containerd.sock")
    shims = [
        pid
        for pid in all_pids()
        if "containerd-shim" in (line := _command_line(pid)) and any(mark in line for mark in marks)
    ]
    doomed = {pid for shim in shims for pid in _family(shim)}
    for pid in doomed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for _ in range(50):
        if not any(Path(f"/proc/{pid}").exists() for pid in doomed):
            break
        time.sleep(0.1)
    return len(doomed)


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text(encoding="ascii").split()]
    return found


def _remove_network() -> None:
    """Interfaces of flannel and the bridge, namespaces of pods, chains of kube-proxy, CNI and flannel."""
    for name in INTERFACES:
        if Path(f"/sys/class/net/{name}").exists():
            subprocess.run(["ip", "link", "delete", name], capture_output=True, check=False)
    for namespace in Path("/run/netns").glob("cni-*"):
        subprocess.run(["ip", "netns", "delete", namespace.name], capture_output=True, check=False)
    for family in ("iptables", "ip6tables"):
        _drop_chains(family)


def _drop_chains(family: str) -> None:
    try:
        saved = subprocess.run([f"{family}-save"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return
    lines = saved.stdout.splitlines(keepends=True)
    kept = "".join(line for line in lines if not CHAINS.search(line))
    if saved.returncode == 0 and kept != "".join(lines):
        subprocess.run([f"{family}-restore"], input=kept, capture_output=True, text=True, check=False)
