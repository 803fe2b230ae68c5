"""All rules of preflight in their order: the inventory, this machine, each host, the hosts together."""

from __future__ import annotations

from typing import Any

from . import preflight_access, preflight_controller, preflight_hosts, preflight_inventory, preflight_network
from .preflight_findings import NOTE, Finding

HOST_RULES = (
    preflight_hosts.system,
    preflight_hosts.kernel,
    preflight_network.addresses,
    preflight_network.names,
    preflight_network.ports,
    preflight_network.protection,
    preflight_network.space,
    preflight_network.disk,
    preflight_hosts.k3s,
)


def before_contact(wanted: dict[str, Any]) -> list[Finding]:
    """What can be said without asking any host. `wanted` has the options of the module preflight_report."""
    return [*preflight_inventory.findings(wanted), *preflight_controller.findings(wanted)]


def after_contact(wanted: dict[str, Any], answers: dict[str, dict[str, Any]]) -> list[Finding]:
    """What the hosts' answers add. An answer is what Ansible returned for node_facts, a failure included."""
    found: list[Finding] = []
    facts = {name: answer["facts"] for name, answer in answers.items() if answer.get("facts")}
    for host in {host["name"]: host for host in wanted["hosts"]}.values():
        name = host["name"]
        if name not in answers:
            found.append(Finding(NOTE, name, "not looked at", "It is outside this run, as with --limit."))
            continue
        refused = preflight_access.finding(host, answers[name])
        if refused:
            found.append(refused)
            continue
        found += [finding for rule in HOST_RULES for finding in rule(host, facts[name], wanted)]
    found += preflight_hosts.clocks(facts, wanted)
    found += preflight_hosts.clusters(facts)
    found += preflight_hosts.likenesses(facts)
    return found
