#!/usr/bin/python
"""Ansible door to :mod:`k3s_checks`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_check
short_description: Check whether K3s can become what is asked for, before anything is changed
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Compares what is asked for with what runs already, and asks the server whether it would take this host.
  - Every problem is reported in one message, each with the next step, and nothing is changed.
options:
  found:
    description: The answer of M(homelab.log_intelligence.k3s_info) from this host.
    type: dict
    required: true
  found_on_server:
    description: The same from the first server; empty when it could not be asked.
    type: dict
    default: {}
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
  - homelab.log_intelligence.k3s_request
"""

EXAMPLES = r"""
- name: Check what was asked for
  homelab.log_intelligence.k3s_check:
    role: agent
    host: node-2
    version: v1.36.4+k3s1
    servers: [node-1]
    node_names: [node-1, node-2]
    agent_token: "{{ lookup('ansible.builtin.file', 'secrets/k3s-agent-token') }}"
    found: "{{ k3s }}"
    join_url: https://10.0.0.102:6443
"""

RETURN = r"""
problems:
  description: One sentence for each problem; empty when all is well.
  type: list
  elements: str
  returned: always
server:
  description: What the server said; null when there is none to ask.
  type: dict
  returned: always
  contains:
    address:
      description: Host and port.
      type: str
    reached:
      description: Whether it answered.
      type: bool
    error:
      description: Why it did not.
      type: str
    clock_seconds:
      description: Its clock minus this host's, in seconds.
      type: float
    ca_matches:
      description: Whether its CA is the one that the token pins; null when the token pins none.
      type: bool
    status:
      description: The HTTP status with which it answered the token.
      type: int
    token_refused:
      description: Whether it does not know the token.
      type: bool
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_admission

ARGUMENTS = {
    **k3s_admission.ARGUMENTS,
    "found": {"type": "dict", "required": True},
    "found_on_server": {"type": "dict", "default": {}},
}


def main() -> None:
    """Collects every problem; fails with one message when there are any."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    problems, answer = k3s_admission.examine(
        given, given["found"], given["found_on_server"], check=module.check_mode, now=time.time()
    )
    result = {"problems": problems, "server": answer.as_dict() if answer else None}
    if problems:
        count = "One thing stands" if len(problems) == 1 else f"{len(problems)} things stand"
        module.fail_json(
            msg=f"{count} in the way on {given['host']}, and nothing was changed. "
            f"{' '.join(f'{one}.' for one in problems)} Then run the same command again.",
            **result,
        )
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
