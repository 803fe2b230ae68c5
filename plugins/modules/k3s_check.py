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
  role:
    description: What the host is to be.
    type: str
    choices: [server, agent]
    required: true
  host:
    description: The host's name in the inventory, for messages.
    type: str
    required: true
  version:
    description: The K3s version that is wanted, such as V(v1.36.4+k3s1).
    type: str
    required: true
  servers:
    description: Every server of the cluster, by inventory name.
    type: list
    elements: str
    required: true
  node_names:
    description: The node names of all hosts of the cluster.
    type: list
    elements: str
    default: []
  settings:
    description: The user's part of C(config.yaml).
    type: dict
    default: {}
  kubelet_settings:
    description: The settings of the kubelet's drop-in.
    type: dict
    default: {}
  cpu_manager_policy:
    description: The kubelet's CPU manager policy.
    type: str
    choices: [none, static]
    default: none
  secrets_encryption:
    description: Whether the datastore shall hold Secrets encrypted.
    type: bool
    default: true
  server_token:
    description: The servers' token; empty when it is yet to be made.
    type: str
    default: ""
  agent_token:
    description: The agents' token; empty when it is yet to be made.
    type: str
    default: ""
  found:
    description: The answer of M(homelab.log_intelligence.k3s_info) from this host.
    type: dict
    required: true
  found_on_server:
    description: The same from the first server; empty when it could not be asked.
    type: dict
    default: {}
  join_url:
    description: The server that this host joins; empty for a first server.
    type: str
    default: ""
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
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
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import (
    k3s_causes,
    k3s_checks,
    k3s_probe,
    k3s_tokens,
)

ARGUMENTS = {
    "role": {"type": "str", "choices": ["server", "agent"], "required": True},
    "host": {"type": "str", "required": True},
    "version": {"type": "str", "required": True},
    "servers": {"type": "list", "elements": "str", "required": True},
    "node_names": {"type": "list", "elements": "str", "default": []},
    "settings": {"type": "dict", "default": {}},
    "kubelet_settings": {"type": "dict", "default": {}},
    "cpu_manager_policy": {"type": "str", "choices": ["none", "static"], "default": "none"},
    "secrets_encryption": {"type": "bool", "default": True},
    "server_token": {"type": "str", "default": "", "no_log": True},
    "agent_token": {"type": "str", "default": "", "no_log": True},
    "found": {"type": "dict", "required": True},
    "found_on_server": {"type": "dict", "default": {}},
    "join_url": {"type": "str", "default": ""},
}


def main() -> None:
    """Collects every problem; fails with one message when there are any."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    problems = [
        *_tokens(given, module.check_mode),
        *k3s_checks.problems(_request(given), given["found"], given["found_on_server"]),
    ]
    answer = None
    if given["join_url"]:
        user, token = (
            (k3s_probe.SERVER, "server_token") if given["role"] == "server" else (k3s_probe.NODE, "agent_token")
        )
        answer = k3s_probe.ask(given["join_url"], given[token] or None, user, time.time())
        problems += _of_the_server(answer, given, module.check_mode)
    result = {"problems": problems, "server": answer.as_dict() if answer else None}
    if problems:
        count = "One thing stands" if len(problems) == 1 else f"{len(problems)} things stand"
        module.fail_json(
            msg=f"{count} in the way on {given['host']}, and nothing was changed. "
            f"{' '.join(f'{one}.' for one in problems)} Then run the same command again.",
            **result,
        )
    module.exit_json(changed=False, **result)


def _tokens(given: dict[str, Any], check: bool) -> list[str]:
    """What is weak, and whether the host's own is missing, which in check mode may only have been announced."""
    found = []
    for name, token in (("k3s_token", given["server_token"]), ("k3s_agent_token", given["agent_token"])):
        try:
            if token:
                k3s_tokens.require_strength(token, name)
        except k3s_tokens.WeakTokenError as error:
            found.append(str(error))
    if not given[f"{given['role']}_token"] and not check:
        found.append(
            f"there is no token for {given['host']}, neither in a variable nor in k3s_secrets_dir; run the play for "
            "the server first, or bring the file back from a backup"
        )
    return found


def _request(given: dict[str, Any]) -> k3s_checks.Request:
    return k3s_checks.Request(
        role=given["role"],
        host=given["host"],
        version=given["version"],
        servers=given["servers"],
        node_names=given["node_names"],
        settings=given["settings"],
        kubelet_settings=given["kubelet_settings"],
        secrets_encryption=given["secrets_encryption"],
        server_token_sha256=k3s_tokens.fingerprint(given["server_token"]) if given["server_token"] else None,
        cpu_policy=given["cpu_manager_policy"],
    )


def _of_the_server(answer: k3s_probe.Answer, given: dict[str, Any], check: bool) -> list[str]:
    """What waiting cannot mend.

    A server that is not reached counts only when this host would join it for the first time, and not in check mode,
    where the play may only have announced that the server will be made.
    """
    seen = k3s_causes.Evidence(
        node=given["host"],
        server=answer.address,
        reached=answer.reached,
        reach_error=answer.error,
        clock_seconds=answer.clock_seconds,
        ca_matches=answer.ca_matches,
        token_status=answer.status,
    )
    cause = k3s_causes.likely(seen)
    if cause is None or (not cause.final and (check or given["found"].get("member"))):
        return []
    return [f"{cause.sentence()}{_compared(answer, given)}".rstrip(".")]


def _compared(answer: k3s_probe.Answer, given: dict[str, Any]) -> str:
    """The fingerprints of both tokens, when the server's could be read there."""
    theirs = given["found_on_server"].get(f"{given['role']}_token_sha256")
    if not answer.token_refused or not theirs:
        return ""
    ours = k3s_tokens.fingerprint(given[f"{given['role']}_token"])
    return f" (sha256 {ours} here, {theirs} on the server)"


if __name__ == "__main__":
    main()
