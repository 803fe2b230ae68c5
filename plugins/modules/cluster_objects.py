#!/usr/bin/python
"""Ansible door to :mod:`object_set`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_objects
short_description: Bring a set of objects of a cluster to what is wanted, and remove what no longer belongs to it
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Applies manifests server-side. What differs is found by a dry run of the API itself, so check mode and diff say what
    the real run does, also for objects whose namespace does not exist yet.
  - Fields that a manifest does not name are left alone.
  - With O(set_name) every object carries a label, and objects of the O(prune) kinds that carry it and are no longer
    wanted are removed, such as the access of a person who has left.
requirements:
  - The Python package C(kubernetes)
options:
  kubeconfig:
    description: The kubeconfig file of the cluster.
    type: path
    required: true
  objects:
    description: The manifests.
    type: list
    elements: dict
    required: true
  state:
    description: Whether the objects shall be there.
    type: str
    choices: [present, absent]
    default: present
  set_name:
    description: The name of the set that the objects belong to.
    type: str
  prune:
    description: The kinds among which objects that are no longer wanted are looked for.
    type: list
    elements: dict
    default: []
    suboptions:
      api_version:
        description: The version of its API.
        type: str
        required: true
      kind:
        description: The kind.
        type: str
        required: true
  groups_to_come:
    description:
      - API groups whose kinds the cluster may not know yet; in check mode their objects are predicted as to be created.
      - A real run takes no notice of it.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Create the namespaces
  homelab.log_intelligence.cluster_objects:
    kubeconfig: /etc/homelab/kubeconfig
    objects:
      - apiVersion: v1
        kind: Namespace
        metadata:
          name: logging
"""

RETURN = r"""
applied:
  description: The objects that were missing or differed, as kind and name.
  type: list
  elements: str
  returned: always
  sample: [Namespace/logging]
removed:
  description: The objects that were removed, as kind and name.
  type: list
  elements: str
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import object_set
from ansible_collections.homelab.log_intelligence.plugins.module_utils.cluster_api import ClusterApi, ClusterError

ARGUMENTS = {
    "kubeconfig": {"type": "path", "required": True},
    "objects": {"type": "list", "elements": "dict", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "set_name": {"type": "str"},
    "prune": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"api_version": {"type": "str", "required": True}, "kind": {"type": "str", "required": True}},
    },
    "groups_to_come": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    """Compares, and in a real run applies and removes."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    try:
        api = ClusterApi(given["kubeconfig"])
        if given["state"] == "present":
            to_come = tuple(given["groups_to_come"]) if module.check_mode else ()
            plan = object_set.plan(api, given["objects"], given["set_name"], given["prune"], to_come)
        else:
            plan = object_set.plan_removal(api, given["objects"])
        if not module.check_mode:
            plan = object_set.carry_out(api, plan)
    except ClusterError as error:
        module.fail_json(msg=str(error))
    diff = [one.diff() for one in plan.apply] + [object_set.removal_diff(one) for one in plan.remove]
    module.exit_json(
        changed=bool(diff),
        applied=[one.name for one in plan.apply],
        removed=[object_set.name_of(one) for one in plan.remove],
        diff=diff or None,
    )


if __name__ == "__main__":
    main()
