from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import preflight_findings, preflight_rules
from ansible_collections.homelab.log_intelligence.plugins.module_utils.preflight_findings import Finding

from tests import healthy_nodes


def judged(answers: dict[str, dict[str, Any]], **given: Any) -> list[Finding]:
    found = preflight_rules.after_contact(healthy_nodes.wanted(Path("/nowhere"), **given), answers)
    return preflight_findings.ordered(found)


def altered(host: str, path: str, value: Any) -> dict[str, dict[str, Any]]:
    """Healthy answers, with the one fact at `path` of `host` replaced."""
    answers = healthy_nodes.answers()
    *steps, last = path.split(".")
    place = answers[host]["facts"]
    for step in steps:
        place = place[step]
    place[last] = value
    return answers


def told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(finding.severity, finding.host, finding.what) for finding in findings]


def test_two_healthy_hosts_have_nothing_to_mend() -> None:
    assert judged(healthy_nodes.answers()) == []


LISTENING = {"protocol": "tcp", "program": "nginx", "path": "/usr/sbin/nginx"}


@pytest.mark.parametrize(
    ("host", "path", "value", "severity", "what"),
    [
        ("node-1", "system.uid", 1000, "error", "no root"),
        ("node-1", "system.version", "11", "error", "Debian GNU/Linux 12 (bookworm) is too old"),
        ("node-1", "system.id", "slackware", "error", "Debian GNU/Linux 12 (bookworm) is not supported"),
        ("node-1", "system.machine", "armv7l", "error", "architecture armv7l"),
        ("node-1", "system.pointer_bits", 32, "error", "32-bit programs on a 64-bit kernel"),
        ("node-1", "system.systemd", False, "error", "no systemd"),
        ("node-1", "system.hostname", "localhost", "error", "host name localhost"),
        ("node-1", "system.cpus", 1, "warning", "one processor"),
        ("node-2", "memory.total_bytes", 1 << 30, "error", "1.0 GiB of memory"),
        ("node-2", "memory.swap", [{"path": "/swapfile", "bytes": 1}], "note", "swap on /swapfile"),
        ("node-1", "control_groups.version", 1, "error", "control groups v1"),
        ("node-1", "control_groups.controllers", ["cpu", "cpuset", "pids"], "error", "control groups without memory"),
        ("node-1", "modules.vxlan", "missing", "error", "the kernel module vxlan is not there"),
        ("node-1", "modules.vxlan", "not permitted", "error", "the kernel module vxlan may not be loaded from here"),
        ("node-1", "k3s_version", "v1.37.0+k3s1", "error", "K3s v1.37.0+k3s1 is installed, v1.36.4+k3s1 is wanted"),
        ("node-1", "k3s_version", "v1.34.1+k3s1", "error", "K3s v1.34.1+k3s1 is installed, v1.36.4+k3s1 is wanted"),
        ("node-1", "k3s_version", "unreadable", "warning", "a K3s that does not tell its version"),
        ("node-1", "listeners", [{**LISTENING, "port": 6443}], "error", "port 6443/tcp is taken by nginx"),
        ("node-1", "listeners", [{**LISTENING, "port": 443}], "error", "port 443/tcp is taken by nginx"),
        ("node-2", "listeners", [{**LISTENING, "port": 10250}], "error", "port 10250/tcp is taken by nginx"),
        ("node-1", "default_routes", [], "error", "no default route"),
        ("node-1", "name_servers", [], "error", "no name server"),
        ("node-1", "name_servers", list("1234"), "warning", "4 name servers"),
        ("node-1", "resolved", {"github.com": "no such name"}, "error", "github.com is not resolved"),
        ("node-1", "reached", {"https://x/": "timed out"}, "error", "https://x/ is not reached"),
        ("node-1", "protection.firewalls", ["ufw"], "note", "ufw runs"),
        ("node-1", "protection.selinux", "enforcing", "warning", "SELinux is enforcing"),
        ("node-1", "protection.disturbing", ["nm-cloud-setup.timer"], "warning", "nm-cloud-setup.timer is on"),
        ("node-2", "disk.serial", "OTHER", "error", "the data disk has another serial"),
        ("node-2", "disk.bytes", 506000000000, "error", "the data disk has another size"),
        ("node-2", "disk.model", "WD Blue", "error", "the data disk is another model"),
        ("node-2", "disk.mounted_at", ["/srv"], "error", "the data disk is in use"),
    ],
)
def test_one_wrong_fact_gives_exactly_one_finding_with_its_mend(
    host: str, path: str, value: Any, severity: str, what: str
) -> None:
    found = judged(altered(host, path, value))

    assert told(found) == [(severity, host, what)]
    assert found[0].why
    assert found[0].mend or severity == "note"


@pytest.mark.parametrize(
    ("host", "path", "value"),
    [
        ("node-2", "listeners", [{**LISTENING, "port": 443}]),  # ServiceLB keeps off a tainted node
        ("node-2", "listeners", [{**LISTENING, "port": 6443}]),  # an agent serves no API
        ("node-2", "listeners", [{**LISTENING, "port": 6443, "protocol": "udp"}]),
        ("node-2", "disk.bytes", 511000000000),  # within one per cent
        ("node-2", "disk.mounted_at", ["/mnt/k8s-storage"]),  # ours already
        ("node-1", "k3s_version", "v1.35.2+k3s1"),  # one minor version back
        ("node-1", "space", [{"path": "/var", "bytes": 1, "free_bytes": 9 << 30, "device": 1}]),
    ],
)
def test_what_will_do_is_not_mentioned(host: str, path: str, value: Any) -> None:
    assert judged(altered(host, path, value)) == []


def test_a_relative_of_a_supported_system_is_only_warned_of() -> None:
    answers = altered("node-1", "system.id", "linuxmint")
    answers["node-1"]["facts"]["system"]["id_like"] = ["ubuntu", "debian"]

    assert [finding.severity for finding in judged(answers)] == ["warning"]


@pytest.mark.parametrize(("container", "mend"), [("lxc", "on the machine below"), ("", "module package")])
def test_a_module_that_is_missing_is_mended_where_the_kernel_is(container: str, mend: str) -> None:
    answers = altered("node-1", "modules.vxlan", "missing")
    answers["node-1"]["facts"]["system"]["container"] = container

    assert mend in judged(answers)[0].mend


def test_ports_that_k3s_itself_holds_are_fine() -> None:
    answers = altered("node-1", "k3s_version", "v1.36.4+k3s1")
    answers["node-1"]["facts"]["listeners"] = [
        {"protocol": "tcp", "port": 6443, "program": "k3s-server", "path": "/var/lib/rancher/k3s/data/x/bin/k3s"},
        {"protocol": "tcp", "port": 10010, "program": "containerd", "path": "/var/lib/rancher/k3s/data/x/bin/k3s"},
        {"protocol": "udp", "port": 8472, "program": "", "path": ""},
    ]

    assert judged(answers) == []


def test_a_foreign_containerd_is_not_taken_for_k3s_where_none_is_installed() -> None:
    holder = {"protocol": "tcp", "port": 10010, "program": "containerd", "path": "/usr/bin/containerd"}

    assert [finding.what for finding in judged(altered("node-1", "listeners", [holder]))] == [
        "port 10010/tcp is taken by containerd"
    ]


@pytest.mark.parametrize(
    ("version", "kubelet_args", "severity"),
    [
        ("v1.34.9+k3s1", [], "warning"),
        ("v1.35.0+k3s1", [], "error"),
        ("v1.36.4+k3s1", ["fail-cgroupv1=false"], "warning"),
    ],
)
def test_control_groups_v1_are_judged_by_the_version_and_the_kubelets_arguments(
    version: str, kubelet_args: list[str], severity: str
) -> None:
    hosts = [healthy_nodes.host("node-1", "server", k3s_version=version, kubelet_args=kubelet_args)]
    answers = {"node-1": altered("node-1", "control_groups.version", 1)["node-1"]}

    assert [finding.severity for finding in judged(answers, hosts=hosts)] == [severity]


def test_control_groups_v1_may_be_accepted_in_the_kubelets_own_settings() -> None:
    hosts = [healthy_nodes.host("node-1", "server", kubelet_config={"failCgroupV1": False})]
    answers = {"node-1": altered("node-1", "control_groups.version", 1)["node-1"]}

    assert [finding.severity for finding in judged(answers, hosts=hosts)] == ["warning"]


def test_space_is_told_once_for_one_file_system_and_is_an_error_before_k3s_is_there() -> None:
    full = [{"path": path, "bytes": 9 << 30, "free_bytes": 1 << 20, "device": 7} for path in ("/", "/var")]

    assert told(judged(altered("node-1", "space", full))) == [("error", "node-1", "0.0 GiB free at /var")]
    answers = altered("node-1", "space", full)
    answers["node-1"]["facts"]["k3s_version"] = "v1.36.4+k3s1"
    assert told(judged(answers)) == [("warning", "node-1", "0.0 GiB free at /var")]


def test_two_cards_need_a_node_ip_and_it_must_be_one_of_the_hosts_addresses() -> None:
    cards = [
        {"interface": "eno1", "address": "10.0.0.102", "card": True},
        {"interface": "eno2", "address": "192.168.7.2", "card": True},
        {"interface": "flannel.1", "address": "10.42.0.0", "card": False},
    ]
    answers = altered("node-1", "interfaces", cards)
    hosts = healthy_nodes.two_hosts()

    assert [finding.what for finding in judged(answers)] == ["2 network cards and no k3s_node_ip"]
    hosts[0]["node_ip"] = "10.0.0.102"
    assert judged(answers, hosts=hosts) == []
    hosts[0]["node_ip"] = "10.9.9.9"
    assert [finding.what for finding in judged(answers, hosts=hosts)] == [
        "k3s_node_ip 10.9.9.9 is not an address of this host"
    ]


def test_the_one_clock_that_is_off_is_named_and_not_the_others() -> None:
    late = judged(altered("node-2", "clock.ahead_seconds", -600.0))

    assert told(late) == [("error", "node-2", "clock 600 s behind the others and this machine")]
    assert judged(altered("node-2", "clock.ahead_seconds", 12.0)) == []


def test_a_controller_whose_clock_is_off_shows_on_every_host() -> None:
    answers = altered("node-1", "clock.ahead_seconds", 601.0)
    answers["node-2"]["facts"]["clock"]["ahead_seconds"] = 600.0

    assert [(finding.host, finding.what) for finding in judged(answers)] == [
        ("node-1", "clock 601 s ahead of this machine"),
        ("node-2", "clock 600 s ahead of this machine"),
    ]


def test_an_absent_disk_is_answered_with_those_that_there_are() -> None:
    found = judged(altered("node-2", "disk", {"present": False, "by_id": "x", "known": ["/dev/disk/by-id/nvme-A"]}))

    assert "/dev/disk/by-id/nvme-A" in found[0].why


def test_hosts_of_one_name_or_one_machine_id_are_named_together() -> None:
    names = judged(altered("node-2", "system.hostname", "node-1"))
    ids = judged(altered("node-2", "system.machine_id", "id of node-1"))

    assert told(names) == [("error", "inventory", "node-1 and node-2 have one host name, node-1")]
    assert [finding.severity for finding in ids] == ["warning"]


def test_an_agent_of_another_cluster_and_another_clusters_kubeconfig_are_known() -> None:
    answers = altered("node-1", "k3s_ca", {"server": "a", "agent": "a"})
    answers["node-2"]["facts"]["k3s_ca"] = {"server": "", "agent": "b"}

    assert [finding.what for finding in judged(answers)] == ["it has joined another cluster"]
    answers["node-2"]["facts"]["k3s_ca"]["agent"] = "a"
    assert judged(answers, kubeconfig_ca="a") == []
    assert [finding.what for finding in judged(answers, kubeconfig_ca="c")] == ["the kubeconfig is another cluster's"]


@pytest.mark.parametrize(
    ("answer", "what", "mend"),
    [
        ({"unreachable": True, "msg": "ssh: connect: Connection timed out"}, "nothing answers", "ssh 10.0.0.103"),
        ({"unreachable": True, "msg": "Permission denied (publickey)"}, "refuses the login", "ssh-copy-id"),
        ({"unreachable": True, "msg": "Host key verification failed."}, "host key", "ssh-keygen -R"),
        ({"unreachable": True, "msg": "ssh: Could not resolve hostname n"}, "not resolved", "ansible_host"),
        ({"failed": True, "msg": "Missing sudo password"}, "sudo asks for a password", "--ask-become-pass"),
        ({"failed": True, "msg": "x", "module_stderr": "me is not in the sudoers file"}, "become root", "sudo"),
        ({"failed": True, "msg": "/usr/bin/python3: not found", "rc": 127}, "no Python", "install -y python3"),
        ({"failed": True, "msg": "SyntaxError: invalid syntax"}, "too old", "3.9 or newer"),
        ({"failed": True, "msg": "No space left on device"}, "no space", "/tmp"),
        ({"failed": True, "msg": "something else"}, "cannot be looked at", "-vvv"),
    ],
)
def test_a_host_that_cannot_be_looked_at_is_one_finding_beside_those_of_the_others(
    answer: dict[str, Any], what: str, mend: str
) -> None:
    answers = {**altered("node-1", "system.cpus", 1), "node-2": answer}

    found = judged(answers)

    assert [(finding.severity, finding.host) for finding in found] == [("error", "node-2"), ("warning", "node-1")]
    assert what in found[0].what
    assert mend in found[0].mend


@pytest.mark.parametrize(
    ("said", "mend"),
    [("Connection refused", "`ssh -p 2222 lab@127.0.0.1`"), ("Host key verification failed", "-R [127.0.0.1]:2222`")],
)
def test_the_way_to_a_host_behind_a_port_of_its_own_can_be_pasted(said: str, mend: str) -> None:
    hosts = healthy_nodes.two_hosts()
    hosts[1].update(address="127.0.0.1", port=2222, user="lab")
    answers = {**healthy_nodes.answers(), "node-2": {"unreachable": True, "msg": said}}

    assert mend in judged(answers, hosts=hosts)[0].mend


def test_a_host_outside_the_run_is_only_noted() -> None:
    answers = {"node-1": healthy_nodes.answers()["node-1"]}

    assert told(judged(answers)) == [("note", "node-2", "not looked at")]


def test_an_offline_site_needs_no_name_server() -> None:
    found = judged(altered("node-1", "name_servers", []), offline=True)

    assert [finding.severity for finding in found] == ["warning"]
