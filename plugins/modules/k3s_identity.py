#!/usr/bin/python
"""Ansible door to :mod:`k3s_identity`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_identity
short_description: Tell what a host can prove about which node it is
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - A reinstalled host has lost the password by which the cluster knows its node. The data disk that the inventory
    names by its serial is still in the machine, and in no other.
  - Changes nothing.
options:
  disk_by_id:
    description: The link of the data disk; empty for a host without one.
    type: str
    default: ""
  disk_serial:
    description: Its serial.
    type: str
    default: ""
  mount_point:
    description: Where it is mounted.
    type: str
    default: ""
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
"""

EXAMPLES = r"""
- name: See what this host can prove
  homelab.log_intelligence.k3s_identity:
    disk_by_id: /dev/disk/by-id/nvme-MODEL_SERIAL
    disk_serial: SERIAL
    mount_point: /mnt/k8s-storage
"""

RETURN = r"""
password:
  description: Whether the host holds its node's password.
  type: bool
  returned: always
disk:
  description: Whether the data disk of that serial is mounted here and bears this collection's marker.
  type: bool
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_identity

ARGUMENTS = {
    "disk_by_id": {"type": "str", "default": ""},
    "disk_serial": {"type": "str", "default": ""},
    "mount_point": {"type": "str", "default": ""},
}


def main() -> None:
    """Looks for both proofs."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    disk = [module.params[name] for name in ("disk_by_id", "disk_serial", "mount_point")]
    module.exit_json(changed=False, password=k3s_identity.holds_password(), disk=k3s_identity.holds_disk(*disk))


if __name__ == "__main__":
    main()
