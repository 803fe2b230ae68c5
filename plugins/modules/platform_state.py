#!/usr/bin/python
"""Ansible door to :mod:`verification.state`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_state
short_description: Hold the running platform against what is expected of it
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Reads nodes, pods, volumes, routes, logs and answers through the Kubernetes API, and returns a row with expected,
    measured and verdict for each expectation. A row that does not hold is no failure here; see
    M(homelab.log_intelligence.verification_report).
requirements:
  - The Python package C(kubernetes)
options:
  kubeconfig:
    description: The kubeconfig file of the cluster.
    type: path
    required: true
  components:
    description: The components that are switched on; rows of the others say that theirs is off.
    type: list
    elements: str
    required: true
  nodes:
    description: By the name of each node its C(labels), its C(taints), and whether it is a C(server).
    type: dict
    required: true
  storage_dir:
    description: Where the data disk is mounted.
    type: path
    required: true
  storage_node:
    description: The node that has the data disk.
    type: str
    required: true
  models:
    description: The models, as in C(llama_cpp_models) of the role C(llama_cpp).
    type: list
    elements: dict
    default: []
  retention:
    description: For how long Loki keeps lines.
    type: str
    default: 720h
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
"""

EXAMPLES = r"""
- name: Look at the platform
  homelab.log_intelligence.platform_state:
    kubeconfig: /etc/homelab/kubeconfig
    components: [loki, llama_cpp]
    nodes:
      node-1: {labels: {hardware: light}, taints: [], server: true}
    storage_dir: /mnt/k8s-storage
    storage_node: node-2
  register: state
"""

RETURN = r"""
rows:
  description: The rows, each with section, name, command, expected, measured, verdict and next_step.
  type: list
  elements: dict
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils.cluster_api import ClusterApi, ClusterError
from ansible_collections.homelab.log_intelligence.plugins.module_utils.verification import state

ARGUMENTS = {
    "kubeconfig": {"type": "path", "required": True},
    "components": {"type": "list", "elements": "str", "required": True},
    "nodes": {"type": "dict", "required": True},
    "storage_dir": {"type": "path", "required": True},
    "storage_node": {"type": "str", "required": True},
    "models": {"type": "list", "elements": "dict", "default": []},
    "retention": {"type": "str", "default": "720h"},
}


def main() -> None:
    """Reads all there is to read, and judges it."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    expected = state.Expected(
        components=tuple(given["components"]),
        nodes=given["nodes"],
        storage_dir=given["storage_dir"],
        storage_node=given["storage_node"],
        models=given["models"],
        retention=given["retention"],
    )
    try:
        rows = state.rows(ClusterApi(given["kubeconfig"]), expected)
    except ClusterError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, rows=[row.as_dict() for row in rows])


if __name__ == "__main__":
    main()
