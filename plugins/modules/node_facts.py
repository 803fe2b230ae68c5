#!/usr/bin/python
"""Ansible door to :mod:`node_facts`, :mod:`node_network` and :mod:`node_disks`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_facts
short_description: Tell in one go what decides whether a machine can be a node of the cluster
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Returns system, kernel, control groups, kernel modules, memory, swap, clock, disks, addresses, ports, name
    resolution, firewalls and the K3s that is installed, and judges none of it.
  - Needs nothing on the host but Python 3.9.
options:
  sent_at:
    description: The controller's time when the task was sent, in seconds since 1970, for comparing clocks.
    type: float
    default: 0
  modules:
    description: The kernel modules to look for.
    type: list
    elements: str
    default: [br_netfilter, overlay, vxlan]
  paths:
    description: Paths whose free space is told; they need not exist.
    type: list
    elements: path
    default: []
  disk_by_id:
    description: A link below C(/dev/disk/by-id) whose disk is looked at.
    type: str
    default: ""
  names:
    description: Names that the host shall resolve.
    type: list
    elements: str
    default: []
  urls:
    description: HTTP addresses that the host shall reach. Any answer counts, a refusal included.
    type: list
    elements: str
    default: []
  timeout_seconds:
    description: How long to wait for all names, and again for all addresses.
    type: int
    default: 8
  k3s_binary:
    description: Where K3s is looked for.
    type: path
    default: /usr/local/bin/k3s
  k3s_data_dir:
    description: Where K3s keeps its data.
    type: path
    default: /var/lib/rancher/k3s
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
"""

EXAMPLES = r"""
- name: Look at the node
  homelab.log_intelligence.node_facts:
    sent_at: "{{ now().timestamp() }}"
    paths: [/, /var]
  register: node
"""

RETURN = r"""
facts:
  description: What was found, by subject.
  type: dict
  returned: always
  contains:
    system:
      description: Host name, distribution, kernel, architecture, Python, user, systemd, container, processors.
      type: dict
    memory:
      description: Bytes of memory, and the swap areas.
      type: dict
    control_groups:
      description: Version and controllers.
      type: dict
    modules:
      description: For each module V(loaded), V(built in), V(loadable), V(not permitted) or V(missing).
      type: dict
    clock:
      description: Seconds ahead of the controller, whether synchronised, and the services that keep time.
      type: dict
    protection:
      description: Firewalls that run, SELinux' mode, and services that disturb a cluster's network.
      type: dict
    space:
      description: Bytes and free bytes of the file system of each path.
      type: list
      elements: dict
    disk:
      description: The disk behind O(disk_by_id); empty when none was asked for.
      type: dict
    interfaces:
      description: The IPv4 addresses with their interfaces.
      type: list
      elements: dict
    default_routes:
      description: The interfaces of the default routes.
      type: list
      elements: str
    listeners:
      description: The ports in use, with the program that holds each.
      type: list
      elements: dict
    name_servers:
      description: The name servers of the host.
      type: list
      elements: str
    resolved:
      description: For each name why it is not resolved; empty when it is.
      type: dict
    reached:
      description: For each address why nothing answers; empty when something does.
      type: dict
    k3s_version:
      description: The version of the K3s that is installed; empty when there is none.
      type: str
    k3s_ca:
      description:
        - The SHA-256 of the cluster's certificate, as a server has it and as an agent knows it; empty without one.
      type: dict
    journald_started_at:
      description: When the journal's daemon was started, in seconds since 1970; null when there is none.
      type: float
"""

import hashlib
import re
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import node_disks, node_facts, node_network

ARGUMENTS = {
    "sent_at": {"type": "float", "default": 0},
    "modules": {"type": "list", "elements": "str", "default": ["br_netfilter", "overlay", "vxlan"]},
    "paths": {"type": "list", "elements": "path", "default": []},
    "disk_by_id": {"type": "str", "default": ""},
    "names": {"type": "list", "elements": "str", "default": []},
    "urls": {"type": "list", "elements": "str", "default": []},
    "timeout_seconds": {"type": "int", "default": 8},
    "k3s_binary": {"type": "path", "default": "/usr/local/bin/k3s"},
    "k3s_data_dir": {"type": "path", "default": "/var/lib/rancher/k3s"},
}
K3S_CERTIFICATES = {"server": "server/tls/server-ca.crt", "agent": "agent/server-ca.crt"}


def main() -> None:
    """Looks at everything once and returns it."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given, root = module.params, Path("/")
    timeout = float(given["timeout_seconds"])
    facts: dict[str, Any] = {
        "clock": node_facts.clock(given["sent_at"]),
        "system": node_facts.system(root),
        "memory": node_facts.memory(root),
        "control_groups": node_facts.control_groups(root),
        "modules": node_facts.kernel_modules(root, given["modules"]),
        "protection": node_facts.protection(root),
        "space": node_disks.space(given["paths"]),
        "disk": node_disks.disk(root, given["disk_by_id"]) if given["disk_by_id"] else {},
        "interfaces": node_network.interfaces(),
        "default_routes": node_network.default_routes(_text("/proc/net/route")),
        "listeners": node_network.listeners(),
        "name_servers": node_network.name_servers(_text("/etc/resolv.conf")),
        "resolved": node_network.resolved(given["names"], timeout),
        "reached": node_network.reached(given["urls"], timeout),
        "k3s_ca": {side: _digest(f"{given['k3s_data_dir']}/{path}") for side, path in K3S_CERTIFICATES.items()},
        "k3s_version": _k3s_version(module, given["k3s_binary"]),
        "journald_started_at": node_facts.process_started_at("systemd-journal"),
    }
    module.exit_json(changed=False, facts=facts)


def _k3s_version(module: AnsibleModule, binary: str) -> str:
    if not Path(binary).is_file():
        return ""
    code, output, _errors = module.run_command([binary, "--version"], use_unsafe_shell=False)
    found = re.search(r"^k3s version (\S+)", output, flags=re.MULTILINE)
    return found.group(1) if code == 0 and found else "unreadable"


def _digest(path: str) -> str:
    content = _text(path).strip()
    return hashlib.sha256(content.encode()).hexdigest() if content else ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":
    main()
