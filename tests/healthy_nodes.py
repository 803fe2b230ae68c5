"""Two nodes as the inventory describes them and as `node_facts` tells of them, with nothing to mend."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

DISK = {
    "by_id": "/dev/disk/by-id/nvme-Samsung_SSD_980_S64DNX0R",
    "serial": "S64DNX0R",
    "bytes": 512110190592,
    "model": "Samsung SSD 980",
}


def host(name: str, role: str, **given: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": name,
        "role": role,
        "address": "10.0.0.102" if name == "node-1" else "10.0.0.103",
        "user": "",
        "node_ip": "",
        "node_name": "",
        "labels": {},
        "taints": [],
        "kubelet_args": [],
        "kubelet_config": {},
        "files": [],
        "k3s_version": "v1.36.4+k3s1",
        "disk": {},
    }
    return {**values, **given}


def two_hosts() -> list[dict[str, Any]]:
    heavy = {"key": "heavy", "value": "true", "effect": "NoSchedule"}
    return [host("node-1", "server"), host("node-2", "agent", taints=[heavy], disk=dict(DISK))]


def wanted(directory: Path, **given: Any) -> dict[str, Any]:
    """The options of the module preflight_report."""
    values = {
        "inventory_dir": str(directory),
        "hosts": two_hosts(),
        "controller_hosts": ["cluster"],
        "cluster_networks": ["10.42.0.0/16", "10.43.0.0/16"],
        "gateway_ports": [80, 443],
        "systems": {"debian": "12", "ubuntu": "22.04"},
        "architectures": ["x86_64", "aarch64"],
        "memory_bytes": 1610612736,
        "space": [{"path": "/", "free_bytes": 1 << 30}, {"path": "/var", "free_bytes": 8 << 30}],
        "clock_skew_seconds": 30,
        "offline": False,
        "offline_files": [],
        "storage_dir": "/mnt/k8s-storage",
        "secrets_dir": "",
        "secrets": [],
        "kubeconfig": "",
        "kubeconfig_ca": "",
    }
    return {**values, **given}


_FACTS: dict[str, Any] = {
    "system": {
        "hostname": "node",
        "machine_id": "id",
        "id": "debian",
        "id_like": [],
        "version": "12",
        "name": "Debian GNU/Linux 12 (bookworm)",
        "kernel": "6.1.0-30-amd64",
        "machine": "x86_64",
        "pointer_bits": 64,
        "python": "3.11.2",
        "uid": 0,
        "systemd": True,
        "container": "",
        "cpus": 12,
    },
    "memory": {"total_bytes": 32 << 30, "swap": []},
    "control_groups": {"version": 2, "controllers": ["cpu", "cpuset", "io", "memory", "pids"]},
    "modules": {"br_netfilter": "loaded", "overlay": "built in", "vxlan": "loadable"},
    "clock": {"ahead_seconds": 1.2, "synchronised": True, "services": ["systemd-timesyn"]},
    "protection": {"firewalls": [], "selinux": "off", "disturbing": []},
    "space": [
        {"path": "/", "bytes": 200 << 30, "free_bytes": 150 << 30, "device": 1},
        {"path": "/var", "bytes": 200 << 30, "free_bytes": 150 << 30, "device": 1},
    ],
    "disk": {},
    "interfaces": [{"interface": "eno1", "address": "10.0.0.102", "card": True}],
    "default_routes": ["eno1"],
    "listeners": [{"protocol": "tcp", "port": 22, "program": "sshd", "path": "/usr/sbin/sshd"}],
    "name_servers": ["10.0.0.1"],
    "resolved": {"github.com": ""},
    "reached": {"https://github.com/": ""},
    "k3s_version": "",
    "k3s_ca": {"server": "", "agent": ""},
    "journald_started_at": 1.0,
}


def facts(name: str) -> dict[str, Any]:
    made = copy.deepcopy(_FACTS)
    made["system"].update(hostname=name, machine_id=f"id of {name}")
    if name == "node-2":
        made["disk"] = {**DISK, "present": True, "name": "nvme1n1", "partitions": [], "mounted_at": []}
        made["interfaces"][0]["address"] = "10.0.0.103"
    return made


def answers() -> dict[str, dict[str, Any]]:
    return {name: {"facts": facts(name), "changed": False} for name in ("node-1", "node-2")}
