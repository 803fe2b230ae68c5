"""What the role k3s would write, rendered by Ansible and read by those who will read it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles" / "k3s"
RENDER = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.include_vars: {file: ROLE/vars/main.yml}
    - ansible.builtin.copy:
        content: "{{ lookup('ansible.builtin.template', 'ROLE/templates/k3s.service.j2') }}"
        dest: "OUT/{{ inventory_hostname }}.service"
        mode: "0644"
    - ansible.builtin.copy:
        content: "{{ lookup('ansible.builtin.template', 'ROLE/templates/environment.j2') }}"
        dest: "OUT/{{ inventory_hostname }}.env"
        mode: "0600"
      when: k3s_environment | length > 0
    - ansible.builtin.copy:
        content: "{{ {'settings': _k3s_settings, 'registration': _k3s_registration_settings, 'kubelet':
        _k3s_kubelet_settings,
          'urls': _k3s_urls, 'sums': _k3s_sums_url} | to_json }}"
        dest: "OUT/{{ inventory_hostname }}.json"
        mode: "0644"
      vars: {_k3s_found: {architecture: "{{ architecture | default('x86_64') }}"}}
"""


def render(folder: Path, hosts: dict[str, dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """`hosts` by group; what each of them would get, by its name."""
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    groups = {
        group: {"hosts": {name: {**local, **given} for name, given in members.items()}}
        for group, members in hosts.items()
    }
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"vars": defaults, "children": groups}}))
    (folder / "play.yml").write_text(RENDER.replace("ROLE", str(ROLE)).replace("OUT", str(folder)))
    subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-i", folder / "hosts.yml", folder / "play.yml"],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_HOME": str(folder / "home")},
        check=True,
        capture_output=True,
    )
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}


@pytest.fixture(scope="module")
def two_nodes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("k3s")
    server = {"k3s_node_ip": "10.0.0.102", "k3s_tls_san": ["homelab.lan"], "k3s_config": {"flannel-iface": "eno1"}}
    agent = {
        "k3s_node_ip": "10.0.0.103",
        "architecture": "aarch64",
        "k3s_node_taints": [
            {"key": "heavy", "value": "true", "effect": "NoSchedule"},
            {"key": "gpu", "effect": "NoExecute"},
        ],
        "k3s_environment": {"HTTPS_PROXY": "http://me:p4$$%w\"o'rd@proxy:3128"},
        "k3s_cpu_manager_policy": "static",
        "k3s_system_reserved": {"cpu": "500m"},
        "k3s_kubelet_config": {"evictionHard": {"memory.available": "1Gi"}},
    }
    return folder, render(folder, {"k3s_server": {"node-1": server}, "k3s_agent": {"node-2": agent}})


def test_a_server_gets_what_a_server_needs(two_nodes: tuple[Path, dict[str, dict[str, Any]]]) -> None:
    assert two_nodes[1]["node-1"]["settings"] == {
        "token-file": "/etc/rancher/k3s/token",
        "agent-token-file": "/etc/rancher/k3s/agent-token",
        "data-dir": "/var/lib/rancher/k3s",
        "node-name": "node-1",
        "node-ip": "10.0.0.102",
        "write-kubeconfig-mode": "0600",
        "tls-san": ["10.0.0.102", "homelab.lan"],
        "disable": ["traefik"],
        "secrets-encryption": True,
        "flannel-iface": "eno1",
    }
    assert two_nodes[1]["node-1"]["registration"] == {}


def test_an_agent_gets_what_an_agent_needs(two_nodes: tuple[Path, dict[str, dict[str, Any]]]) -> None:
    assert two_nodes[1]["node-2"]["settings"] == {
        "token-file": "/etc/rancher/k3s/token",
        "data-dir": "/var/lib/rancher/k3s",
        "node-name": "node-2",
        "node-ip": "10.0.0.103",
        "server": "https://10.0.0.102:6443",
    }
    assert two_nodes[1]["node-2"]["registration"] == {"node-taint": ["heavy=true:NoSchedule", "gpu=:NoExecute"]}


def test_the_kubelet_keeps_the_other_signals_when_one_is_set(two_nodes: tuple[Path, dict[str, dict[str, Any]]]) -> None:
    kubelet = two_nodes[1]["node-2"]["kubelet"]

    assert kubelet["evictionHard"]["memory.available"] == "1Gi"
    assert len(kubelet["evictionHard"]) == 4
    assert (kubelet["cpuManagerPolicy"], kubelet["systemReserved"]) == ("static", {"cpu": "500m"})
    assert (kubelet["containerLogMaxSize"], kubelet["containerLogMaxFiles"]) == ("10Mi", 5)


def test_each_architecture_has_its_own_program(two_nodes: tuple[Path, dict[str, dict[str, Any]]]) -> None:
    base = "https://github.com/k3s-io/k3s/releases/download/v1.36.4%2Bk3s1"

    assert two_nodes[1]["node-1"]["urls"] == [f"{base}/k3s"]
    assert two_nodes[1]["node-1"]["sums"] == f"{base}/sha256sum-amd64.txt"
    assert two_nodes[1]["node-2"]["urls"] == [f"{base}/k3s-arm64"]
    assert two_nodes[1]["node-2"]["sums"] == f"{base}/sha256sum-arm64.txt"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze: apt-get install systemd")
@pytest.mark.parametrize("host", ["node-1", "node-2"])
def test_systemd_reads_the_unit(two_nodes: tuple[Path, dict[str, dict[str, Any]]], host: str) -> None:
    unit = two_nodes[0] / f"{host}.service"

    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)

    objections = [line for line in done.stderr.splitlines() if str(unit) in line and "is not executable" not in line]
    assert objections == []


def test_a_proxys_password_survives_the_environment_file(two_nodes: tuple[Path, dict[str, dict[str, Any]]]) -> None:
    line = (two_nodes[0] / "node-2.env").read_text().strip()

    value = re.sub(r"\\(.)", r"\1", line.partition("=")[2][1:-1])
    assert value == "http://me:p4$$%w\"o'rd@proxy:3128"


def test_of_three_servers_the_first_makes_the_cluster_and_the_others_join_it(tmp_path: Path) -> None:
    servers = {f"node-{number}": {"k3s_node_ip": f"10.0.0.{number}"} for number in (1, 2, 3)}

    found = render(tmp_path, {"k3s_server": servers})

    assert found["node-1"]["settings"]["cluster-init"] is True
    assert found["node-1"]["registration"] == {}
    for name in ("node-2", "node-3"):
        assert "cluster-init" not in found[name]["settings"]
        assert found[name]["registration"] == {"server": "https://10.0.0.1:6443"}
