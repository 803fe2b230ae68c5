#!/usr/bin/python
"""Ansible door to :mod:`preflight_rules`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_report
short_description: Report everything that stands between an inventory and a running cluster
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Judges the inventory, the secrets and files on the controller and, when they are given, the facts of the hosts.
  - Every problem of every host is in one report, each with its reason and its mend. It fails when one is an error.
  - Runs on the controller and contacts nobody.
options:
  inventory_dir:
    description: The directory of the inventory, searched for values that still say C(FILL_IN).
    type: path
    required: true
  hosts:
    description: The nodes as the inventory describes them.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: The host's name in the inventory., type: str, required: true}
      role: {description: What the node is., type: str, choices: [server, agent], required: true}
      address: {description: The address that Ansible uses., type: str, required: true}
      port: {description: The port that Ansible uses when the inventory says one., type: int}
      user: {description: The user that Ansible logs in as., type: str, default: ""}
      node_ip: {description: The address that the node has in the cluster., type: str, default: ""}
      node_name: {description: The node's name when it is not the host's., type: str, default: ""}
      labels: {description: The node's labels., type: dict, default: {}}
      taints: {description: The node's taints., type: list, elements: dict, default: []}
      kubelet_args: {description: The kubelet's arguments., type: list, elements: str, default: []}
      kubelet_config: {description: The kubelet's own settings., type: dict, default: {}}
      files: {description: Files on the controller that it is set up from., type: list, elements: path, default: []}
      k3s_version: {description: The version of K3s that is wanted., type: str, default: ""}
      disk: {description: "The data disk: by_id, serial, bytes, model.", type: dict, default: {}}
  controller_hosts:
    description: The hosts of the inventory on which tasks for Kubernetes run.
    type: list
    elements: str
    default: []
  answers:
    description:
      - For each host what M(homelab.log_intelligence.node_facts) returned, as a failed or unreachable task too.
      - Without it only the inventory and the controller are judged.
    type: dict
  cluster_networks:
    description: The ranges of addresses that pods and services get.
    type: list
    elements: str
    default: [10.42.0.0/16, 10.43.0.0/16]
  gateway_ports:
    description: The ports that ServiceLB opens for the gateway on the nodes without a taint.
    type: list
    elements: int
    default: [80, 443]
  systems:
    description: The distributions that will do, with the oldest version of each, by their ID in os-release.
    type: dict
    required: true
  architectures:
    description: The machine architectures that will do.
    type: list
    elements: str
    default: [x86_64, aarch64]
  memory_bytes:
    description: Bytes of memory that a node must have.
    type: int
    required: true
  space:
    description: Free space that must be there.
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: The path., type: path, required: true}
      free_bytes: {description: The bytes., type: int, required: true}
  clock_skew_seconds:
    description: How far clocks may be apart.
    type: int
    default: 30
  offline:
    description: Whether the site has no way out, so that names and downloads do not count.
    type: bool
    default: false
  offline_files:
    description: Files on the controller that an offline site needs, besides those of the hosts.
    type: list
    elements: path
    default: []
  storage_dir:
    description: Below which the data disk may be mounted.
    type: path
    default: /mnt/k8s-storage
  secrets_dir:
    description: Where the homelab's secrets lie on the controller; empty leaves them out.
    type: str
    default: ""
  secrets:
    description: The files there that must hold strong tokens once they exist.
    type: list
    elements: str
    default: []
  kubeconfig:
    description: The homelab's kubeconfig; empty leaves it out.
    type: str
    default: ""
  report_path:
    description: A file that is written with the same as JSON, not in check mode; empty writes none.
    type: str
    default: ""
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
"""

EXAMPLES = r"""
- name: Judge the inventory before any host is contacted
  homelab.log_intelligence.preflight_report:
    inventory_dir: "{{ inventory_dir }}"
    hosts:
      - {name: node-1, role: server, address: 10.0.0.102}
      - {name: node-2, role: agent, address: 10.0.0.103}
    controller_hosts: [cluster]
    systems: {debian: "12"}
    memory_bytes: 1610612736
"""

RETURN = r"""
findings:
  description: What was found, the errors first.
  type: list
  elements: dict
  returned: always
  contains:
    severity:
      description: V(error), V(warning) or V(note).
      type: str
    host:
      description: The host, or V(inventory).
      type: str
    what:
      description: What was found.
      type: str
    why:
      description: Why that matters.
      type: str
    mend:
      description: The next step; empty for a note.
      type: str
table:
  description: The same as lines of text. A failure has them in its message.
  type: str
  returned: success
looked_at:
  description: What the report covers.
  type: list
  elements: str
  returned: always
"""

import json
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import preflight_findings, preflight_rules
from ansible_collections.homelab.log_intelligence.plugins.module_utils.preflight_controller import ca_of_kubeconfig

HOST = {
    "name": {"type": "str", "required": True},
    "role": {"type": "str", "choices": ["server", "agent"], "required": True},
    "address": {"type": "str", "required": True},
    "port": {"type": "int"},
    "user": {"type": "str", "default": ""},
    "node_ip": {"type": "str", "default": ""},
    "node_name": {"type": "str", "default": ""},
    "labels": {"type": "dict", "default": {}},
    "taints": {"type": "list", "elements": "dict", "default": []},
    "kubelet_args": {"type": "list", "elements": "str", "default": []},
    "kubelet_config": {"type": "dict", "default": {}},
    "files": {"type": "list", "elements": "path", "default": []},
    "k3s_version": {"type": "str", "default": ""},
    "disk": {"type": "dict", "default": {}},
}
ARGUMENTS = {
    "inventory_dir": {"type": "path", "required": True},
    "hosts": {"type": "list", "elements": "dict", "required": True, "options": HOST},
    "controller_hosts": {"type": "list", "elements": "str", "default": []},
    "answers": {"type": "dict"},
    "cluster_networks": {"type": "list", "elements": "str", "default": ["10.42.0.0/16", "10.43.0.0/16"]},
    "gateway_ports": {"type": "list", "elements": "int", "default": [80, 443]},
    "systems": {"type": "dict", "required": True},
    "architectures": {"type": "list", "elements": "str", "default": ["x86_64", "aarch64"]},
    "memory_bytes": {"type": "int", "required": True},
    "space": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"path": {"type": "path", "required": True}, "free_bytes": {"type": "int", "required": True}},
    },
    "clock_skew_seconds": {"type": "int", "default": 30},
    "offline": {"type": "bool", "default": False},
    "offline_files": {"type": "list", "elements": "path", "default": []},
    "storage_dir": {"type": "path", "default": "/mnt/k8s-storage"},
    "secrets_dir": {"type": "str", "default": "", "no_log": False},
    "secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "kubeconfig": {"type": "str", "default": ""},
    "report_path": {"type": "str", "default": ""},
}


def main() -> None:
    """Judges, writes the report when one is wanted, and fails when there is an error."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    wanted: dict[str, Any] = {**module.params, "kubeconfig_ca": ca_of_kubeconfig(Path(module.params["kubeconfig"]))}
    answers = wanted.pop("answers")
    looked_at = ["inventory", *sorted(answers or {})]
    found = preflight_rules.before_contact(wanted)
    if answers is not None:
        found += preflight_rules.after_contact(wanted, answers)
    found = preflight_findings.ordered(found)
    table = preflight_findings.as_table(found, looked_at)
    if wanted["report_path"] and not module.check_mode:
        _write(module, Path(wanted["report_path"]), preflight_findings.as_report(found, looked_at))
    result = {"findings": [finding.as_dict() for finding in found], "looked_at": looked_at}
    if preflight_findings.has_errors(found):
        contacted = "" if answers is not None else " No host was contacted."
        module.fail_json(msg=f"This will not work yet.{contacted}\n{table}\nMend the errors and run again.", **result)
    module.exit_json(changed=False, table=table, **result)


def _write(module: AnsibleModule, path: Path, report: dict[str, Any]) -> None:
    text = json.dumps(report, indent=2, sort_keys=True) + "\n"
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        module.warn(
            f"The report could not be written to {path}: {error.strerror}. Set preflight_report_path to another."
        )


if __name__ == "__main__":
    main()
