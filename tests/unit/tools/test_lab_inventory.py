from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.lab.laboratory import Laboratory
from tools.lab.settings import read_lab

ROOT = Path(__file__).resolve().parents[3]
ASKED = (
    "ansible_host ansible_port ansible_user ansible_ssh_private_key_file ansible_ssh_common_args k3s_node_ip"
    " node_labels node_taints data_disk_by_id data_disk_serial data_disk_bytes"
).split()


@pytest.fixture(scope="module")
def variables() -> dict[str, dict[str, Any]]:
    """What Ansible makes of the shipped inventory: host: variable: value."""
    shown = "{{ " + "[" + ", ".join(f"{name} | default(none)" for name in ASKED) + "] | to_json }}"
    command = [
        str(Path(sys.executable).with_name("ansible")),
        "-i",
        "inventory/lab",
        "k3s_cluster",
        "-o",
        "-m",
        "debug",
    ]
    result = subprocess.run([*command, "-a", f"msg={shown}"], cwd=ROOT, check=True, capture_output=True, text=True)
    found = {}
    for line in result.stdout.splitlines():
        host, _, answer = line.partition(" | SUCCESS => ")
        message = json.loads(answer)["msg"]
        found[host] = dict(zip(ASKED, json.loads(message) if isinstance(message, str) else message, strict=True))
    return found


def test_ansible_reaches_the_machines_where_the_lab_puts_them(variables: dict[str, dict[str, Any]]) -> None:
    laboratory = Laboratory(read_lab(ROOT / "inventory/lab/group_vars/all/lab.yml"), ROOT / "build/lab")

    assert sorted(variables) == ["node-1", "node-2"]
    for machine in laboratory.machines():
        seen = variables[machine.settings.name]
        assert (seen["ansible_host"], seen["ansible_port"]) == ("127.0.0.1", machine.ssh_port)
        assert Path(seen["ansible_ssh_private_key_file"]) == laboratory.person
        assert f'UserKnownHostsFile="{machine.place.known_hosts}"' in seen["ansible_ssh_common_args"]
        assert machine.settings.network
        assert seen["k3s_node_ip"] == str(machine.settings.network.address.ip)


def test_the_disk_that_ansible_claims_is_the_one_that_the_lab_attaches(variables: dict[str, dict[str, Any]]) -> None:
    disk = read_lab(ROOT / "inventory/lab/group_vars/all/lab.yml").machines[1].disks[0]

    node = variables["node-2"]
    assert (node["data_disk_by_id"], node["data_disk_serial"]) == (disk.by_id, disk.serial)
    assert int(node["data_disk_bytes"]) == disk.size
    assert variables["node-1"]["data_disk_serial"] is None


def test_the_lab_sets_what_the_homelab_sets() -> None:
    homelab, lab = (
        yaml.safe_load((ROOT / f"inventory/{name}/group_vars/all/main.yml").read_text(encoding="utf-8"))
        for name in ("homelab", "lab")
    )

    assert set(lab) == set(homelab)
    assert set(lab["log_intelligence_storage_quotas"]) == set(homelab["log_intelligence_storage_quotas"])


def test_only_the_heavy_machine_has_a_taint(variables: dict[str, dict[str, Any]]) -> None:
    assert variables["node-1"]["node_taints"] == []
    assert variables["node-2"]["node_taints"] == [{"key": "heavy", "value": "true", "effect": "NoSchedule"}]
    assert [variables[name]["node_labels"]["hardware"] for name in ("node-1", "node-2")] == ["light", "heavy"]
