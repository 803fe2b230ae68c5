#!/usr/bin/python
"""Ansible door to :mod:`manifest_drift`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_release_drift
short_description: Bring the objects of a Helm release back to what the release says
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Helm compares releases, not objects, so it does not see that somebody edited or deleted one.
  - Compares every object of the deployed revision with the cluster by a server-side apply that is a dry run, and
    applies those that differ. No new revision is made.
  - Fields that the chart does not name are left alone, and so are hooks.
requirements:
  - The Python package C(kubernetes)
options:
  kubeconfig:
    description: The kubeconfig file of the cluster.
    type: path
    required: true
  release_name:
    description: The name of the release.
    type: str
    required: true
  namespace:
    description: The namespace of the release.
    type: str
    required: true
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Undo what was edited by hand
  homelab.log_intelligence.helm_release_drift:
    kubeconfig: /etc/homelab/kubeconfig
    release_name: loki
    namespace: logging
"""

RETURN = r"""
mended:
  description: The objects that differed, as kind and name.
  type: list
  elements: str
  returned: always
  sample: [Deployment/grafana]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import helm_manifest, manifest_drift
from ansible_collections.homelab.log_intelligence.plugins.module_utils.cluster_api import ClusterApi, ClusterError

ARGUMENTS = {
    "kubeconfig": {"type": "path", "required": True},
    "release_name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
}
MANAGER = "helm"


def main() -> None:
    """Compares, and in a real run applies what differs."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    release, namespace = module.params["release_name"], module.params["namespace"]
    try:
        api = ClusterApi(module.params["kubeconfig"])
        parts = helm_manifest.deployed(api, namespace, release)
        manifests = [manifest_drift.owned_by_helm(one, release, namespace) for one in parts]
        drifts, refused = manifest_drift.find_drift(api, manifests, namespace, MANAGER)
        for sentence in refused:
            module.warn(sentence)
        if not module.check_mode:
            manifest_drift.mend(api, drifts, MANAGER)
    except ClusterError as error:
        module.fail_json(msg=f"The objects of the release {release} in {namespace} could not be compared. {error}")
    module.exit_json(
        changed=bool(drifts), mended=[one.name for one in drifts], diff=[one.diff() for one in drifts] or None
    )


if __name__ == "__main__":
    main()
