"""A lab: a private network and the nodes on it, made and taken away as one."""

from __future__ import annotations

import ipaddress
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.nodes.host import Host
from tests.nodes.image import CACHE, node_image
from tests.nodes.podman import podman

# What containerd, kubelet and their logs need on a real filesystem: an overlay cannot lie on a container's overlay.
_VOLUMES = {
    "rancher": "/var/lib/rancher",
    "kubelet": "/var/lib/kubelet",
    "pods": "/var/log/pods",
    "containers": "/var/log/containers",
}
_FIRST_HOST = 11


@dataclass(frozen=True)
class Node:
    """One running machine of a lab."""

    name: str
    container: str
    address: str
    folder: Path

    def run(self, *command: str, check: bool = True, text: str | None = None) -> str:
        """Run a command as root on the node and return what it printed."""
        stdin = ("--interactive",) if text is not None else ()
        return podman("exec", *stdin, self.container, *command, check=check, text=text).stdout


@dataclass(frozen=True)
class Lab:
    """Nodes on one network of their own; nothing of it reaches beyond this machine."""

    name: str
    nodes: tuple[Node, ...]

    def __getitem__(self, name: str) -> Node:
        """Return the node of this name."""
        return next(node for node in self.nodes if node.name == name)


def create(name: str, nodes: Sequence[str], *, images: Path | None = None) -> Lab:
    """Make a lab anew, whatever was left of one with this name; return when every systemd has booted.

    `images` is a folder of image archives that K3s finds in `agent/images` and imports at its start.
    """
    destroy(name)
    image = node_image()
    podman("network", "create", "--internal", _network(name))
    subnet = _subnet(name)
    network = ipaddress.ip_network(subnet["subnet"])
    lab = Lab(
        name,
        tuple(
            Node(node, f"{name}-{node}", str(network[_FIRST_HOST + index]), CACHE / name / node)
            for index, node in enumerate(nodes)
        ),
    )
    for node in lab.nodes:
        _prepare(node, images)
        _start(node, lab, image, subnet["gateway"])
    for node in lab.nodes:
        _wait_for_systemd(node)
        _name_the_others(node, lab)
    return lab


def reinstall(node: Node, lab: Lab, *, images: Path | None = None) -> None:
    """Put an empty machine of the same name and address in this node's place."""
    podman("rm", "--force", "--time", "2", node.container)
    _remove_files(node.folder)
    _prepare(node, images)
    _start(node, lab, node_image(), _subnet(lab.name)["gateway"])
    _wait_for_systemd(node)
    _name_the_others(node, lab)


def destroy(name: str) -> None:
    """Take away the nodes of this lab, its network and its files; nothing where there is none."""
    listing = podman("ps", "--all", "--filter", f"label=homelab.lab={name}", "--format", "{{.Names}}").stdout
    for container in listing.split():
        podman("rm", "--force", "--time", "2", container)
    if podman("network", "exists", _network(name), check=False).returncode == 0:
        podman("network", "rm", _network(name))
    _remove_files(CACHE / name)


def _network(lab: str) -> str:
    """The name of its network: podman keeps some names to itself, `default` among them."""
    return f"nodes-{lab}"


def _subnet(lab: str) -> dict[str, str]:
    subnets: list[dict[str, str]] = json.loads(podman("network", "inspect", _network(lab)).stdout)[0]["subnets"]
    return subnets[0]


def _remove_files(folder: Path) -> None:
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    if f" {folder}/" in mounts:
        raise RuntimeError(f"something is still mounted below {folder}; unmount it before its files are removed")
    shutil.rmtree(folder, ignore_errors=True)


def _prepare(node: Node, images: Path | None) -> None:
    for folder in _VOLUMES:
        (node.folder / folder).mkdir(parents=True)
    if images is not None:
        target = node.folder / "rancher" / "k3s" / "agent" / "images"
        target.mkdir(parents=True)
        for archive in sorted(images.iterdir()):
            if archive.name.endswith((".tar", ".tar.gz", ".tar.zst")):
                shutil.copy2(archive, target / archive.name)
    if not Host.read().may_raise_limits:
        _lower_oom_scores_never(node)


def _lower_oom_scores_never(node: Node) -> None:
    """Without CAP_SYS_RESOURCE no container's OOM score may go below its parent's, and every pod would fail."""
    folder = node.folder / "rancher" / "k3s" / "agent" / "etc" / "containerd"
    folder.mkdir(parents=True)
    template = 'imports = ["/var/lib/rancher/lab-containerd.toml"]\n{{ template "base" . }}\n'
    (folder / "config-v3.toml.tmpl").write_text(template, encoding="utf-8")
    setting = 'version = 3\n[plugins."io.containerd.cri.v1.runtime"]\n  restrict_oom_score_adj = true\n'
    (node.folder / "rancher" / "lab-containerd.toml").write_text(setting, encoding="utf-8")


def _start(node: Node, lab: Lab, image: str, gateway: str) -> None:
    command = [
        "run",
        "--detach",
        "--name",
        node.container,
        "--hostname",
        node.name,
        "--label",
        f"homelab.lab={lab.name}",
    ]
    # Not --systemd=always: with podman 4 all nodes would share the host's systemd cgroup and empty each other's.
    command += ["--privileged", "--cgroupns=private", "--systemd=false", "--stop-signal", "SIGRTMIN+3"]
    command += ["--env", "container=podman", "--env", f"NODE_GATEWAY={gateway}"]
    command += ["--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp"]
    command += ["--ulimit", "nofile=20000:20000", "--ulimit", "nproc=1000:1000"]
    command += ["--network", _network(lab.name), "--ip", node.address]
    for folder, place in _VOLUMES.items():
        command += ["--volume", f"{node.folder / folder}:{place}"]
    podman(*command, image, "/lib/systemd/systemd")


def _wait_for_systemd(node: Node) -> None:
    state = ""
    for _ in range(30):  # the bus is not there in the first moments, and --wait needs it
        state = node.run("timeout", "60", "systemctl", "is-system-running", "--wait", check=False).strip()
        if state in {"running", "degraded"}:
            break
        node.run("sleep", "0.5")
    if state != "running":
        failed = node.run("systemctl", "--failed", "--no-legend", "--plain", check=False).strip()
        raise RuntimeError(f"systemd of {node.container} is {state or 'silent'}; failed units: {failed or 'none'}")


def _name_the_others(node: Node, lab: Lab) -> None:
    names = "".join(f"{other.address} {other.name}\n" for other in lab.nodes)
    node.run("sh", "-c", "cat >> /etc/hosts", text=names)
