#!/usr/bin/python
"""Ansible door to :mod:`requirements`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_requirements
short_description: Check what a host offers, and report every problem at once
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Checks memory, disk space, ports, Python, architecture and write access, and changes nothing.
  - Every requirement that is not met is reported in one message, each with its mend.
  - A port, or memory, that a service of this platform holds already counts as met.
options:
  memory_bytes:
    description: Memory that must be available, in bytes.
    type: int
  disks:
    description: Free space that must be there.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: A path on the disk; it need not exist yet.
        type: path
        required: true
      free_bytes:
        description: Bytes that must be free.
        type: int
        required: true
  ports:
    description: TCP ports that must be free, or held by the named service.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: The port.
        type: int
        required: true
      service:
        description: The service of this platform that may hold it.
        type: str
        required: true
      variable:
        description: The variable that chooses another port, for the message.
        type: str
        required: true
  python_minimum:
    description: The oldest Python that will do, such as V(3.11).
    type: str
  architectures:
    description: The machine architectures that will do, as C(uname -m) names them.
    type: list
    elements: str
    default: []
  writable:
    description: Paths that must be writable, or creatable.
    type: list
    elements: path
    default: []
  run_dir:
    description:
      - The directory of the supervisor that looks after this platform's services, as in
        M(homelab.log_intelligence.local_service).
    type: path
    required: true
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
"""

EXAMPLES = r"""
- name: Check for room and ports
  homelab.log_intelligence.host_requirements:
    memory_bytes: 1073741824
    disks:
      - path: /var/lib/log-intelligence
        free_bytes: 2147483648
    ports:
      - port: 18080
        service: log-intelligence-llama-cpp
        variable: llama_cpp_local_port
    run_dir: /var/lib/log-intelligence/run
"""

RETURN = r"""
checks:
  description: Every requirement with what was found.
  type: list
  elements: dict
  returned: always
  contains:
    subject:
      description: What was looked at.
      type: str
    wanted:
      description: What is required, with its unit.
      type: str
    found:
      description: What is there, with its unit.
      type: str
    ok:
      description: Whether that will do.
      type: bool
    mend:
      description: What to do when it will not.
      type: str
table:
  description: The same as lines of text.
  type: str
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import requirements

ARGUMENTS = {
    "memory_bytes": {"type": "int"},
    "disks": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"path": {"type": "path", "required": True}, "free_bytes": {"type": "int", "required": True}},
    },
    "ports": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "port": {"type": "int", "required": True},
            "service": {"type": "str", "required": True},
            "variable": {"type": "str", "required": True},
        },
    },
    "python_minimum": {"type": "str"},
    "architectures": {"type": "list", "elements": "str", "default": []},
    "writable": {"type": "list", "elements": "path", "default": []},
    "run_dir": {"type": "path", "required": True},
}


def main() -> None:
    """Examines the host; fails with one message when anything is missing."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    checks = requirements.examine(module.params)
    missing = [check for check in checks if not check.ok]
    result = {"checks": [check.as_dict() for check in checks], "table": requirements.as_table(checks)}
    if missing:
        count = "One requirement is" if len(missing) == 1 else f"{len(missing)} requirements are"
        mends = "; ".join(
            f"{check.subject}: wanted {check.wanted}, found {check.found}; {check.mend}" for check in missing
        )
        module.fail_json(
            msg=f"{count} not met, and nothing was changed. {mends}. Then run the same command again.", **result
        )
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
