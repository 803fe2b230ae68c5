"""What the facts of a host mean for a node: system, kernel, clock, K3s. The host's own values come from the inventory.

Each rule takes the host's entry in the inventory, its facts as the module node_facts gives them, and the options of the
module preflight_report; it yields findings and looks at nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from . import k3s_versions
from .preflight_findings import ERROR, NOTE, WARNING, Finding

Values = dict[str, Any]
GIB = 1 << 30
_CGROUP_V1_ENDS = (1, 35)  # from this Kubernetes version on the kubelet refuses control groups v1


def system(host: Values, facts: Values, wanted: Values) -> Iterator[Finding]:
    """User, distribution, architecture, systemd, processors and memory."""
    name, found = host["name"], facts["system"]
    if found["uid"] != 0:
        yield Finding(
            ERROR,
            name,
            "no root",
            "A node is set up by root.",
            "leave `become: true` in the play, or set ansible_user: root",
        )
    yield from _distribution(name, found, wanted["systems"])
    if found["machine"] not in wanted["architectures"]:
        yield Finding(
            ERROR,
            name,
            f"architecture {found['machine']}",
            f"The platform has builds for {', '.join(wanted['architectures'])}.",
            "use another machine; a 32-bit system on a 64-bit processor needs to be installed anew as 64-bit",
        )
    elif found["pointer_bits"] != 64:
        yield Finding(
            ERROR,
            name,
            "32-bit programs on a 64-bit kernel",
            "K3s has no 32-bit build that the platform supports, and Python there is 32-bit.",
            "install the 64-bit edition of the system",
        )
    if not found["systemd"]:
        yield Finding(
            ERROR, name, "no systemd", "K3s runs as a unit of systemd.", "use a system that boots with systemd"
        )
    if found["hostname"].split(".")[0].lower() in ("localhost", ""):
        yield Finding(
            ERROR,
            name,
            f"host name {found['hostname'] or 'not set'}",
            "Nodes are told apart by it in logs and certificates.",
            f"on {name} run `hostnamectl set-hostname {name}`",
        )
    if host["role"] == "server" and found["cpus"] < 2:
        yield Finding(WARNING, name, "one processor", "A server wants two.", "expect slow starts")
    total, least = facts["memory"]["total_bytes"], wanted["memory_bytes"]
    if total < least:
        yield Finding(
            ERROR, name, f"{total / GIB:.1f} GiB of memory", f"A node needs {least / GIB:.1f} GiB.", "add memory"
        )


def _distribution(name: str, found: Values, systems: dict[str, str]) -> Iterator[Finding]:
    known = f"Supported are {', '.join(f'{system} {version}' for system, version in systems.items())} and newer."
    least = systems.get(found["id"])
    title = found["name"] or found["id"] or "an unknown system"
    if least and _numbers(found["version"]) and _numbers(found["version"]) < _numbers(least):
        yield Finding(ERROR, name, f"{title} is too old", known, "upgrade the system")
    elif not least and set(found["id_like"]) & set(systems):
        yield Finding(
            WARNING,
            name,
            f"{title} is not one of the supported systems",
            known,
            "go on if it is close enough to one of them",
        )
    elif not least:
        yield Finding(
            ERROR, name, f"{title} is not supported", known, "install one of them, or add it to preflight_systems"
        )


def kernel(host: Values, facts: Values, _wanted: Values) -> Iterator[Finding]:
    """Control groups, kernel modules, swap."""
    name, groups = host["name"], facts["control_groups"]
    if groups["version"] == 1:
        yield from _first_control_groups(host)
    lacking = [one for one in ("cpu", "cpuset", "memory", "pids") if one not in groups["controllers"]]
    if lacking:
        yield Finding(
            ERROR,
            name,
            f"control groups without {', '.join(lacking)}",
            "The kubelet limits pods with them.",
            "switch them on at boot; on a Raspberry Pi add `cgroup_enable=memory cgroup_memory=1` to "
            "cmdline.txt, and reboot",
        )
    for module, state in facts["modules"].items():
        if state in ("missing", "not permitted"):
            reason = "is not there" if state == "missing" else "may not be loaded from here"
            mend = "install the kernel's module package (Fedora, RHEL: kernel-modules-extra), and reboot"
            if facts["system"]["container"]:
                mend = f"load it on the machine below, with `modprobe {module}`"
            yield Finding(
                ERROR, name, f"the kernel module {module} {reason}", "The pods' network and file systems use it.", mend
            )
    for area in facts["memory"]["swap"]:
        yield Finding(
            NOTE,
            name,
            f"swap on {area['path']}",
            "It is left alone: K3s starts with swap, and pods do not use it unless told to.",
        )


def _first_control_groups(host: Values) -> Iterator[Finding]:
    name, version = host["name"], _kubernetes_of(host)
    mend = "boot with `systemd.unified_cgroup_hierarchy=1` on the kernel's command line, or upgrade the system"
    if version < _CGROUP_V1_ENDS:
        yield Finding(WARNING, name, "control groups v1", "Kubernetes 1.35 and newer refuse it.", mend)
    elif "fail-cgroupv1=false" in host["kubelet_args"] or host["kubelet_config"].get("failCgroupV1") is False:
        yield Finding(WARNING, name, "control groups v1", "Accepted, because the kubelet is told so.", mend)
    else:
        yield Finding(
            ERROR,
            name,
            "control groups v1",
            f"The kubelet of {host['k3s_version']} refuses to run with it.",
            f"{mend}; for a laboratory set `k3s_kubelet_args: [fail-cgroupv1=false]`",
        )


def clocks(answers: dict[str, Values], wanted: Values) -> Iterator[Finding]:
    """Each host's clock against the others'."""
    ahead = {name: facts["clock"]["ahead_seconds"] for name, facts in answers.items()}
    allowed = wanted["clock_skew_seconds"]
    if len(ahead) > 1 and max(ahead.values()) - min(ahead.values()) > allowed:
        middle = sorted([*ahead.values(), 0.0])[len(ahead) // 2]
        for name, seconds in sorted(ahead.items()):
            if abs(seconds - middle) > allowed / 2:
                yield _skewed(name, seconds, "the others and this machine")
    elif any(abs(seconds) > allowed for seconds in ahead.values()):
        for name, seconds in sorted(ahead.items()):
            yield _skewed(name, seconds, "this machine")
    for name, facts in sorted(answers.items()):
        clock = facts["clock"]
        if not clock["services"] and clock["synchronised"] is False and not facts["system"]["container"]:
            yield Finding(NOTE, name, "nothing keeps the clock right", "The role node installs a service that does.")


def _skewed(name: str, seconds: float, against: str) -> Finding:
    side = "ahead of" if seconds > 0 else "behind"
    return Finding(
        ERROR,
        name,
        f"clock {abs(seconds):.0f} s {side} {against}",
        "Certificates are then not yet or no longer valid, and an agent cannot join.",
        f"on {name} run `timedatectl set-ntp true`, or set it with `date -s`, and look at `timedatectl`",
    )


def k3s(host: Values, facts: Values, wanted: Values) -> Iterator[Finding]:
    """The version that is installed against the one that is wanted, and whose cluster it belongs to."""
    name, installed, version = host["name"], facts["k3s_version"], host["k3s_version"]
    if installed == "unreadable":
        yield Finding(
            WARNING,
            name,
            "a K3s that does not tell its version",
            "The file may be half copied; the role k3s replaces it.",
            f"on {name} run `k3s --version` to see why",
        )
    elif installed and version:
        try:
            problem = k3s_versions.objection(installed, version)
        except k3s_versions.VersionError as error:
            problem = str(error)
        if problem:
            yield Finding(
                ERROR,
                name,
                f"K3s {installed} is installed, {version} is wanted",
                f"{problem}.",
                "set k3s_version as said there",
            )
    certificates = facts["k3s_ca"]
    if wanted["kubeconfig_ca"] and certificates["server"] and certificates["server"] != wanted["kubeconfig_ca"]:
        yield Finding(
            ERROR,
            name,
            "the kubeconfig is another cluster's",
            f"{wanted['kubeconfig']} holds the certificate of a cluster that is not the one on {name}.",
            "see that this is the right inventory; if so, move the file away and have it fetched anew",
        )


def clusters(answers: dict[str, Values]) -> Iterator[Finding]:
    """Agents that belong to another cluster than the servers of this inventory."""
    ours = {facts["k3s_ca"]["server"] for facts in answers.values() if facts["k3s_ca"]["server"]}
    for name, facts in sorted(answers.items()):
        theirs = facts["k3s_ca"]["agent"]
        if ours and theirs and theirs not in ours:
            yield Finding(
                ERROR,
                name,
                "it has joined another cluster",
                "The certificate that it trusts is not the one of this inventory's servers.",
                f"take it out of that cluster with playbooks/reset.yml --limit {name}, then run again",
            )
    if len(ours) > 1:
        yield Finding(
            ERROR,
            "inventory",
            "the servers are of different clusters",
            "Their certificates differ.",
            "keep the servers of one cluster in k3s_server, and reset the others",
        )


def likenesses(answers: dict[str, Values]) -> Iterator[Finding]:
    """Hosts that are one machine, or copies of one."""
    for key, what, severity in (("hostname", "host name", ERROR), ("machine_id", "machine id", WARNING)):
        holders: dict[str, list[str]] = {}
        for name, facts in sorted(answers.items()):
            if facts["system"][key]:
                holders.setdefault(facts["system"][key], []).append(name)
        for value, names in holders.items():
            if len(names) > 1:
                mend = (
                    "`hostnamectl set-hostname NAME`"
                    if key == "hostname"
                    else "`rm /etc/machine-id`, then `systemd-machine-id-setup`"
                )
                yield Finding(
                    severity,
                    "inventory",
                    f"{' and '.join(names)} have one {what}, {value}",
                    "They are copies of one installation, or two names of one machine; nodes of one name "
                    "replace each other.",
                    f"on all but one run {mend} and reboot",
                )


def _kubernetes_of(host: Values) -> tuple[int, int]:
    try:
        return k3s_versions.parse(host["k3s_version"])[:2]
    except k3s_versions.VersionError:
        return _CGROUP_V1_ENDS


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]
