#!/usr/bin/python
"""Ansible door to :mod:`node_packages`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_packages
short_description: Have packages on a minimal Debian, Ubuntu, Fedora or RHEL
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Installs those packages that are missing, with C(apt-get) or C(dnf) itself, and runs neither when none is.
  - Unlike M(ansible.builtin.package) it needs no C(python3-apt) or C(python3-dnf) on the host, in check mode neither.
  - It never removes or upgrades one.
options:
  deb:
    description: The packages where C(dpkg) is.
    type: list
    elements: str
    default: []
  rpm:
    description: The packages where C(rpm) is.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Have what a node needs
  homelab.log_intelligence.node_packages:
    deb: [ca-certificates, iproute2]
    rpm: [ca-certificates, iproute]
"""

RETURN = r"""
installed:
  description: The packages that were missing and are there now; in check mode those that would be installed.
  type: list
  elements: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import node_packages

ARGUMENTS = {
    "deb": {"type": "list", "elements": "str", "default": []},
    "rpm": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    """Looks, and installs what is missing."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    module.run_command_environ_update = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}

    def run(command: list[str]) -> tuple[int, str, str]:
        path = node_packages.program_path(command[0]) or command[0]
        code, output, errors = module.run_command([path, *command[1:]])
        return int(code), str(output), str(errors)

    try:
        if not (module.params["deb"] or module.params["rpm"]):
            module.exit_json(changed=False, installed=[])
        manager = node_packages.manager_of(node_packages.program_path)
        names = list(dict.fromkeys(module.params[manager.family]))
        absent = node_packages.missing(manager, names, run)
        if absent and not module.check_mode:
            node_packages.install(manager, absent, run)
    except node_packages.PackagesError as problem:
        module.fail_json(msg=f"{problem}.")
    there = sorted(set(names) - set(absent))
    diff = {"before": {"installed": there}, "after": {"installed": sorted(names)}}
    module.exit_json(changed=bool(absent), installed=absent, diff=diff)


if __name__ == "__main__":
    main()
