#!/usr/bin/python
"""Ansible door to :mod:`workload_state` and :mod:`workload_diagnosis`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_readiness
short_description: Wait until objects of a cluster are ready and their servers answer, or say why not
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Waits for the roll-out of workloads, for conditions of other objects, and for HTTP answers of Services.
  - When the time is over, the message names what is missing, the states of the pods, the warnings about them, their
    last lines and the likely cause.
  - In check mode nothing is waited for, since the objects may not be there yet.
requirements:
  - The Python package C(kubernetes)
options:
  kubeconfig:
    description: The kubeconfig file of the cluster.
    type: path
    required: true
  namespace:
    description: The namespace of everything that does not name another.
    type: str
    default: default
  release_name:
    description: A Helm release whose Deployments, StatefulSets and DaemonSets are waited for.
    type: str
  objects:
    description: Further objects to wait for.
    type: list
    elements: dict
    default: []
    suboptions:
      api_version:
        description: The version of its API.
        type: str
        default: apps/v1
      kind:
        description: Its kind.
        type: str
        required: true
      name:
        description: Its name.
        type: str
        required: true
      namespace:
        description: Its namespace, when it is another one.
        type: str
      condition:
        description: The condition that must be true; without it the kind decides.
        type: str
        default: ""
  answers:
    description: Services that must answer a GET with status 200.
    type: list
    elements: dict
    default: []
    suboptions:
      service:
        description: The name of the Service.
        type: str
        required: true
      port:
        description: The port of the Service.
        type: int
        required: true
      path:
        description: What is asked for.
        type: str
        required: true
  timeout_seconds:
    description: How long all of it may take together.
    type: int
    default: 300
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
"""

EXAMPLES = r"""
- name: Wait until Loki takes requests
  homelab.log_intelligence.cluster_readiness:
    kubeconfig: /etc/homelab/kubeconfig
    namespace: logging
    release_name: loki
    answers:
      - service: loki
        port: 3100
        path: /ready

- name: Wait until the gateway has its address
  homelab.log_intelligence.cluster_readiness:
    kubeconfig: /etc/homelab/kubeconfig
    objects:
      - api_version: gateway.networking.k8s.io/v1
        kind: Gateway
        name: eg
        condition: Programmed
"""

RETURN = r"""
ready:
  description: What was found ready, as kind and name.
  type: list
  elements: str
  returned: always
  sample: [StatefulSet/loki]
waited_seconds:
  description: How long it took, in seconds.
  type: float
  returned: always
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import (
    helm_manifest,
    pod_http,
    workload_diagnosis,
    workload_state,
)
from ansible_collections.homelab.log_intelligence.plugins.module_utils.cluster_api import (
    ClusterApi,
    ClusterError,
    RefusedError,
)

ARGUMENTS = {
    "kubeconfig": {"type": "path", "required": True},
    "namespace": {"type": "str", "default": "default"},
    "release_name": {"type": "str"},
    "objects": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "api_version": {"type": "str", "default": "apps/v1"},
            "kind": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str"},
            "condition": {"type": "str", "default": ""},
        },
    },
    "answers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "service": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "path": {"type": "str", "required": True},
        },
    },
    "timeout_seconds": {"type": "int", "default": 300},
}
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
LOOK_AGAIN_SECONDS = 2.0


def wanted_objects(api: ClusterApi, given: dict[str, Any]) -> list[dict[str, Any]]:
    """What is to be waited for, each as a manifest with its condition."""
    wanted = [
        {
            "apiVersion": one["api_version"],
            "kind": one["kind"],
            "metadata": {"name": one["name"], "namespace": one["namespace"] or given["namespace"]},
            "condition": one["condition"],
        }
        for one in given["objects"]
    ]
    if given["release_name"]:
        parts = helm_manifest.deployed(api, given["namespace"], given["release_name"])
        wanted += [{**one, "condition": ""} for one in parts if one["kind"] in WORKLOADS]
    return wanted


def look(
    api: ClusterApi, wanted: list[dict[str, Any]], given: dict[str, Any]
) -> list[tuple[str, dict[str, Any] | None]]:
    """What is still missing: a sentence, and the workload when it is there. Answers are asked for last."""
    missing: list[tuple[str, dict[str, Any] | None]] = []
    for one in wanted:
        name = f"{one['kind']}/{one['metadata']['name']}"
        try:
            found = api.find(api.path_of(one, given["namespace"]))
        except RefusedError as refused:
            missing.append((f"{name}: {refused}", None))
            continue
        lacks = workload_state.waiting_for(found, one["condition"])
        if lacks:
            missing.append((f"{name} {lacks}", found if one["kind"] in (*WORKLOADS, "Job") else None))
    if missing:
        return missing
    told = [unanswered(api, asked, given) for asked in given["answers"]]
    return [(text, None) for text in told if text]


def unanswered(api: ClusterApi, asked: dict[str, Any], given: dict[str, Any]) -> str:
    """What is wrong with the answer of a Service; empty when it is 200."""
    where = f"{asked['service']}:{asked['port']}{asked['path']}"
    try:
        answer = pod_http.ask_service(api, given["namespace"], asked["service"], asked["port"], asked["path"])
    except ClusterError as error:
        return f"{where}: {error}"
    told = answer.body[:200].decode("utf-8", "replace").strip()
    return "" if answer.status == 200 else f"{where} answers {answer.status}: {told}"


def main() -> None:
    """Looks until everything is there or the time is over."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    started = time.monotonic()
    if module.check_mode:
        module.exit_json(changed=False, ready=[], waited_seconds=0.0)
    try:
        api = ClusterApi(given["kubeconfig"])
        wanted = wanted_objects(api, given)
        while missing := look(api, wanted, given):
            if time.monotonic() - started > given["timeout_seconds"]:
                texts = ". ".join(text for text, _workload in missing)
                reasons = [workload_diagnosis.diagnose(api, found) for _text, found in missing if found]
                module.fail_json(
                    msg=f"Not ready after {given['timeout_seconds']} s: {texts}. {' '.join(reasons)} "
                    "After the mend run the same command again."
                )
            time.sleep(LOOK_AGAIN_SECONDS)
    except ClusterError as error:
        module.fail_json(msg=str(error))
    names = [f"{one['kind']}/{one['metadata']['name']}" for one in wanted]
    module.exit_json(changed=False, ready=names, waited_seconds=round(time.monotonic() - started, 1))


if __name__ == "__main__":
    main()
