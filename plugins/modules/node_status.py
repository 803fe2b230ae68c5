#!/usr/bin/python
"""Ansible door to :mod:`node_facts`, :mod:`node_packages`, :mod:`node_sysctls` and :mod:`node_journal`: only reads."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_status
short_description: Tell in one go what would have to be done to make a machine a node
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Compares packages, kernel modules, kernel settings and the journal's bounds with what is asked for, and changes
    nothing. A run that would change nothing ends after this one question.
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
  modules:
    description: The kernel modules.
    type: list
    elements: str
    default: []
  modules_path:
    description: The file that loads them at the next start.
    type: path
    required: true
  settings:
    description: The kernel settings, as M(homelab.log_intelligence.node_sysctls) takes them.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The setting.
        type: str
        required: true
      value:
        description: What it must be.
        type: str
      minimum:
        description: What it must be at least.
        type: int
  settings_path:
    description: The file that sets them at the next start.
    type: path
    required: true
  journal:
    description: The bounds of the journal, by systemd's names.
    type: dict
    default: {}
  journal_path:
    description: The file that holds them.
    type: path
    required: true
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
"""

EXAMPLES = r"""
- name: See what is to be done
  homelab.log_intelligence.node_status:
    deb: [ca-certificates, kmod]
    modules: [br_netfilter, overlay]
    modules_path: /etc/modules-load.d/90-homelab.conf
    settings_path: /etc/sysctl.d/90-homelab.conf
    journal_path: /etc/systemd/journald.conf.d/90-homelab.conf
  register: node
"""

RETURN = r"""
due:
  description: Those of V(packages), V(kernel) and V(journal) about which something is to be done.
  type: list
  elements: str
  returned: always
facts:
  description: System, kernel modules, clock, protection and the start of the journal's daemon, as
    M(homelab.log_intelligence.node_facts) returns them.
  type: dict
  returned: always
"""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import (
    node_facts,
    node_journal,
    node_packages,
    node_sysctls,
)

ARGUMENTS = {
    "deb": {"type": "list", "elements": "str", "default": []},
    "rpm": {"type": "list", "elements": "str", "default": []},
    "modules": {"type": "list", "elements": "str", "default": []},
    "modules_path": {"type": "path", "required": True},
    "settings": node_sysctls.ARGUMENT,
    "settings_path": {"type": "path", "required": True},
    "journal": {"type": "dict", "default": {}},
    "journal_path": {"type": "path", "required": True},
}


def main() -> None:
    """Looks at everything once."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    root = Path("/")
    facts = {
        "system": node_facts.system(root),
        "modules": node_facts.kernel_modules(root, module.params["modules"]),
        "clock": node_facts.clock(0),
        "protection": node_facts.protection(root),
        "journald_started_at": node_facts.process_started_at("systemd-journal"),
    }
    module.exit_json(changed=False, facts=facts, due=list(_due(module, facts)))


def _due(module: AnsibleModule, facts: dict[str, Any]) -> Iterator[str]:
    given = module.params
    if _lacks_packages(module):
        yield "packages"
    if _lacks_modules(Path(given["modules_path"]), facts["modules"]) or _lacks_settings(given):
        yield "kernel"
    path = Path(given["journal_path"])
    bounds = {name: str(value) for name, value in given["journal"].items()}
    if not node_journal.is_written(path, bounds) or not node_journal.is_taken(path, facts["journald_started_at"]):
        yield "journal"


def _lacks_packages(module: AnsibleModule) -> bool:
    def run(command: list[str]) -> tuple[int, str, str]:
        code, output, errors = module.run_command([node_packages.program_path(command[0]) or command[0], *command[1:]])
        return int(code), str(output), str(errors)

    try:
        manager = node_packages.manager_of(node_packages.program_path)
    except node_packages.PackagesError:
        return True  # the task that installs them says what is wrong
    return bool(node_packages.missing(manager, list(dict.fromkeys(module.params[manager.family])), run))


def _lacks_modules(path: Path, found: dict[str, str]) -> bool:
    names = [name for name, state in found.items() if state in ("loaded", "loadable")]
    if not names:
        return False
    try:
        written = path.read_text(encoding="utf-8") == "".join(f"{name}\n" for name in names)
        return "loadable" in found.values() or not written or stat.S_IMODE(path.stat().st_mode) != 0o644
    except (OSError, ValueError):
        return True


def _lacks_settings(given: dict[str, Any]) -> bool:
    root, path = Path("/"), Path(given["settings_path"])
    settings = [node_sysctls.Setting(**one) for one in given["settings"]]
    found = node_sysctls.read_kernel(root, [one.name for one in settings])
    return bool(node_sysctls.plan(settings, found, node_sysctls.read_file(path), node_sysctls.read_others(root, path)))


if __name__ == "__main__":
    main()
