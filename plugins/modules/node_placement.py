#!/usr/bin/python
"""Ansible door to :mod:`placement`, :mod:`placement_impact` and :mod:`placement_api`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_placement
short_description: Bring labels and taints of a Kubernetes node to what the inventory says
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Sets the given labels and taints through the API, and removes those that it set before and that are wanted no
    longer.
  - What it has set is recorded in the node's annotation C(log-intelligence.homelab/placement); everything else on the
    node is left as it is, and so is what somebody has given another value since.
  - Tells for each change which pods it evicts, and which could not come back to the node once they end.
  - Runs where the kubeconfig lies, usually the controller.
requirements:
  - The Python package C(kubernetes)
options:
  node:
    description: The name of the node.
    type: str
    required: true
  labels:
    description: All labels that the inventory wants there. Numbers and booleans become text.
    type: dict
    default: {}
  taints:
    description: All taints that the inventory wants there.
    type: list
    elements: dict
    default: []
    suboptions:
      key:
        description: The key.
        type: str
        required: true
      value:
        description: The value.
        type: str
        default: ""
      effect:
        description: What the taint does to pods that do not tolerate it.
        type: str
        choices: [NoSchedule, PreferNoSchedule, NoExecute]
        required: true
  allow_eviction:
    description: Whether a change may end running pods. Without it such a change is refused, and the pods are named.
    type: bool
    default: false
  kubeconfig:
    description: The file with the cluster's address and credentials.
    type: path
    required: true
  timeout_seconds:
    description: How long the cluster may take for one answer.
    type: int
    default: 15
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Keep everything off node-2 that does not ask for it
  homelab.log_intelligence.node_placement:
    node: node-2
    labels: {hardware: heavy}
    taints:
      - {key: heavy, value: "true", effect: NoSchedule}
    kubeconfig: /home/me/homelab/secrets/kubeconfig
"""

RETURN = r"""
labels:
  description: All labels of the node, those of others included; in check mode as a real run would leave them.
  type: dict
  returned: success
taints:
  description: The same for the taints, each as C(key=value:effect).
  type: list
  elements: str
  returned: success
labels_set:
  description: The labels that were set or changed.
  type: dict
  returned: success
labels_removed:
  description: The names of the labels that were removed.
  type: list
  elements: str
  returned: success
taints_set:
  description: The taints that were set or changed.
  type: list
  elements: str
  returned: success
taints_removed:
  description: The taints that were removed.
  type: list
  elements: str
  returned: success
left_alone:
  description: Labels and taints that were set here once, are wanted no longer, and have been given another value since.
  type: list
  elements: str
  returned: success
joined_nodes:
  description: The names of the nodes that there are.
  type: list
  elements: str
  returned: when there is no node of that name
impact:
  description: The pods of the node that the change touches.
  type: list
  elements: dict
  returned: always, when the cluster was reached
  contains:
    namespace:
      description: The pod's namespace.
      type: str
    pod:
      description: The pod's name.
      type: str
    outcome:
      description: V(evicted), or V(could not return) once it ends.
      type: str
    because:
      description: The taint or the labels that do it.
      type: str
    after_seconds:
      description: The seconds that the pod's toleration gives it before it is evicted; null when there are none.
      type: int
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import placement, placement_impact
from ansible_collections.homelab.log_intelligence.plugins.module_utils.cluster_api import ClusterApi, ClusterError
from ansible_collections.homelab.log_intelligence.plugins.module_utils.placement_api import (
    ATTEMPTS,
    NodeApi,
    NodeMissingError,
)

ARGUMENTS = {
    "node": {"type": "str", "required": True},
    "labels": {"type": "dict", "default": {}},
    "taints": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "key": {"type": "str", "required": True, "no_log": False},
            "value": {"type": "str", "default": ""},
            "effect": {"type": "str", "choices": list(placement.EFFECTS), "required": True},
        },
    },
    "allow_eviction": {"type": "bool", "default": False},
    "kubeconfig": {"type": "path", "required": True},
    "timeout_seconds": {"type": "int", "default": 15},
}


def main() -> None:
    """Plans from the node as it is, and applies the plan; plans anew when the node was altered in between."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    try:
        wanted = placement.wanted_of(given["labels"], given["taints"])
        api = NodeApi(ClusterApi(given["kubeconfig"], given["timeout_seconds"]))
        change, impact = _reconcile(module, api, wanted)
    except NodeMissingError as missing:
        module.fail_json(msg=f"{missing} Nothing was changed.", joined_nodes=missing.known)
    except (placement.PlacementError, ClusterError) as problem:
        module.fail_json(msg=f"{str(problem).rstrip('.')}. Nothing was changed on {given['node']}.")
    for one in impact:
        module.warn(f"{given['node']}: {one}")
    module.exit_json(
        changed=bool(change),
        labels=change.after["labels"],
        taints=change.after["taints"],
        labels_set=change.labels_set,
        labels_removed=list(change.labels_removed),
        taints_set=[str(taint) for taint in change.taints_set],
        taints_removed=[str(taint) for taint in change.taints_removed],
        left_alone=list(change.left_alone),
        impact=[one.as_dict() for one in impact],
        diff={"before": change.before, "after": change.after},
    )


def _reconcile(
    module: AnsibleModule, api: NodeApi, wanted: placement.Wanted
) -> tuple[placement.Plan, list[placement_impact.Impact]]:
    name = module.params["node"]
    for _attempt in range(ATTEMPTS):
        node = api.node(name)
        change = placement.plan(node, wanted)
        impact = placement_impact.impacts(change, api.pods_on(name)) if change.sets_something else []
        _refuse_eviction(module, name, impact)
        if not change or module.check_mode or api.apply(name, change, node):
            return change, impact
    raise ClusterError(f"The node {name} was altered by somebody else {ATTEMPTS} times in a row; run again")


def _refuse_eviction(module: AnsibleModule, name: str, impact: list[placement_impact.Impact]) -> None:
    evicted = [one for one in impact if one.outcome == "evicted"]
    if evicted and not module.params["allow_eviction"]:
        named: list[Any] = [one.as_dict() for one in impact]
        module.fail_json(
            msg=f"This change would end running pods on {name}: {', '.join(map(str, evicted))}. Nothing "
            "was changed. Give those pods a toleration, or allow it with allow_eviction (the role's variable "
            "node_placement_allow_eviction).",
            impact=named,
        )


if __name__ == "__main__":
    main()
