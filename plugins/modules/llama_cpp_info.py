#!/usr/bin/python
"""Ansible door to :mod:`k8s_log_agent.llm.server_info`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: llama_cpp_info
short_description: Tell what a llama.cpp server serves, and which CPU features it uses
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Returns health, models and slots of a llama.cpp server, and the vector instructions that the host offers and the
    server's build uses.
  - Warns when the build leaves one of them unused, since that is a common cause of low throughput.
  - A server that does not answer is reported in RV(health), and is no failure.
requirements:
  - The Python package C(k8s_log_agent) of the same version as this collection
options:
  base_url:
    description: The address of the server.
    type: str
    required: true
  log_file:
    description:
      - The log of the server on this host. Its C(system_info) line tells the features of the build.
      - Without that line the wheel C(xllamacpp) of this Python is asked.
    type: path
  timeout_seconds:
    description: How long the server may take for one answer.
    type: int
    default: 10
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
"""

EXAMPLES = r"""
- name: Look at the model server
  homelab.log_intelligence.llama_cpp_info:
    base_url: http://127.0.0.1:18080
  register: server

- name: Stop here unless it is ready
  ansible.builtin.assert:
    that: server.health == 'ok'
"""

RETURN = r"""
health:
  description: V(ok), V(loading) or V(unreachable).
  type: str
  returned: always
detail:
  description: Why the health is not V(ok); empty when it is.
  type: str
  returned: always
models:
  description: The models that are served.
  type: list
  elements: dict
  returned: always
  contains:
    id:
      description: The name by which requests choose the model.
      type: str
    parameter_count:
      description: Number of parameters.
      type: int
    size_bytes:
      description: Size of the tensors in bytes.
      type: int
    training_context_tokens:
      description: Tokens of context that the model was trained for.
      type: int
    quantisation:
      description: What the file was quantised to.
      type: str
slots:
  description: The places in which requests are answered at once.
  type: list
  elements: dict
  returned: always
  contains:
    id:
      description: Number of the slot.
      type: int
    context_tokens:
      description: Tokens of context that the slot has.
      type: int
    busy:
      description: Whether it answers a request at this moment.
      type: bool
build:
  description: What the server calls its build.
  type: str
  returned: always
cpu_features:
  description: Vector instructions by llama.cpp's names.
  type: dict
  returned: always
  contains:
    host:
      description: What the processor offers.
      type: list
      elements: str
    build:
      description: What the build uses; empty when it could not be found out.
      type: list
      elements: str
    unused:
      description: What the processor offers and the build does not use.
      type: list
      elements: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import package

ARGUMENTS = {
    "base_url": {"type": "str", "required": True},
    "log_file": {"type": "path"},
    "timeout_seconds": {"type": "int", "default": 10},
}


def main() -> None:
    """Asks the server and the processor."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    server_info = package.load(module, "k8s_log_agent.llm.server_info")
    server = server_info.read_server(module.params["base_url"], seconds=module.params["timeout_seconds"])
    features = server_info.read_cpu_features(Path(module.params["log_file"]) if module.params["log_file"] else None)
    if features.build and features.unused:
        module.warn(
            f"This build of llama.cpp does not use {', '.join(features.unused)}, which the processor offers. "
            "A build for this processor may be faster."
        )
    module.exit_json(
        changed=False,
        health=server.health,
        detail=server.detail,
        models=server.models,
        slots=server.slots,
        build=server.build,
        cpu_features={
            "host": features.host,
            "build": features.build,
            "unused": features.unused if features.build else [],
        },
    )


if __name__ == "__main__":
    main()
