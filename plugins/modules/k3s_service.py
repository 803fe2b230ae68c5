#!/usr/bin/python
"""Ansible door to :mod:`k3s_service_plan`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_service
short_description: Keep K3s running with what lies on disk, and wait until its node is ready
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Restarts K3s when the files that it depends on are not those that the running process was started with. The unit
    itself records these at each start, so a run that was broken off between writing a file and restarting is mended by
    the next one, and a run that changes nothing restarts nothing.
  - Waits until the node is ready. When it is not in time, or when waiting cannot help, the failure names the likely
    cause.
options:
  role:
    description: What the host is.
    type: str
    choices: [server, agent]
    required: true
  state:
    description: Whether K3s shall run.
    type: str
    choices: [started, stopped]
    default: started
  node:
    description: The name of this host's node.
    type: str
    required: true
  version:
    description: The version that the node must report; empty for any.
    type: str
    default: ""
  tracked:
    description: Patterns of the files that a running K3s depends on.
    type: list
    elements: str
    default: []
  pending:
    description: Changes that earlier tasks have only announced, in check mode; each makes a restart due.
    type: list
    elements: str
    default: []
  rewritten:
    description: Files that earlier tasks have only announced to write, in check mode; how they are now does not count.
    type: list
    elements: str
    default: []
  cpu_manager_policy:
    description: The kubelet's CPU manager policy; its record of another policy is removed while K3s is down.
    type: str
    choices: [none, static]
    default: none
  ready_seconds:
    description: How long the node may take to become ready.
    type: int
    default: 120
  server_url:
    description: The server that this host joins; empty for a first server. Used for the diagnosis.
    type: str
    default: ""
  token_file:
    description: The token that this host joins with. Used for the diagnosis, and masked in it.
    type: path
    default: /etc/rancher/k3s/token
  program:
    description: The command C(k3s).
    type: path
    default: /usr/local/bin/k3s
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
- name: Keep the agent running and wait until it has joined
  homelab.log_intelligence.k3s_service:
    role: agent
    node: node-2
    server_url: https://10.0.0.102:6443
    tracked: [/usr/local/bin/k3s, /etc/rancher/k3s/config.yaml]
"""

RETURN = r"""
action:
  description: One of V(start), V(restart), V(stop), or empty.
  type: str
  returned: always
reasons:
  description: Why, one phrase each.
  type: list
  elements: str
  returned: always
waited_seconds:
  description: How long it took until the node was ready.
  type: float
  returned: when O(state=started) and not in check mode
drained:
  description: Whether an earlier task, or a run that was broken off, has drained the node for a restart.
  type: bool
  returned: when O(state=started) and not in check mode
report:
  description: What was seen, without secrets, with the likely cause.
  type: dict
  returned: on failure
"""

import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import (
    k3s_readiness,
    k3s_service_plan,
    k3s_systemd,
)
from ansible_collections.homelab.log_intelligence.plugins.module_utils.k3s_evidence import Subject

_JOURNAL_BEFORE_SECONDS = 30
_DONE = {"start": "started", "restart": "restarted", "stop": "stopped"}

ARGUMENTS = {
    "role": {"type": "str", "choices": ["server", "agent"], "required": True},
    "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
    "node": {"type": "str", "required": True},
    "version": {"type": "str", "default": ""},
    "tracked": {"type": "list", "elements": "str", "default": []},
    "pending": {"type": "list", "elements": "str", "default": []},
    "rewritten": {"type": "list", "elements": "str", "default": []},
    "cpu_manager_policy": {"type": "str", "choices": ["none", "static"], "default": "none"},
    "ready_seconds": {"type": "int", "default": 120},
    "server_url": {"type": "str", "default": ""},
    "token_file": {"type": "path", "default": "/etc/rancher/k3s/token", "no_log": False},
    "program": {"type": "path", "default": "/usr/local/bin/k3s"},
    "data_dir": {"type": "path", "default": "/var/lib/rancher/k3s"},
    "record_dir": {"type": "path", "default": "/run/k3s-fingerprint"},
}


def main() -> None:
    """Decides from what is there, acts, and waits."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    subject = Subject(
        given["role"], given["node"], given["server_url"], Path(given["token_file"]), Path(given["data_dir"])
    )
    planned = _plan(module, subject)
    diff = {
        "before": "".join(f"{subject.unit}: {reason}\n" for reason in planned.reasons),
        "after": f"{subject.unit}: {_DONE[planned.action]}\n" if planned.action else "",
    }
    result: dict[str, Any] = {
        "changed": planned.changes,
        "action": planned.action,
        "reasons": list(planned.reasons),
        "diff": diff,
    }
    if module.check_mode:
        module.exit_json(**result)
    began = time.time()
    try:
        k3s_service_plan.apply(subject.unit, planned, given["cpu_manager_policy"])
    except k3s_systemd.SystemdError as error:
        module.fail_json(msg=f"{error}. Look at it with `systemctl status {subject.unit}`.", **result)
    if given["state"] == "started":
        result.update(_wait(module, subject, began if planned.action else began - _JOURNAL_BEFORE_SECONDS))
    module.exit_json(**result)


def _plan(module: AnsibleModule, subject: Subject) -> k3s_service_plan.Plan:
    given = module.params
    unit = k3s_systemd.state(subject.unit)
    if given["state"] == "stopped":
        return k3s_service_plan.stopping(unit)
    record = k3s_service_plan.record_of(Path(given["record_dir"]), subject.unit)
    differences = k3s_service_plan.compare(record, given["tracked"], given["program"]) if unit.running else []
    if not module.check_mode:
        return k3s_service_plan.plan(unit, differences, [])
    announced = tuple(f"{path} " for path in given["rewritten"])
    remaining = [phrase for phrase in differences if not phrase.startswith(announced)]
    return k3s_service_plan.plan(unit, remaining, given["pending"])


def _wait(module: AnsibleModule, subject: Subject, since: float) -> dict[str, Any]:
    given = module.params
    began = time.monotonic()
    try:
        found = k3s_readiness.wait(
            subject,
            lambda: k3s_readiness.look(subject, given["program"], given["version"]),
            given["ready_seconds"],
            since,
        )
    except k3s_readiness.NotReadyError as error:
        module.fail_json(msg=str(error), report=error.report)
    return {"waited_seconds": round(time.monotonic() - began, 1), "drained": found.drained}


if __name__ == "__main__":
    main()
