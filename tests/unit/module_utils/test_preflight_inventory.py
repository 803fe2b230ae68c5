from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import (
    preflight_controller,
    preflight_findings,
    preflight_rules,
)
from ansible_collections.homelab.log_intelligence.plugins.module_utils.preflight_findings import Finding

from tests import healthy_nodes

STRONG = "9f3c5e7a1b2d4c6e8f0a1b3c5d7e9f1a2b4c6d8e0f1a3b5c7d9e1f2a4b6c8d0e"
SHIPPED = Path(__file__).resolve().parents[3] / "inventory" / "homelab"


def judged(directory: Path, **given: Any) -> list[Finding]:
    found = preflight_rules.before_contact(healthy_nodes.wanted(directory, **given))
    return preflight_findings.ordered(found)


def what(findings: list[Finding]) -> list[str]:
    return [finding.what for finding in findings]


def test_a_filled_inventory_has_nothing_to_mend(tmp_path: Path) -> None:
    assert judged(tmp_path) == []


def test_each_value_still_to_fill_in_is_named_with_file_line_and_how_to_find_it(tmp_path: Path) -> None:
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "node-1.yml").write_text(
        "---\n# FILL_IN below\nk3s_node_ip: FILL_IN # see `ip address`\nother: not FILL_IN here\n"
    )
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text('site: "FILL_IN"\nlist:\n  - FILL_IN\n')

    found = judged(tmp_path)

    assert [(finding.host, finding.what, finding.why) for finding in found] == [
        ("inventory", "site is still to fill in", "In group_vars/all.yml line 1 it says FILL_IN."),
        ("inventory", "an entry is still to fill in", "In group_vars/all.yml line 3 it says FILL_IN."),
        ("node-1", "k3s_node_ip is still to fill in", "In host_vars/node-1.yml line 3 it says FILL_IN."),
    ]
    assert found[2].mend == "see `ip address`"


def test_a_value_given_on_the_command_line_counts_as_filled_in(tmp_path: Path) -> None:
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "node-2.yml").write_text("data_disk_serial: FILL_IN\n")

    assert judged(tmp_path) == []


def test_the_shipped_homelab_asks_for_the_disk_and_nothing_else() -> None:
    hosts = healthy_nodes.two_hosts()
    hosts[1]["disk"].update(by_id="FILL_IN", serial="FILL_IN")

    assert what(judged(SHIPPED, hosts=hosts)) == [
        "data_disk_by_id is still to fill in",
        "data_disk_serial is still to fill in",
    ]


@pytest.mark.parametrize(
    ("count", "problem"), [(0, ["no server"]), (1, []), (2, ["2 servers"]), (3, []), (4, ["4 servers"])]
)
def test_the_number_of_servers_is_odd(tmp_path: Path, count: int, problem: list[str]) -> None:
    hosts = [healthy_nodes.host(f"s{number}", "server", address=f"10.0.0.{number}") for number in range(count)]

    assert what(judged(tmp_path, hosts=hosts)) == problem


def test_a_host_is_a_server_or_an_agent(tmp_path: Path) -> None:
    hosts = [healthy_nodes.host("node-1", "server"), healthy_nodes.host("node-1", "agent")]

    assert what(judged(tmp_path, hosts=hosts)) == ["both server and agent"]


@pytest.mark.parametrize(
    ("alteration", "problem"),
    [
        ({"address": "10.0.0.102"}, "address 10.0.0.102 given to node-1 and node-2"),
        ({"address": "10.0.0.102", "port": 22}, "address 10.0.0.102 given to node-1 and node-2"),
        ({"node_name": "NODE-1"}, "node name node-1 given to node-1 and node-2"),
        ({"disk": dict(healthy_nodes.DISK)}, "data_disk_serial S64DNX0R given to node-1 and node-2"),
    ],
)
def test_what_two_hosts_share_is_named_with_both(tmp_path: Path, alteration: dict[str, Any], problem: str) -> None:
    hosts = healthy_nodes.two_hosts()
    hosts[0 if "disk" in alteration else 1].update(alteration)

    assert problem in what(judged(tmp_path, hosts=hosts))


@pytest.mark.parametrize(("ports", "problems"), [((2221, 2222), []), ((2221, 2221), ["address 127.0.0.1 port 2221"])])
def test_virtual_machines_are_reached_by_ports_of_one_address(
    tmp_path: Path, ports: tuple[int, int], problems: list[str]
) -> None:
    hosts = healthy_nodes.two_hosts()
    for host, port in zip(hosts, ports, strict=True):
        host.update(address="127.0.0.1", port=port)

    assert what(judged(tmp_path, hosts=hosts)) == [f"{problem} given to node-1 and node-2" for problem in problems]


@pytest.mark.parametrize(
    ("alteration", "problem"),
    [
        ({"address": "10.42.0.9"}, "ansible_host 10.42.0.9 lies in 10.42.0.0/16"),
        ({"node_ip": "10.43.1.1"}, "k3s_node_ip 10.43.1.1 lies in 10.43.0.0/16"),
        ({"node_ip": "node-1.lan"}, "k3s_node_ip node-1.lan is no IP address"),
        ({"node_name": "Node_1"}, "a name that Kubernetes does not take"),
        ({"labels": {"a b": "c"}}, "a label or taint that cannot be set"),
        ({"k3s_version": "latest"}, "latest is no K3s version"),
        ({"taints": [{"key": "k", "effect": "NoExecute"}]}, "a server with a NoExecute taint"),
        ({"disk": {**healthy_nodes.DISK, "by_id": "/dev/nvme1n1"}}, "data_disk_by_id is /dev/nvme1n1"),
        (
            {"disk": {**healthy_nodes.DISK, "by_id": "/dev/disk/by-id/nvme-A-part1"}},
            "data_disk_by_id is /dev/disk/by-id/nvme-A-part1",
        ),
        ({"disk": {**healthy_nodes.DISK, "serial": ""}}, "data_disk_serial is missing"),
        ({"disk": {**healthy_nodes.DISK, "by_id": ""}}, "data_disk_by_id is missing"),
        ({"disk": {"bytes": 5}}, "data_disk_by_id and data_disk_serial is missing"),
        ({"disk": {**healthy_nodes.DISK, "bytes": None}}, "data_disk_bytes is not given"),
    ],
)
def test_one_wrong_value_of_a_host_gives_one_finding(tmp_path: Path, alteration: dict[str, Any], problem: str) -> None:
    hosts = [healthy_nodes.host("node-1", "server", **alteration)]

    found = judged(tmp_path, hosts=hosts)

    assert what(found) == [problem]
    assert found[0].host == "node-1"


@pytest.mark.parametrize(("agent", "problems"), [("v1.37.0+k3s1", 1), ("v1.36.9+k3s1", 0), ("v1.35.0+k3s1", 0)])
def test_an_agent_is_not_newer_than_its_server(tmp_path: Path, agent: str, problems: int) -> None:
    hosts = healthy_nodes.two_hosts()
    hosts[1]["k3s_version"] = agent

    assert what(judged(tmp_path, hosts=hosts)) == [f"{agent} is newer than its server's"] * problems


def test_without_a_host_for_kubernetes_the_inventory_is_not_whole(tmp_path: Path) -> None:
    assert what(judged(tmp_path, controller_hosts=[])) == ["no host for Kubernetes tasks"]


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    directory = tmp_path / "secrets"
    directory.mkdir(mode=0o700)
    (directory / "k3s_token").write_text(STRONG)
    (directory / "k3s_token").chmod(0o600)
    return directory


def test_strong_private_secrets_pass_and_absent_ones_are_only_noted(tmp_path: Path, secrets: Path) -> None:
    found = judged(tmp_path, secrets_dir=str(secrets), secrets=["k3s_token", "k3s_agent_token"])

    assert [(finding.severity, finding.what) for finding in found] == [
        ("note", "secrets to be generated: k3s_agent_token")
    ]


@pytest.mark.parametrize("weak", ["changeme", "a" * 64, ""])
def test_a_weak_secret_is_refused_and_not_shown(tmp_path: Path, secrets: Path, weak: str) -> None:
    (secrets / "k3s_token").write_text(weak)

    found = judged(tmp_path, secrets_dir=str(secrets), secrets=["k3s_token"])

    assert [(finding.severity, finding.what) for finding in found] == [("error", "the secret k3s_token will not do")]
    assert not weak or weak not in preflight_findings.as_table(found, [])


def test_secrets_that_others_can_read_are_named_with_their_mode(tmp_path: Path, secrets: Path) -> None:
    (secrets / "k3s_token").chmod(0o640)
    secrets.chmod(0o755)

    found = judged(tmp_path, secrets_dir=str(secrets))

    assert [(finding.severity, finding.what) for finding in found] == [
        ("error", "k3s_token can be read by others (mode 0640)"),
        ("warning", "secrets can be read by others (mode 0755)"),
    ]


@pytest.mark.parametrize(("server", "problems"), [("10.0.0.102", []), ("10.9.9.9", ["kubeconfig leads to 10.9.9.9"])])
def test_a_kubeconfig_of_another_homelab_is_known_by_its_address(
    tmp_path: Path, server: str, problems: list[str]
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(f"clusters:\n- cluster:\n    server: https://{server}:6443\n  name: x\n")

    assert what(judged(tmp_path, kubeconfig=str(path))) == problems


def test_missing_and_empty_files_of_an_offline_set_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "k3s").write_bytes(b"x")
    (tmp_path / "images.tar").write_bytes(b"")
    paths = [str(tmp_path / name) for name in ("k3s", "images.tar", "absent")]

    found = judged(tmp_path, offline_files=paths)

    assert what(found) == ["2 of 3 files of the offline set are missing or empty"]
    assert paths[1] in found[0].why and paths[2] in found[0].why and paths[0] not in found[0].why


def test_an_offline_site_names_hosts_without_files_and_files_that_are_not_there(tmp_path: Path) -> None:
    hosts = healthy_nodes.two_hosts()
    hosts[0]["files"] = [str(tmp_path / "absent")]

    found = judged(tmp_path, hosts=hosts, offline=True)

    assert [(finding.host, finding.what) for finding in found] == [
        ("inventory", "1 of 1 files of the offline set are missing or empty"),
        ("node-2", "an offline site without files"),
    ]


def test_the_table_puts_errors_first_and_the_mend_below_each() -> None:
    note = Finding("note", "node-1", "a note", "It is so.")
    error = Finding("error", "node-2", "a problem", "It breaks.", "run `mend --now`")

    lines = preflight_findings.as_table(
        preflight_findings.ordered([note, error, note]), ["node-1", "node-2"]
    ).splitlines()

    assert lines[0].split() == ["ERROR", "node-2", "a", "problem"]
    assert lines[2].strip() == "to mend: run `mend --now`"
    assert lines[-1] == "1 error, 1 note. Looked at: node-1, node-2. Nothing was changed."


def test_a_certificate_that_is_no_base64_is_no_certificate(tmp_path: Path) -> None:

    path = tmp_path / "kubeconfig"
    path.write_text("certificate-authority-data: abc\n")
    assert preflight_controller.ca_of_kubeconfig(path) == ""
    path.write_text(f"certificate-authority-data: {base64.b64encode(b'PEM').decode()}\n")
    assert len(preflight_controller.ca_of_kubeconfig(path)) == 64
    assert preflight_controller.ca_of_kubeconfig(tmp_path / "none") == ""
