"""What the facts of a host mean for a node: addresses, ports, names, downloads, firewall, disks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .preflight_findings import ERROR, NOTE, WARNING, Finding

Values = dict[str, Any]
GIB = 1 << 30
_AGENT_PORTS = {
    ("tcp", 10250): "kubelet",
    ("tcp", 6444): "K3s' own load balancer",
    ("tcp", 10010): "containerd",
    ("tcp", 10248): "kubelet's health",
    ("tcp", 10249): "kube-proxy's metrics",
    ("tcp", 10256): "kube-proxy's health",
    ("udp", 8472): "flannel",
}
_SERVER_PORTS = {
    ("tcp", 6443): "the API",
    ("tcp", 10257): "controller manager",
    ("tcp", 10258): "cloud controller",
    ("tcp", 10259): "scheduler",
}
_ETCD_PORTS = {("tcp", 2379): "etcd's clients", ("tcp", 2380): "etcd's peers", ("tcp", 2381): "etcd's metrics"}


def ports(host: Values, facts: Values, wanted: Values) -> Iterator[Finding]:
    """Ports that the node needs and that a program other than K3s holds."""
    needed = dict(_AGENT_PORTS)
    if host["role"] == "server":
        needed.update(_SERVER_PORTS)
        if sum(other["role"] == "server" for other in wanted["hosts"]) > 1:
            needed.update(_ETCD_PORTS)
    if not any(taint.get("effect") in ("NoSchedule", "NoExecute") for taint in host["taints"]):
        needed.update({("tcp", port): "the gateway, through ServiceLB" for port in wanted["gateway_ports"]})
    for listener in facts["listeners"]:
        purpose = needed.get((listener["protocol"], listener["port"]))
        if purpose and not _is_k3s(listener, facts):
            program = listener["program"] or "the kernel or a program that cannot be seen"
            yield Finding(
                ERROR,
                host["name"],
                f"port {listener['port']}/{listener['protocol']} is taken by {program}",
                f"The node needs it for {purpose}.",
                f"stop and disable that program; `ss -lntup 'sport = {listener['port']}'` shows it",
            )


def _is_k3s(listener: Values, facts: Values) -> bool:
    if not facts["k3s_version"]:
        return False
    if listener["program"].startswith(("k3s", "containerd", "flannel", "kubelet")) or "/rancher/" in listener["path"]:
        return True
    return not listener["program"] and listener["protocol"] == "udp"  # flannel's socket belongs to the kernel


def addresses(host: Values, facts: Values, _wanted: Values) -> Iterator[Finding]:
    """Whether it is clear which address the node has in the cluster, and whether packets find a way out."""
    cards: dict[str, list[str]] = {}
    for entry in facts["interfaces"]:
        if entry["card"]:
            cards.setdefault(entry["interface"], []).append(entry["address"])
    held = [entry["address"] for entry in facts["interfaces"]]
    shown = ", ".join(f"{card} {'/'.join(addresses)}" for card, addresses in cards.items())
    if host["node_ip"] and host["node_ip"] not in held:
        yield Finding(
            ERROR,
            host["name"],
            f"k3s_node_ip {host['node_ip']} is not an address of this host",
            f"It has {shown or 'none'}.",
            "correct k3s_node_ip in host_vars, or give the card that address",
        )
    elif not host["node_ip"] and len(cards) > 1:
        yield Finding(
            ERROR,
            host["name"],
            f"{len(cards)} network cards and no k3s_node_ip",
            f"K3s would guess among {shown}, and the nodes may not reach each other over the one that it takes.",
            f"set k3s_node_ip in host_vars/{host['name']}.yml to the address that the nodes share",
        )
    if not facts["default_routes"]:
        yield Finding(
            ERROR,
            host["name"],
            "no default route",
            "K3s refuses to start without one, also where nothing is behind it.",
            "set a gateway, or on an isolated site a dummy one: `ip route add default via <an address of the network>`",
        )


def names(host: Values, facts: Values, wanted: Values) -> Iterator[Finding]:
    """Name resolution and downloads."""
    if not facts["name_servers"]:
        yield Finding(
            WARNING if wanted["offline"] else ERROR,
            host["name"],
            "no name server",
            "Pods resolve names of the outside through the host's.",
            "name one in /etc/resolv.conf, or in the network settings that write it",
        )
    elif len(facts["name_servers"]) > 3:
        yield Finding(
            WARNING,
            host["name"],
            f"{len(facts['name_servers'])} name servers",
            "Pods use the first three.",
            "name fewer",
        )
    for name, reason in facts["resolved"].items():
        if reason:
            yield Finding(
                ERROR,
                host["name"],
                f"{name} is not resolved",
                f"The host says: {reason}. Asked were {', '.join(facts['name_servers']) or 'none'}.",
                "correct the name server, or describe an offline site with preflight_offline and the offline variables",
            )
    unresolved = {name for name, reason in facts["resolved"].items() if reason}
    for url, reason in facts["reached"].items():
        if reason and not any(f"//{name}/" in f"{url}/" for name in unresolved):
            yield Finding(
                ERROR,
                host["name"],
                f"{url} is not reached",
                f"The host says: {reason}. What is not there yet is downloaded from it.",
                "open the way (proxy, firewall), name a mirror, or give the files with the offline variables",
            )


def protection(host: Values, facts: Values, _wanted: Values) -> Iterator[Finding]:
    """Firewalls and SELinux, which are never changed unasked."""
    found = facts["protection"]
    for firewall in found["firewalls"]:
        yield Finding(
            NOTE, host["name"], f"{firewall} runs", "The role node opens in it what the nodes need of each other."
        )
    if found["selinux"] == "enforcing":
        yield Finding(
            WARNING,
            host["name"],
            "SELinux is enforcing",
            "K3s then needs the package k3s-selinux and `selinux: true`; neither is changed unasked.",
            "install k3s-selinux and set `selinux: true` in k3s_config",
        )
    for unit in found["disturbing"]:
        yield Finding(
            WARNING,
            host["name"],
            f"{unit} is on",
            "It rewrites routes under the pods' network.",
            f"on {host['name']} run `systemctl disable --now {unit}` and reboot",
        )


def space(host: Values, facts: Values, wanted: Values) -> Iterator[Finding]:
    """Free space. A host that runs K3s already has used some of it for images, so there it is a warning."""
    least = {entry["path"]: entry["free_bytes"] for entry in wanted["space"]}
    told: set[int] = set()
    for entry in sorted(facts["space"], key=lambda entry: -least.get(entry["path"], 0)):
        needed = least.get(entry["path"], 0)
        if entry["free_bytes"] < needed and entry["device"] not in told:
            told.add(entry["device"])
            yield Finding(
                WARNING if facts["k3s_version"] else ERROR,
                host["name"],
                f"{entry['free_bytes'] / GIB:.1f} GiB free at {entry['path']}",
                f"Images, logs and pods' own files need {needed / GIB:.1f} GiB there.",
                "free some space, or give /var a larger file system",
            )


def disk(host: Values, facts: Values, wanted: Values) -> Iterator[Finding]:
    """Whether the disk that the inventory names is the one that is there."""
    asked, found = host["disk"], facts["disk"]
    if not asked.get("by_id") or not found:
        return
    look = f"on {host['name']} run `lsblk -d -o NAME,SERIAL,SIZE,MODEL` and correct host_vars/{host['name']}.yml"
    if not found["present"]:
        known = ", ".join(found["known"]) or "none"
        yield Finding(ERROR, host["name"], f"no disk at {asked['by_id']}", f"There are: {known}.", look)
        return
    if asked.get("serial") and asked["serial"] != found["serial"]:
        yield Finding(
            ERROR,
            host["name"],
            "the data disk has another serial",
            f"{asked['by_id']} is {found['name']} with the serial {found['serial'] or 'unknown'}, and the "
            f"inventory says {asked['serial']}.",
            look,
        )
    if asked.get("bytes") and abs(found["bytes"] - asked["bytes"]) > asked["bytes"] / 100:
        sizes = f"{found['bytes']} bytes, and the inventory says {asked['bytes']}"
        yield Finding(ERROR, host["name"], "the data disk has another size", f"{found['name']} has {sizes}.", look)
    if asked.get("model") and asked["model"].replace("_", " ") not in found["model"]:
        models = f"{found['model'] or 'unknown'}, and the inventory says {asked['model']}"
        yield Finding(ERROR, host["name"], "the data disk is another model", f"{found['name']} is {models}.", look)
    elsewhere = [path for path in found["mounted_at"] if not path.startswith(wanted["storage_dir"])]
    if elsewhere:
        yield Finding(
            ERROR,
            host["name"],
            "the data disk is in use",
            f"{found['name']} is mounted at {', '.join(elsewhere)}.",
            "if this is the right disk, save its content and unmount it; if not, correct host_vars",
        )
