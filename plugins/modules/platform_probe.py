#!/usr/bin/python
"""Ansible door to :mod:`verification.probes`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_probe
short_description: Ask the running platform from inside the cluster, with pods that are removed again
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - A pod prints a line that must be found in Loki within 30 seconds with all its labels.
  - Another pod in the namespace of the models asks the model server by curl for its health, its models and an answer.
  - Returns rows for M(homelab.log_intelligence.verification_report). Both pods are removed whatever happens.
  - No pod is made in check mode, and no row is returned.
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
  image:
    description: An image with a shell and curl.
    type: str
    required: true
  alias:
    description: The name of the model that is asked.
    type: str
    required: true
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
attributes:
  check_mode:
    support: partial
    details: No pod is made in check mode.
  diff_mode:
    support: none
    details: Nothing stays of what was made.
"""

EXAMPLES = r"""
- name: Ask from inside
  homelab.log_intelligence.platform_probe:
    kubeconfig: /etc/homelab/kubeconfig
    components: [loki, alloy, llama_cpp]
    image: docker.io/curlimages/curl:8.16.0
    alias: llama-3.2-3b-instruct
  register: probes
"""

RETURN = r"""
rows:
  description: The rows; none in check mode.
  type: list
  elements: dict
  returned: always
"""

import secrets

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils.cluster_api import ClusterApi, ClusterError
from ansible_collections.homelab.log_intelligence.plugins.module_utils.verification import logs, models, probes
from ansible_collections.homelab.log_intelligence.plugins.module_utils.verification.rows import Topic

ARGUMENTS = {
    "kubeconfig": {"type": "path", "required": True},
    "components": {"type": "list", "elements": "str", "required": True},
    "image": {"type": "str", "required": True},
    "alias": {"type": "str", "required": True},
}


def main() -> None:
    """Asks by both pods."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    if module.check_mode:
        module.exit_json(changed=False, rows=[])
    components, nonce = tuple(given["components"]), secrets.token_hex(6)
    collected = Topic.needing(logs.SECTION, ("loki", "alloy"), components)
    served = Topic(models.SECTION, "llama_cpp", components)
    try:
        api = ClusterApi(given["kubeconfig"])
        rows = [
            probes.nonce_row(api, given["image"], nonce, collected),
            *probes.answer_rows(api, given["image"], nonce, given["alias"], served),
        ]
    except ClusterError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, rows=[row.as_dict() for row in rows])


if __name__ == "__main__":
    main()
