"""A homelab of two node containers, its inventory, and what can be asked of it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.playbook import ROOT, Run, play
from tests.nodes import lab as labs
from tests.nodes.host import Host
from tests.nodes.lab import Lab

WORK = ROOT / "build" / "cluster"
PLAYBOOK = "site.yml"
STAGES = (
    "preflight,node,data_disk,k3s,node_placement"  # from bare metal to a cluster; what runs on it has tests of its own
)
_HOMELAB = ROOT / "inventory" / "homelab"


@dataclass(frozen=True)
class K3s:
    """The real K3s that the tests are given."""

    binary: Path
    images: Path | None

    @property
    def version(self) -> str:
        """As the binary tells it, for example v1.35.0+k3s1."""
        return self._call("--version").split()[2]

    def kubectl(self, kubeconfig: Path, *arguments: str, text: str | None = None) -> str:
        """Run this binary's kubectl on the controller."""
        return self._call("kubectl", "--kubeconfig", str(kubeconfig), *arguments, text=text)

    def _call(self, *arguments: str, text: str | None = None) -> str:
        # its own place to unpack into: a K3s of this machine, if there is one, is not touched
        command = [str(self.binary), "--data-dir", str(WORK / "k3s"), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, input=text)
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stderr.strip()[-2000:]}")
        return done.stdout


@dataclass
class Site:
    """Two machines, an inventory that names them, and every run that was made against it."""

    lab: Lab
    k3s: K3s
    inventory: Path
    runs: list[Run] = field(default_factory=list)

    @property
    def secrets(self) -> Path:
        """The inventory's secrets."""
        return self.inventory / "secrets"

    @property
    def kubeconfig(self) -> Path:
        """The homelab's own kubeconfig, as the roles fetched it."""
        return self.secrets / "kubeconfig"

    def play(self, *arguments: str, stop_when: Callable[[], bool] | None = None) -> Run:
        """Run these stages of site.yml; the log is kept below build/cluster."""
        log = WORK / "logs" / f"{self.lab.name}-{len(self.runs) + 1}.log"
        self.runs.append(play(PLAYBOOK, self.inventory, log, "--tags", STAGES, *arguments, stop_when=stop_when))
        return self.runs[-1]

    def give(self, **values: Any) -> None:
        """Change values for all hosts in the inventory."""
        path = self.inventory / "group_vars" / "all" / "zz_lab.yml"
        _write(path, {**yaml.safe_load(path.read_text(encoding="utf-8")), **values})

    def get(self, *arguments: str) -> Any:
        """Return what `kubectl get … -o json` tells."""
        return json.loads(self.k3s.kubectl(self.kubeconfig, "get", *arguments, "-o", "json"))

    def apply(self, manifest: dict[str, Any]) -> None:
        """Apply a manifest."""
        self.k3s.kubectl(self.kubeconfig, "apply", "-f", "-", text=json.dumps(manifest))

    def delete(self, *arguments: str) -> None:
        """Delete objects and wait until they are gone."""
        self.k3s.kubectl(self.kubeconfig, "delete", "--ignore-not-found", "--wait", *arguments)

    def ready_nodes(self) -> set[str]:
        """Names of the nodes whose kubelet says Ready."""
        return {node["metadata"]["name"] for node in self.get("nodes")["items"] if _condition(node, "Ready")}

    def services(self) -> dict[str, dict[str, str]]:
        """For each node, when each running service was started (systemd's monotonic clock)."""
        started = {}
        for node in self.lab.nodes:
            told = node.run("systemctl", "show", "*.service", "--property=Id,ActiveState,ActiveEnterTimestampMonotonic")
            blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in told.strip().split("\n\n")]
            active = [block for block in blocks if block.get("ActiveState") == "active"]
            started[node.name] = {block["Id"]: block["ActiveEnterTimestampMonotonic"] for block in active}
        return started


def until(holds: Callable[[], bool], seconds: float) -> float:
    """Wait until something holds; return the seconds that it took, or raise."""
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > seconds:
            raise AssertionError(f"still not so after {seconds:.0f} s")
        time.sleep(1)
    return time.monotonic() - started


def make_site(
    name: str,
    k3s: K3s,
    *,
    servers: tuple[str, ...] = ("node-1",),
    agents: tuple[str, ...] = ("node-2",),
    values: dict[str, Any] | None = None,
    images_are_there: bool = True,
) -> Site:
    """Make machines and an inventory for them, with more `values` for all; nothing is installed yet.

    Without `images_are_there` the machines have no image archive, and the roles have to bring them.
    """
    lab = labs.create(name, [*servers, *agents], images=k3s.images if images_are_there else None)
    inventory = WORK / name
    shutil.rmtree(inventory, ignore_errors=True)
    _write_inventory(inventory, lab, {**_lab_values(lab, k3s), **(values or {})}, servers, agents)
    return Site(lab, k3s, inventory)


def _write_inventory(
    folder: Path, lab: Lab, values: dict[str, Any], servers: tuple[str, ...], agents: tuple[str, ...]
) -> None:
    """The shipped homelab with its machines replaced: the same groups, labels, taints and shared values."""
    shutil.copytree(_HOMELAB, folder, ignore=shutil.ignore_patterns("secrets", "host_vars"))
    hosts = yaml.safe_load((folder / "hosts.yml").read_text(encoding="utf-8"))
    hosts["all"]["children"]["k3s_cluster"]["vars"] = {
        "ansible_connection": "containers.podman.podman",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    groups = hosts["all"]["children"]["k3s_cluster"]["children"]
    groups["k3s_server"]["hosts"] = dict.fromkeys(servers)
    groups["k3s_agent"]["hosts"] = dict.fromkeys(agents)
    _write(folder / "hosts.yml", hosts)
    for node in lab.nodes:
        described = _HOMELAB / "host_vars" / f"{node.name if node.name in agents else 'node-1'}.yml"
        given = yaml.safe_load(described.read_text(encoding="utf-8"))
        kept = {key: value for key, value in given.items() if not key.startswith("data_disk")}
        _write(
            folder / "host_vars" / f"{node.name}.yml",
            {**kept, "ansible_host": node.container, "k3s_node_ip": node.address},
        )
    _write(folder / "group_vars" / "all" / "zz_lab.yml", values)


def _lab_values(lab: Lab, k3s: K3s) -> dict[str, Any]:
    values: dict[str, Any] = {
        "log_intelligence_site": lab.name,
        "log_intelligence_root": str(ROOT),
        "preflight_offline": True,
        "preflight_offline_files": [str(k3s.binary)],
        "k3s_version": k3s.version,
        "k3s_binary_source": str(k3s.binary),
        "k3s_sha256": hashlib.sha256(k3s.binary.read_bytes()).hexdigest(),
    }
    if not Host.read().unified_cgroups:  # kubelet 1.35 and later refuse such a host unless told to go on
        values["k3s_kubelet_args"] = ["fail-cgroupv1=false"]
    return values


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _condition(thing: dict[str, Any], kind: str) -> bool:
    return any(one["type"] == kind and one["status"] == "True" for one in thing["status"].get("conditions", []))
