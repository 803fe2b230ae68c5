#!/usr/bin/python
"""Ansible door to :mod:`node_health`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_health
short_description: What ails a node
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Looks at file systems, units, the clock, memory, K3s' certificates, disks' own word on their health, mounts, and the
    age of backups, and returns what a person should mend. Changes nothing.
options:
  host:
    description: The host's name, for the findings.
    type: str
    required: true
  certificate_dir:
    description: Where K3s keeps its certificates.
    type: path
    default: /var/lib/rancher/k3s/server/tls
  backup_dir:
    description: Where backups lie.
    type: path
    default: /var/backups/log-intelligence
  backup_items:
    description: What there must be young backups of.
    type: list
    elements: str
    default: []
  disks:
    description: Disks to ask for their health.
    type: list
    elements: path
    default: []
  mounts:
    description: What must be mounted.
    type: list
    elements: path
    default: []
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
"""

EXAMPLES = r"""
- name: See what ails this node
  homelab.log_intelligence.node_health:
    host: "{{ inventory_hostname }}"
    mounts: [/mnt/k8s-storage]
"""

RETURN = r"""
findings:
  description: What was found, each with C(severity), C(host), C(what), C(why) and C(mend).
  type: list
  elements: dict
  returned: always
"""

from datetime import datetime, timezone
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import node_health

ARGUMENTS = {
    "host": {"type": "str", "required": True},
    "certificate_dir": {"type": "path", "default": "/var/lib/rancher/k3s/server/tls"},
    "backup_dir": {"type": "path", "default": "/var/backups/log-intelligence"},
    "backup_items": {"type": "list", "elements": "str", "default": []},
    "disks": {"type": "list", "elements": "path", "default": []},
    "mounts": {"type": "list", "elements": "path", "default": []},
}


def main() -> None:
    """Looks and judges."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    seen = node_health.observe(
        certificate_dir=Path(given["certificate_dir"]),
        backup_dir=Path(given["backup_dir"]),
        backup_items=given["backup_items"],
        disks=given["disks"],
        mounts=given["mounts"],
    )
    now = datetime.now(timezone.utc)  # noqa: UP017 - nodes may have Python 3.9
    found = node_health.judge(given["host"], seen, now)
    module.exit_json(changed=False, findings=[one.as_dict() for one in found])


if __name__ == "__main__":
    main()
