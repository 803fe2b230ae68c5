#!/usr/bin/python
"""Ansible door to :mod:`k3s_reset`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_reset
short_description: Take K3s off a host, and nothing else
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Stops K3s, ends its containers, takes its mounts, interfaces and packet filter chains away, and removes what it and
    this collection have written.
  - Cannot cross into a mount that K3s has not made. When one lies among the files that would be removed, it is refused
    before anything is changed. Local volumes (C(storage) below the data directory) are never removed.
options:
  confirm_host:
    description: The host's name, typed by the operator; must equal O(host).
    type: str
    required: true
  host:
    description: The host's name in the inventory.
    type: str
    required: true
  keep_data:
    description: Keeps the data directory, the kubelet's, and the node's password, so that the host comes back as the
      same node.
    type: bool
    default: false
  program:
    description: The command C(k3s).
    type: path
    default: /usr/local/bin/k3s
  aliases:
    description: Names beside O(program) that may lead to it.
    type: list
    elements: str
    default: []
  data_dir:
    description: K3s' data directory.
    type: path
    default: /var/lib/rancher/k3s
  record_dir:
    description: Where the unit records what it was started with.
    type: path
    default: /run/k3s-fingerprint
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Take K3s off node-2
  homelab.log_intelligence.k3s_reset:
    host: "{{ inventory_hostname }}"
    confirm_host: node-2
"""

RETURN = r"""
removed:
  description: What was, or in check mode would be, removed.
  type: list
  elements: str
  returned: always
unmounted:
  description: Mounts of pods and their sandboxes that were taken away.
  type: list
  elements: str
  returned: always
ended:
  description: How many processes of pods were ended.
  type: int
  returned: always
kept:
  description: What is left on purpose, because somebody else's files lie in it.
  type: list
  elements: str
  returned: always
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import (
    k3s_mounts,
    k3s_removal,
    k3s_reset,
    k3s_systemd,
)

ARGUMENTS = {
    "confirm_host": {"type": "str", "required": True},
    "host": {"type": "str", "required": True},
    "keep_data": {"type": "bool", "default": False},
    "program": {"type": "path", "default": "/usr/local/bin/k3s"},
    "aliases": {"type": "list", "elements": "str", "default": []},
    "data_dir": {"type": "path", "default": "/var/lib/rancher/k3s"},
    "record_dir": {"type": "path", "default": "/run/k3s-fingerprint"},
}


def main() -> None:
    """Refuses what would be unsafe, then takes away."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    if given["confirm_host"] != given["host"]:
        module.fail_json(
            msg=f"Nothing was changed: to take K3s off {given['host']}, type its name, as in "
            f"-e k3s_reset_host={given['host']} (given was {given['confirm_host'] or 'nothing'})."
        )
    program = Path(given["program"])
    places = k3s_reset.Places(
        program=program,
        data_dir=Path(given["data_dir"]),
        record_dir=Path(given["record_dir"]),
        links=tuple(program.with_name(alias) for alias in given["aliases"]),
        everything=not given["keep_data"],
    )
    try:
        k3s_reset.require_no_foreign_mount(places)
        there = k3s_reset.present(places)
        done = k3s_reset.Done(removed=there) if module.check_mode or not there else k3s_reset.reset(places)
    except (
        k3s_reset.ForeignMountError,
        k3s_mounts.BusyMountError,
        k3s_removal.OtherMountError,
        k3s_systemd.SystemdError,
    ) as error:
        module.fail_json(msg=f"{error}.")
    diff = {"before": "".join(f"{path}\n" for path in there), "after": ""}
    module.exit_json(changed=bool(there), diff=diff, **vars(done))


if __name__ == "__main__":
    main()
