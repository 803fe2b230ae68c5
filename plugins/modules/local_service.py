#!/usr/bin/python
"""Ansible door to a supervised process of this machine."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: local_service
short_description: Run a program as a supervised service of an ordinary user
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Keeps one program running under a supervisor, a systemd user unit where a user manager runs, else a C(supervisord)
    that belongs to O(run_dir) and listens on a Unix socket only.
  - The service is restarted only when what the running process was started with differs from what is wanted. That is
    read from the process itself, so it holds as well after the process or its supervisor was killed.
options:
  name:
    description: The name of the service.
    type: str
    required: true
  state:
    description:
      - V(started) means defined, running with what is wanted, and answering at O(ready_url).
      - V(stopped) stops it and keeps its definition and its data; V(absent) removes the definition as well.
    type: str
    choices: [started, stopped, absent]
    default: started
  command:
    description: The program and its arguments. Required with O(state=started).
    type: list
    elements: str
    default: []
  environment:
    description: Environment variables of the process.
    type: dict
    default: {}
  directory:
    description: The working directory of the process; O(run_dir) unless given.
    type: path
  inputs:
    description:
      - Anything else that the process depends on, such as the content of its configuration file or its model's hash.
      - The process is restarted when this value is not the one that it was started with.
    type: raw
  run_dir:
    description: A directory for the supervisor's own files, readable by its owner only. It is created.
    type: path
    required: true
  supervisor:
    description: Which supervisor to use. V(auto) stays with the one that is at work.
    type: str
    choices: [auto, systemd, supervisord]
    default: auto
  log_file:
    description: Where a C(supervisord) writes the output of the process; C(<name>.log) in O(run_dir) unless given.
    type: path
  log_max_bytes:
    description: The size at which the log file is rotated.
    type: int
    default: 10000000
  log_backups:
    description: How many rotated log files are kept.
    type: int
    default: 3
  port:
    description: The TCP port that the process will listen on. A start is refused while another program holds it.
    type: int
  ready_url:
    description: An address that answers 200 once the service is ready.
    type: str
  ready_seconds:
    description: How long to wait for that answer.
    type: int
    default: 60
  stop_seconds:
    description: How long the process may take to finish before it is killed.
    type: int
    default: 20
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Keep a Chroma server running
  homelab.log_intelligence.local_service:
    name: log-intelligence-chroma
    command: [/opt/venv/bin/chroma, run, --path, /srv/chroma, --host, 127.0.0.1, --port, "18000"]
    environment: {ANONYMIZED_TELEMETRY: "False"}
    run_dir: /srv/run
    port: 18000
    ready_url: http://127.0.0.1:18000/api/v2/heartbeat

- name: Stop it, keeping its data
  homelab.log_intelligence.local_service:
    name: log-intelligence-chroma
    state: stopped
    run_dir: /srv/run
"""

RETURN = r"""
supervisor:
  description: The supervisor that looks after the service.
  type: str
  returned: always
actions:
  description: What was done, or would be done, in order.
  type: list
  elements: str
  returned: always
  sample: [write /srv/run/programs/chroma.ini, start]
pid:
  description: The process id of the running service; null when it is stopped or in check mode before a start.
  type: int
  returned: always
fingerprint:
  description: SHA-256 over everything that the process depends on.
  type: str
  returned: with O(state=started)
ready_seconds:
  description: Seconds until the service answered at O(ready_url).
  type: float
  returned: with O(state=started) and O(ready_url), not in check mode
log:
  description: Where the output of the process is found, a file or a command.
  type: str
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils.local_service import (
    PortTakenError,
    Service,
    choose_supervisor,
)
from ansible_collections.homelab.log_intelligence.plugins.module_utils.service_definition import (
    ServiceDefinition,
    UnusableDefinitionError,
)
from ansible_collections.homelab.log_intelligence.plugins.module_utils.service_readiness import NotReadyError
from ansible_collections.homelab.log_intelligence.plugins.module_utils.supervisord import SupervisorError

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["started", "stopped", "absent"], "default": "started"},
    "command": {"type": "list", "elements": "str", "default": []},
    "environment": {"type": "dict", "default": {}},
    "directory": {"type": "path"},
    "inputs": {"type": "raw"},
    "run_dir": {"type": "path", "required": True},
    "supervisor": {"type": "str", "choices": ["auto", "systemd", "supervisord"], "default": "auto"},
    "log_file": {"type": "path"},
    "log_max_bytes": {"type": "int", "default": 10_000_000},
    "log_backups": {"type": "int", "default": 3},
    "port": {"type": "int"},
    "ready_url": {"type": "str"},
    "ready_seconds": {"type": "int", "default": 60},
    "stop_seconds": {"type": "int", "default": 20},
}


def main() -> None:
    """Plans from what runs, applies the plan unless in check mode, and waits until the service answers."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS, supports_check_mode=True, required_if=[("state", "started", ("command",))]
    )
    wanted = module.params
    definition = ServiceDefinition(
        name=wanted["name"],
        command=tuple(wanted["command"]),
        directory=wanted["directory"] or wanted["run_dir"],
        run_dir=wanted["run_dir"],
        log_file=wanted["log_file"] or f"{wanted['run_dir']}/{wanted['name']}.log",
        environment={name: str(value) for name, value in wanted["environment"].items()},
        inputs=wanted["inputs"],
        log_max_bytes=wanted["log_max_bytes"],
        log_backups=wanted["log_backups"],
        stop_seconds=wanted["stop_seconds"],
    )
    try:
        service = Service(definition, choose_supervisor(wanted["supervisor"], wanted["run_dir"]))
        plan = service.plan(wanted["state"])
        if plan.starts and wanted["port"]:
            service.require_free_port(wanted["port"])
        result = {"changed": bool(plan.actions), "actions": plan.actions, "diff": plan.diff}
        if not module.check_mode:
            service.apply(plan)
            if wanted["state"] == "started" and wanted["ready_url"]:
                result["ready_seconds"] = service.wait_until_ready(wanted["ready_url"], wanted["ready_seconds"])
        if wanted["state"] == "started":
            result["fingerprint"] = definition.fingerprint
        module.exit_json(supervisor=service.supervisor.kind, pid=service.pid(), log=service.log(), **result)
    except (NotReadyError, PortTakenError, SupervisorError, UnusableDefinitionError) as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        what = f"{error.filename or wanted['run_dir']}: {error.strerror or error}"
        module.fail_json(
            msg=f"{wanted['name']} could not be brought to the state {wanted['state']}, since its files could not be "
            f"read or written: {what}. Make room there, or make it writable for this user, then run again."
        )


if __name__ == "__main__":
    main()
