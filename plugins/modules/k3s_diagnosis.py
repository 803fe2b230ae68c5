#!/usr/bin/python
"""Ansible door to :mod:`k3s_causes`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_diagnosis
short_description: Say why a K3s node is not ready
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Collects the unit's state, the end of its journal, ports, the way to the server, the difference of the clocks,
    whether the server knows the token, the default route and free space, and names the likely cause with the next step.
  - Secrets are masked. Nothing is changed.
options:
  role:
    description: What the host is.
    type: str
    choices: [server, agent]
    required: true
  node:
    description: The name of this host's node.
    type: str
    required: true
  server_url:
    description: The server that this host joins; empty for a first server.
    type: str
    default: ""
  token_file:
    description: The token that this host joins with.
    type: path
    default: /etc/rancher/k3s/token
  data_dir:
    description: K3s' data directory.
    type: path
    default: /var/lib/rancher/k3s
  lines:
    description: How many lines of the journal to look at.
    type: int
    default: 300
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
"""

EXAMPLES = r"""
- name: Find out why the agent is not ready
  homelab.log_intelligence.k3s_diagnosis:
    role: agent
    node: node-2
    server_url: https://10.0.0.102:6443
  register: diagnosis
"""

RETURN = r"""
cause:
  description: The likely cause; null when nothing known was found.
  type: dict
  returned: always
  contains:
    code:
      description: A short name, such as V(wrong_token).
      type: str
    summary:
      description: What it is.
      type: str
    next_step:
      description: What to do.
      type: str
    final:
      description: Whether waiting longer is in vain.
      type: bool
evidence:
  description: What was seen.
  type: dict
  returned: always
unit:
  description: What systemd says about the unit.
  type: dict
  returned: always
ports:
  description: Who listens on each of K3s' TCP ports.
  type: dict
  returned: always
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_causes, k3s_evidence, k3s_readiness

ARGUMENTS = {
    "role": {"type": "str", "choices": ["server", "agent"], "required": True},
    "node": {"type": "str", "required": True},
    "server_url": {"type": "str", "default": ""},
    "token_file": {"type": "path", "default": "/etc/rancher/k3s/token", "no_log": False},
    "data_dir": {"type": "path", "default": "/var/lib/rancher/k3s"},
    "lines": {"type": "int", "default": 300},
}


def main() -> None:
    """Looks, and judges."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    subject = k3s_evidence.Subject(
        given["role"], given["node"], given["server_url"], Path(given["token_file"]), Path(given["data_dir"])
    )
    evidence = k3s_evidence.collect(subject, given["lines"])
    module.exit_json(changed=False, **k3s_readiness.report(subject, evidence, k3s_causes.likely(evidence)))


if __name__ == "__main__":
    main()
