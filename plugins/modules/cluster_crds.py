#!/usr/bin/python
"""Ansible door to :mod:`crd_owner`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_crds
short_description: Bring custom resource definitions to a cluster, with one owner
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Applies the definitions server-side, since the large ones do not fit into the annotation of a client-side apply, and
    waits until they are established.
  - Definitions that another installer keeps, such as K3s, are left to it when they serve. When they do not, the module
    fails and names the owner, unless O(take_over=true).
  - It never removes a definition, since all objects of its kind would go with it.
requirements:
  - The Python package C(kubernetes)
  - Helm, when O(source) is a chart
options:
  kubeconfig:
    description: The kubeconfig file of the cluster.
    type: path
    required: true
  source:
    description: A chart of definitions (address, directory or archive), or a local directory or file of manifests.
    type: str
    required: true
  version:
    description: The version of the chart; empty takes the newest, or what a local chart says.
    type: str
    default: ""
  release_values:
    description: The values that the chart is rendered with.
    type: dict
    default: {}
  binary_path:
    description: Helm 3 or 4, by name or path.
    type: path
    default: helm
  set_name:
    description: The name that marks the definitions as this collection's.
    type: str
    required: true
  take_over:
    description: Apply also over definitions that another installer keeps.
    type: bool
    default: false
  timeout_seconds:
    description: How long the definitions may take to be established, in seconds.
    type: int
    default: 60
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Bring the definitions of the gateway
  homelab.log_intelligence.cluster_crds:
    kubeconfig: /etc/homelab/kubeconfig
    source: oci://docker.io/envoyproxy/gateway-crds-helm
    version: v1.9.0
    release_values: {crds: {gatewayAPI: {enabled: true, channel: standard}, envoyGateway: {enabled: true}}}
    set_name: gateway-crds
"""

RETURN = r"""
applied:
  description: What was missing or differed, as kind and name.
  type: list
  elements: str
  returned: always
left:
  description: For each API group that another installer keeps, a sentence that names it.
  type: list
  elements: str
  returned: always
groups_to_come:
  description: The API groups of which definitions are missing; empty after a real run.
  type: list
  elements: str
  returned: always
"""

import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.yaml import yaml_dump, yaml_load_all
from ansible_collections.homelab.log_intelligence.plugins.module_utils import crd_owner, object_set
from ansible_collections.homelab.log_intelligence.plugins.module_utils.cluster_api import ClusterApi, ClusterError
from ansible_collections.homelab.log_intelligence.plugins.module_utils.manifest_drift import Drift
from ansible_collections.homelab.log_intelligence.plugins.module_utils.workload_state import waiting_for

ARGUMENTS = {
    "kubeconfig": {"type": "path", "required": True},
    "source": {"type": "str", "required": True},
    "version": {"type": "str", "default": ""},
    "release_values": {"type": "dict", "default": {}},
    "binary_path": {"type": "path", "default": "helm"},
    "set_name": {"type": "str", "required": True},
    "take_over": {"type": "bool", "default": False},
    "timeout_seconds": {"type": "int", "default": 60},
}
PROGRESS = ("Pulled: ", "Digest: ")  # what Helm says of an OCI registry before the answer
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def manifests(module: AnsibleModule) -> list[dict[str, Any]]:
    """The objects of the source, the definitions first."""
    source = Path(module.params["source"])
    if source.is_dir() and not (source / "Chart.yaml").is_file():
        text = "\n---\n".join(one.read_text(encoding="utf-8") for one in sorted(source.rglob("*.yaml")))
    elif source.is_file() and source.suffix in (".yaml", ".yml"):
        text = source.read_text(encoding="utf-8")
    else:
        text = rendered(module)
    found = [one for one in yaml_load_all(text) if one]
    if not any(one["kind"] == "CustomResourceDefinition" for one in found):
        module.fail_json(msg=f"{source} holds no custom resource definition. Name the chart or directory that does.")
    return sorted(found, key=lambda one: one["kind"] != "CustomResourceDefinition")


def rendered(module: AnsibleModule) -> str:
    """What Helm makes of the chart."""
    given = module.params
    command = [given["binary_path"], "template", "crds", given["source"], "--values", "-"]
    if given["version"]:
        command += ["--version", given["version"]]
    code, out, err = module.run_command(command, data=yaml_dump(given["release_values"]))
    if code:
        module.fail_json(
            msg=f"The chart {given['source']} {given['version'] or '(newest)'} cannot be rendered: "
            f"{' '.join(err.split())[-400:]}. Check that this version exists and that this machine reaches its source, "
            "or give a local chart or directory of manifests."
        )
    return "\n".join(line for line in out.splitlines() if not line.startswith(PROGRESS))


def wait_until_established(module: AnsibleModule, api: ClusterApi, names: list[str]) -> None:
    """Fails when one is not established in time."""
    deadline = time.monotonic() + module.params["timeout_seconds"]
    waiting = names
    while waiting := [name for name in waiting if waiting_for(api.get(f"{DEFINITIONS}/{name}"), "Established")]:
        if time.monotonic() > deadline:
            module.fail_json(msg=f"Not established: {', '.join(waiting)}. See kubectl describe crd {waiting[0]}.")
        time.sleep(0.5)


def shown(drift: Drift) -> dict[str, Any]:
    """The difference of one object, without the schemas, which fill a screen each."""
    version = crd_owner.VERSION
    sides = [(one or {}).get("metadata", {}).get("annotations", {}) for one in (drift.before, drift.after)]
    told = [None if drift.before is None else sides[0].get(version, "differs"), sides[1].get(version, "as wanted")]
    return {"before": {drift.name: told[0]}, "after": {drift.name: told[1]}}


def main() -> None:
    """Looks whose the definitions are, compares, and in a real run applies and waits."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    wanted = manifests(module)
    try:
        api = ClusterApi(module.params["kubeconfig"])
        there = {one["metadata"]["name"]: one for one in api.get(DEFINITIONS)["items"]}
        decision = crd_owner.decide(wanted, there, module.params["take_over"])
        if decision.refused:
            module.fail_json(msg=" ".join(decision.refused.values()))
        for group, owner in decision.taken_over.items():
            if owner != "nobody":
                module.warn(f"The definitions of {group} are taken over from {owner}; do not remove that one now.")
        ours = [one for one in wanted if crd_owner.group_of(one) in decision.apply]
        planned = object_set.plan(api, ours, module.params["set_name"], [])
        if not module.check_mode:
            object_set.carry_out(api, planned)
            names = [one["metadata"]["name"] for one in ours if one["kind"] == "CustomResourceDefinition"]
            wait_until_established(module, api, names)
    except ClusterError as error:
        module.fail_json(msg=str(error))
    missing = {crd_owner.group_of(one.manifest) for one in planned.apply if one.before is None}
    diff = [shown(one) for one in planned.apply]
    module.exit_json(
        changed=bool(diff),
        applied=[one.name for one in planned.apply],
        left=list(decision.leave.values()),
        groups_to_come=sorted(missing) if module.check_mode else [],
        diff=diff or None,
    )


if __name__ == "__main__":
    main()
