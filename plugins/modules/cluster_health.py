#!/usr/bin/python
"""Ansible door to :mod:`cluster_health`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_health
short_description: What ails a cluster
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Asks the API for nodes, pods and claims, and returns what a person should mend. Changes nothing.
  - An API that does not answer is a finding, too.
options:
  kubeconfig:
    description: The homelab's kubeconfig.
    type: path
    required: true
  nodes:
    description: The names of the nodes that the inventory has.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
"""

EXAMPLES = r"""
- name: See what ails the cluster
  homelab.log_intelligence.cluster_health:
    kubeconfig: "{{ log_intelligence_kubeconfig }}"
    nodes: [node-1, node-2]
"""

RETURN = r"""
findings:
  description: What was found, each with C(severity), C(host), C(what), C(why) and C(mend).
  type: list
  elements: dict
  returned: always
"""

from datetime import datetime, timezone

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import cluster_api, cluster_health
from ansible_collections.homelab.log_intelligence.plugins.module_utils.preflight_findings import ERROR, Finding

ARGUMENTS = {
    "kubeconfig": {"type": "path", "required": True},
    "nodes": {"type": "list", "elements": "str", "default": []},
}
LISTS = ("/api/v1/nodes", "/api/v1/pods", "/api/v1/persistentvolumeclaims")


def main() -> None:
    """Asks and judges."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        api = cluster_api.ClusterApi(module.params["kubeconfig"])
        nodes, pods, claims = (api.get(path)["items"] for path in LISTS)
    except cluster_api.ClusterError as error:
        found = [Finding(ERROR, cluster_health.HOST, "the API does not answer", str(error), "Mend the server first.")]
    else:
        now = datetime.now(timezone.utc)  # noqa: UP017 - the same form as on nodes
        found = cluster_health.judge(nodes, pods, claims, module.params["nodes"], now)
    module.exit_json(changed=False, findings=[one.as_dict() for one in found])


if __name__ == "__main__":
    main()
