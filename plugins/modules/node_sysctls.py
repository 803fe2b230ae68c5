#!/usr/bin/python
"""Ansible door to :mod:`node_sysctls`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_sysctls
short_description: Mend kernel settings that are wrong, and leave the others alone
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Sets each setting whose value in the running kernel will not do, and keeps it in a file for the next start.
  - A setting that another file provides, or that exceeds the minimum, is not written again.
  - One that this kernel does not have is told in RV(absent).
  - Needs no program C(sysctl) on the host.
options:
  settings:
    description: The settings; each with a value or a minimum. Those no longer given leave the file.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name, with dots.
        type: str
        required: true
      value:
        description: The value that it must have.
        type: str
      minimum:
        description: The number that it must not be smaller than.
        type: int
  path:
    description: The file that keeps them, below C(/etc/sysctl.d).
    type: path
    required: true
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Forward packets, and let many files be watched
  homelab.log_intelligence.node_sysctls:
    path: /etc/sysctl.d/90-log-intelligence.conf
    settings:
      - {name: net.ipv4.ip_forward, value: "1"}
      - {name: fs.inotify.max_user_watches, minimum: 524288}
"""

RETURN = r"""
mended:
  description: What was set, with the value.
  type: dict
  returned: success
absent:
  description: The settings that this kernel does not have.
  type: list
  elements: str
  returned: success
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import node_sysctls

ARGUMENTS = {
    "settings": node_sysctls.ARGUMENT,
    "path": {"type": "path", "required": True},
}


def main() -> None:
    """Plans from what the kernel says, and applies the plan."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    root, path = Path("/"), Path(module.params["path"])
    settings = [node_sysctls.Setting(**given) for given in module.params["settings"]]
    found = node_sysctls.read_kernel(root, [setting.name for setting in settings])
    change = node_sysctls.plan(settings, found, node_sysctls.read_file(path), node_sysctls.read_others(root, path))
    if change and not module.check_mode:
        try:
            node_sysctls.apply(change, root, path)
        except node_sysctls.SettingError as problem:
            module.fail_json(msg=f"{problem}.")
    before = {"kernel": {name: change.found[name] for name in change.live}, "file": change.before}
    module.exit_json(
        changed=bool(change),
        mended=change.live,
        absent=list(change.absent),
        diff={"before": before, "after": {"kernel": change.live, "file": change.kept}},
    )


if __name__ == "__main__":
    main()
