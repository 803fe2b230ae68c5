"""The shipped lab with node-1 replaced by a container; node-2 stays a virtual machine, on the container's bridge."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.playbook import ROOT, Run, play
from tests.cluster.site import PLAYBOOK, STAGES, WORK, K3s, Site
from tests.nodes import lab as labs
from tests.nodes.host import Host
from tests.nodes.lab import Lab, Node
from tests.nodes.podman import podman
from tools.lab.laboratory import Laboratory
from tools.lab.machine import Machine
from tools.lab.settings import read_lab
from tools.lab.ssh import free_port

NAME = "virtual-node"
SHIPPED = ROOT / "inventory" / "lab"
IMAGES = ROOT / "build" / "lab" / "images"
FOLDER = ROOT / "build" / NAME
# The K3s under test may be a build without the programs that a release brings along.
PROGRAMS = ("conntrack", "ethtool", "ipset", "iptables")
PAUSE = "docker.io/rancher/mirrored-pause:3.6"
_PLACE_IN_NETWORK = 12
_PLAY_SECONDS = 2400.0  # software emulation on a busy machine


@dataclass(frozen=True)
class VirtualNode(Node):
    """A virtual machine that is asked as a node container is."""

    machine: Machine

    def run(self, *command: str, check: bool = True, text: str | None = None) -> str:
        """Run a command as root on the machine and return what it printed."""
        return self.machine.run(shlex.join(command), check=check, stdin=text or "").stdout


@dataclass
class MixedSite(Site):
    """A server in a container and an agent in a virtual machine."""

    @property
    def machine(self) -> Machine:
        """The agent's machine."""
        return laboratory(self.inventory).machine("node-2")

    def play(self, *arguments: str, stop_when: Callable[[], bool] | None = None) -> Run:
        """Run the stages of site.yml, with more patience than containers need."""
        if "--tags" not in arguments:
            arguments = ("--tags", STAGES, *arguments)
        log = WORK / "logs" / f"{self.lab.name}-{len(self.runs) + 1}.log"
        run = play(PLAYBOOK, self.inventory, log, *arguments, stop_when=stop_when, limit_seconds=_PLAY_SECONDS)
        self.runs.append(run)
        return run

    def services(self) -> dict[str, dict[str, str]]:
        """As in the base, without those that a login starts and ends."""
        return {
            node: {name: since for name, since in started.items() if not name.startswith("user")}
            for node, started in super().services().items()
        }

    @contextmanager
    def saying(self, **values: Any) -> Iterator[None]:
        """Let the inventory say something else of node-2 for a while."""
        path = self.inventory / "host_vars" / "node-2.yml"
        right = path.read_text(encoding="utf-8")
        _change(path, lambda said: {**said, **values})
        try:
            yield
        finally:
            path.write_text(right, encoding="utf-8")


def laboratory(inventory: Path) -> Laboratory:
    """The virtual machines of the inventory."""
    return Laboratory(read_lab(inventory / "group_vars" / "all" / "lab.yml"), FOLDER)


def make_site(k3s: K3s) -> MixedSite:
    """Start the container and the virtual machine, and write the inventory; nothing is installed yet."""
    server = labs.create(NAME, ["node-1"], images=k3s.images).nodes[0]
    inventory = WORK / NAME
    shutil.rmtree(inventory, ignore_errors=True)
    address = _write_inventory(inventory, server, k3s)
    FOLDER.mkdir(parents=True, exist_ok=True)
    IMAGES.mkdir(parents=True, exist_ok=True)
    if not (FOLDER / "images").exists():
        (FOLDER / "images").symlink_to(IMAGES)
    machines = laboratory(inventory)
    machines.up(print)
    agent = VirtualNode("node-2", "", address, FOLDER, machines.machine("node-2"))
    server.run("sh", "-c", "cat >> /etc/hosts", text=f"{address} node-2\n")
    return MixedSite(Lab(NAME, (server, agent)), k3s, inventory)


def destroy() -> None:
    """End the machine as a power cut does, and remove both with all that is theirs."""
    inventory = WORK / NAME
    if (inventory / "group_vars").exists():
        for machine in laboratory(inventory).machines():
            machine.kill()
            machine.erase()
    labs.destroy(NAME)
    shutil.rmtree(FOLDER, ignore_errors=True)


def _write_inventory(folder: Path, server: Node, k3s: K3s) -> str:
    """Write the inventory; return the address of node-2."""
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("secrets"))
    network = json.loads(podman("network", "inspect", NAME).stdout)[0]
    subnet = ip_network(network["subnets"][0]["subnet"])
    address = f"{subnet[_PLACE_IN_NETWORK]}/{subnet.prefixlen}"
    _change(folder / "group_vars/all/lab.yml", _lab(network["network_interface"], address))
    _change(folder / "host_vars/node-1.yml", lambda values: {**values, **_server(server)})
    pauses = [str(path) for path in sorted(k3s.images.glob("*pause*"))] if k3s.images else []
    _change(folder / "host_vars/node-2.yml", lambda values: {**values, "k3s_images": pauses})
    (folder / "group_vars/all/zz_site.yml").write_text(yaml.safe_dump(_shared(k3s)), encoding="utf-8")
    return str(subnet[_PLACE_IN_NETWORK])


def _change(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(change(values), sort_keys=False), encoding="utf-8")


def _lab(bridge: str, address: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(values: dict[str, Any]) -> dict[str, Any]:
        machine = values["lab_machines"]["node-2"]
        machine |= {"ssh_port": free_port(), "network": {"bridge": bridge, "address": address}}
        image = {**values["lab_image"], "packages": sorted({*values["lab_image"]["packages"], *PROGRAMS})}
        return {**values, "lab_name": NAME, "lab_image": image, "lab_machines": {"node-2": machine}}

    return change


def _server(server: Node) -> dict[str, Any]:
    """What the container's way in and card are, in place of a machine's."""
    values: dict[str, Any] = {
        "ansible_connection": "containers.podman.podman",
        "ansible_host": server.container,
        "ansible_port": 22,
        "ansible_user": "root",
        "ansible_python_interpreter": "/usr/bin/python3",
        "k3s_node_ip": server.address,
        "k3s_config": {"flannel-iface": "eth0"},
    }
    if not Host.read().unified_cgroups:  # kubelet 1.35 and later refuse such a host unless told to go on
        values["k3s_kubelet_args"] = ["fail-cgroupv1=false"]
    return values


def _shared(k3s: K3s) -> dict[str, Any]:
    return {
        "log_intelligence_site": NAME,
        "log_intelligence_root": str(ROOT),
        "preflight_offline": True,
        "preflight_offline_files": [str(k3s.binary)],
        "k3s_version": k3s.version,
        "k3s_binary_source": str(k3s.binary),
        "k3s_sha256": hashlib.sha256(k3s.binary.read_bytes()).hexdigest(),
    }
