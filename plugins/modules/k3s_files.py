#!/usr/bin/python
"""Ansible door to :mod:`k3s_files`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_files
short_description: Bring several files to their content and mode, each whole or not at all
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Writes the files that K3s reads; settings given as a dictionary become YAML on the host, also when a value comes
    from a vault.
  - Owner is the user that the module runs as, which is root for K3s. Starts and stops nothing.
options:
  files:
    description: The files, brought to their place in this order.
    type: list
    elements: dict
    required: true
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
  - homelab.log_intelligence.k3s_files
"""

EXAMPLES = r"""
- name: Write the settings
  homelab.log_intelligence.k3s_files:
    files:
      - path: /etc/rancher/k3s/config.yaml
        settings:
          disable: [traefik]
"""

RETURN = r"""
files:
  description: What was, or in check mode would be, changed.
  type: list
  elements: dict
  returned: always
  contains:
    path:
      description: The file.
      type: str
    change:
      description: One of V(created), V(content), V(mode), V(removed).
      type: str
    sha256:
      description: The SHA-256 of the wanted content; null of a secret one, and of a file that is taken away.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_file_options, k3s_files

ARGUMENTS = {
    "files": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": k3s_file_options.OPTIONS,
        "mutually_exclusive": [("content", "settings", "secret")],
    },
    "secrets": {"type": "dict", "default": {}, "no_log": True},
}


def main() -> None:
    """Compares every file, then writes those that differ unless in check mode."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    changes = k3s_files.plan(k3s_file_options.wanted(module.params["files"], module.params["secrets"]))
    if not module.check_mode:
        try:
            k3s_files.apply(changes)
        except k3s_files.FileWriteError as error:
            module.fail_json(msg=f"{error}.")
    module.exit_json(
        changed=bool(changes),
        files=[change.as_dict() for change in changes],
        diff=[change.diff() for change in changes],
    )


if __name__ == "__main__":
    main()
