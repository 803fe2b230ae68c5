#!/usr/bin/python
"""Ansible door to :mod:`loki_answers`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: loki_query
short_description: Find log lines in a Loki, and wait until they are there
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Runs a LogQL query for lines over the last seconds or hours.
  - Reaches Loki by its address, or by its Service through the Kubernetes API.
  - With O(at_least) it waits until that many lines are found, as to see a line that a pod has just written.
requirements:
  - The Python package C(kubernetes), for O(service)
options:
  url:
    description: The address of Loki.
    type: str
  service:
    description: The Service of Loki.
    type: dict
    suboptions:
      kubeconfig:
        description: The kubeconfig file of the cluster.
        type: path
        required: true
      namespace:
        description: The namespace of the Service.
        type: str
        default: logging
      name:
        description: The name of the Service.
        type: str
        default: loki
      port:
        description: The port of the Service.
        type: int
        default: 3100
  query:
    description: The query, in LogQL.
    type: str
    required: true
  since_seconds:
    description: How far back is looked, in seconds.
    type: int
    default: 3600
  limit:
    description: How many lines are returned at most.
    type: int
    default: 100
  at_least:
    description: How many lines there must be; fewer are a failure when the time is over.
    type: int
    default: 0
  timeout_seconds:
    description: How long is waited for the lines, in seconds.
    type: int
    default: 30
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
"""

EXAMPLES = r"""
- name: Wait until a line of a test pod is found
  homelab.log_intelligence.loki_query:
    service:
      kubeconfig: /etc/homelab/kubeconfig
    query: '{namespace="default", pod="nonce"} |= "d41d8cd9"'
    at_least: 1
  register: found
"""

RETURN = r"""
lines:
  description: The lines, newest first.
  type: list
  elements: dict
  returned: always
  contains:
    timestamp:
      description: Nanoseconds since the epoch.
      type: str
    labels:
      description: Labels and structured metadata.
      type: dict
    text:
      description: The line.
      type: str
answer_seconds:
  description: How long the last answer took, in seconds.
  type: float
  returned: always
waited_seconds:
  description: How long it took until the lines were there, in seconds.
  type: float
  returned: always
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import loki_answers
from ansible_collections.homelab.log_intelligence.plugins.module_utils.cluster_api import ClusterApi, ClusterError

SERVICE = {
    "kubeconfig": {"type": "path", "required": True},
    "namespace": {"type": "str", "default": "logging"},
    "name": {"type": "str", "default": "loki"},
    "port": {"type": "int", "default": 3100},
}
ARGUMENTS = {
    "url": {"type": "str"},
    "service": {"type": "dict", "options": SERVICE},
    "query": {"type": "str", "required": True},
    "since_seconds": {"type": "int", "default": 3600},
    "limit": {"type": "int", "default": 100},
    "at_least": {"type": "int", "default": 0},
    "timeout_seconds": {"type": "int", "default": 30},
}
ANSWER_SECONDS = 60.0


def main() -> None:
    """Asks until the lines are there or the time is over."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
        required_one_of=[("url", "service")],
        mutually_exclusive=[("url", "service")],
    )
    given = module.params

    def find() -> loki_answers.Found:
        now = time.time()
        return loki_answers.find_lines(ask, given["query"], now - given["since_seconds"], now + 5, given["limit"])

    try:
        if given["url"]:
            ask = loki_answers.by_url(given["url"], ANSWER_SECONDS)
        else:
            service = given["service"]
            api = ClusterApi(service["kubeconfig"])
            ask = loki_answers.by_service(api, service["namespace"], service["name"], service["port"], ANSWER_SECONDS)
        found, waited = loki_answers.wait_for_lines(find, given["at_least"], given["timeout_seconds"])
    except (ClusterError, loki_answers.LokiError) as error:
        module.fail_json(msg=str(error))
    result = {
        "lines": found.lines,
        "answer_seconds": round(found.seconds, 3),
        "waited_seconds": round(waited, 1),
    }
    if len(found.lines) < given["at_least"]:
        module.fail_json(
            msg=f"{given['query']} found {len(found.lines)} lines within {given['timeout_seconds']} s, and "
            f"{given['at_least']} were expected. Check that the collectors run (kubectl get pods -n logging) and look "
            "at their log for refused pushes.",
            **result,
        )
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
