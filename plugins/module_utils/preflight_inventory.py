"""What can be wrong with an inventory before any host is contacted.

A host is a dictionary with name, role (``server`` or ``agent``), address, port, node_ip, node_name, labels, taints,
k3s_version and disk (by_id, serial, bytes, model).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import k3s_versions, placement
from .preflight_findings import ERROR, NOTE, WARNING, Finding

INVENTORY = "inventory"
_LINE = re.compile(r"""^\s*(?:-\s+)?(?:(?P<name>[\w-]+):\s*)?["']?FILL_IN["']?\s*(?:#\s*(?P<hint>.*))?$""")
_NODE_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
_BY_ID = re.compile(r"/dev/disk/by-id/[^/]+")
_DISK_VARIABLES = {"data_disk_by_id": "by_id", "data_disk_serial": "serial", "data_disk_model": "model"}


def findings(wanted: dict[str, Any]) -> list[Finding]:
    """Everything that is wrong with the inventory. `wanted` has the options of the module preflight_report."""
    hosts = wanted["hosts"]
    return [
        *placeholders(Path(wanted["inventory_dir"]), hosts),
        *servers(hosts, wanted["controller_hosts"]),
        *doubles(hosts),
        *versions(hosts),
        *(finding for host in hosts for finding in of_host(host, wanted["cluster_networks"])),
    ]


def placeholders(directory: Path, hosts: list[dict[str, Any]]) -> Iterator[Finding]:
    """Each value that is still FILL_IN, with its file and line, and the comment behind it as the mend."""
    given = {host["name"]: host["disk"] for host in hosts}
    for path in sorted([*directory.rglob("*.yml"), *directory.rglob("*.yaml")]):
        for number, line in enumerate(_text(path).splitlines(), start=1):
            found = _LINE.match(line)
            if not found:
                continue
            name = found["name"] or "an entry"
            value = given.get(path.stem, {}).get(_DISK_VARIABLES.get(name, ""))
            if path.parent.name == "host_vars" and value and value != "FILL_IN":
                continue  # given elsewhere, as on the command line
            where = f"{path.relative_to(directory)} line {number}"
            host = path.stem if path.parent.name == "host_vars" else INVENTORY
            hint = found["hint"] or "write the value there"
            yield Finding(ERROR, host, f"{name} is still to fill in", f"In {where} it says FILL_IN.", hint)


def servers(hosts: list[dict[str, Any]], controller_hosts: list[str]) -> Iterator[Finding]:
    """How many servers there are, and whether each host has one role."""
    names = [host["name"] for host in hosts if host["role"] == "server"]
    if not names:
        yield Finding(
            ERROR,
            INVENTORY,
            "no server",
            "The group k3s_server is empty, and a cluster starts with its server.",
            "put one host, or three, into the group k3s_server of hosts.yml",
        )
    elif len(names) % 2 == 0:
        yield Finding(
            ERROR,
            INVENTORY,
            f"{len(names)} servers",
            f"With an even number ({', '.join(names)}) etcd bears no more failures than with one server less, and with "
            "two the loss of either stops the cluster.",
            "put one, three or five hosts into k3s_server, the others into k3s_agent",
        )
    for name in sorted(set(names) & {host["name"] for host in hosts if host["role"] == "agent"}):
        yield Finding(
            ERROR,
            name,
            "both server and agent",
            "One host runs one of the two; a server also runs pods.",
            "take it out of the group k3s_agent",
        )
    if not controller_hosts:
        yield Finding(
            ERROR,
            INVENTORY,
            "no host for Kubernetes tasks",
            "What talks to the cluster runs on the host `cluster` of the group `kubernetes`, on this machine.",
            "copy the group `kubernetes` from inventory/homelab/hosts.yml",
        )


def doubles(hosts: list[dict[str, Any]]) -> Iterator[Finding]:
    """Values that two hosts share and must not."""
    once = list({host["name"]: host for host in hosts}.values())
    subjects: dict[str, Callable[[dict[str, Any]], Any]] = {
        "node name": lambda host: (host["node_name"] or host["name"]).lower(),
        "address": _way_in,
        "k3s_node_ip": lambda host: host["node_ip"],
        "data_disk_serial": lambda host: host["disk"].get("serial"),
        "data_disk_by_id": lambda host: host["disk"].get("by_id"),
    }
    reasons = {
        "node name": "The second node that joins under a name takes the first one's place, or is refused.",
        "data_disk_serial": "A disk is in one machine; the other host would claim what it does not have.",
        "data_disk_by_id": "A disk is in one machine; the other host would claim what it does not have.",
    }
    for subject, value_of in subjects.items():
        holders: dict[str, list[str]] = {}
        for host in once:
            value = value_of(host)
            if value and value != "FILL_IN":
                holders.setdefault(str(value), []).append(host["name"])
        for value, names in holders.items():
            if len(names) > 1:
                why = reasons.get(subject, "Two hosts cannot be reached at one address.")
                what = f"{subject} {value} given to {' and '.join(names)}"
                yield Finding(ERROR, INVENTORY, what, why, f"give each of them its own {subject}")


def _way_in(host: dict[str, Any]) -> str:
    """The address, with a port that is not SSH's own, since virtual machines may be reached by ports of one address."""
    port = host.get("port")
    return f"{host['address']} port {port}" if port not in (None, 22) else str(host["address"])


def versions(hosts: list[dict[str, Any]]) -> Iterator[Finding]:
    """Agents that are to run a newer Kubernetes than the oldest server."""
    known = [host for host in hosts if _is_version(host["k3s_version"])]
    servers_versions = [host["k3s_version"] for host in known if host["role"] == "server"]
    oldest = min(servers_versions, key=k3s_versions.parse, default=None)
    for host in known:
        objection = k3s_versions.agent_objection(host["k3s_version"], oldest) if host["role"] == "agent" else None
        if objection:
            what = f"{host['k3s_version']} is newer than its server's"
            yield Finding(
                ERROR, host["name"], what, f"{objection}.", "set k3s_version once, in group_vars/all/main.yml"
            )


def of_host(host: dict[str, Any], cluster_networks: list[str]) -> Iterator[Finding]:
    """What is wrong with the values of one host."""
    name = host["name"]
    if not _NODE_NAME.fullmatch(host["node_name"] or name):
        yield Finding(
            ERROR,
            name,
            "a name that Kubernetes does not take",
            "Node names are lower-case letters, digits, '-' and '.'.",
            "rename the host in hosts.yml, or set k3s_node_name",
        )
    yield from _addresses(host, cluster_networks)
    yield from _disk(name, host["disk"])
    try:
        placement.wanted_of(host["labels"], host["taints"])
    except placement.PlacementError as problem:
        yield Finding(ERROR, name, "a label or taint that cannot be set", f"{problem}.", "correct it in host_vars")
    if host["role"] == "server" and any(taint.get("effect") == "NoExecute" for taint in host["taints"]):
        yield Finding(
            WARNING,
            name,
            "a server with a NoExecute taint",
            "Pods of the cluster itself that do not tolerate it, as DNS, cannot run there.",
            "use NoSchedule, or give the server no taint",
        )
    if host["k3s_version"] and not _is_version(host["k3s_version"]):
        yield Finding(
            ERROR,
            name,
            f"{host['k3s_version']} is no K3s version",
            "It is written like v1.36.4+k3s1.",
            "set k3s_version in group_vars/all/main.yml",
        )


def _addresses(host: dict[str, Any], cluster_networks: list[str]) -> Iterator[Finding]:
    name = host["name"]
    for variable, value in (("ansible_host", host["address"]), ("k3s_node_ip", host["node_ip"])):
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            if variable == "k3s_node_ip" and value:
                yield Finding(
                    ERROR,
                    name,
                    f"k3s_node_ip {value} is no IP address",
                    "The node announces it to the other nodes.",
                    "write the address of the card that the nodes share",
                )
            continue
        inside = [network for network in cluster_networks if address in ipaddress.ip_network(network)]
        if inside:
            yield Finding(
                ERROR,
                name,
                f"{variable} {value} lies in {inside[0]}",
                "The cluster gives the addresses of that range to pods or services.",
                "choose another range with k3s_config (cluster-cidr, service-cidr), or another address",
            )


def _disk(name: str, disk: dict[str, Any]) -> Iterator[Finding]:
    by_id, serial = disk.get("by_id") or "", disk.get("serial") or ""
    if "FILL_IN" in (by_id, serial) or not (by_id or serial):
        if not by_id and not serial and any(disk.values()):
            yield _half(name, "data_disk_by_id and data_disk_serial")
        return
    if not by_id or not serial:
        yield _half(name, "data_disk_serial" if by_id else "data_disk_by_id")
    elif not _BY_ID.fullmatch(by_id) or re.search(r"-part\d+$", by_id):
        yield Finding(
            ERROR,
            name,
            f"data_disk_by_id is {by_id}",
            "Names like /dev/nvme1n1 change between boots, and a partition is not the disk; only a link of "
            "/dev/disk/by-id names one disk for ever.",
            f"on {name} run `ls -l /dev/disk/by-id` and write the link of the whole disk",
        )
    elif not disk.get("bytes"):
        yield Finding(
            NOTE, name, "data_disk_bytes is not given", "The size then does not help to tell the disk from another."
        )


def _is_version(text: str) -> bool:
    try:
        k3s_versions.parse(text)
    except k3s_versions.VersionError:
        return False
    return True


def _half(name: str, missing: str) -> Finding:
    return Finding(
        ERROR,
        name,
        f"{missing} is missing",
        "A disk is only touched when both its link and its serial are written in the inventory.",
        f"on {name} run `lsblk -d -o NAME,SERIAL,SIZE,MODEL` and `ls -l /dev/disk/by-id`; write both into host_vars",
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
