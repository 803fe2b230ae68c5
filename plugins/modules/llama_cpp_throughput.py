#!/usr/bin/python
"""Ansible door to :mod:`k8s_log_agent.llm.throughput_probe`, through a Service of a cluster."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: llama_cpp_throughput
short_description: Measure prompt and generation tokens per second of a llama.cpp server in a cluster
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Reaches the server by its Service through the Kubernetes API and reads the server's own timings, so that the delay
    of the tunnel is no part of a figure. The prompt cache is off and the first run is dropped.
  - Returns rows for M(homelab.log_intelligence.verification_report), with a verdict where a minimum is given.
requirements:
  - The Python package C(kubernetes)
  - The Python package C(k8s_log_agent) of the same version as this collection
options:
  service:
    description: The Service of the server.
    type: dict
    required: true
    suboptions:
      kubeconfig:
        description: The kubeconfig file of the cluster.
        type: path
        required: true
      namespace:
        description: The namespace of the Service.
        type: str
        default: llm
      name:
        description: The name of the Service.
        type: str
        default: llama-cpp
      port:
        description: The port of the Service.
        type: int
        default: 8080
  prompt_tokens:
    description: Length of the prompt that is read, in tokens.
    type: int
    default: 512
  generation_tokens:
    description: Length of the text that is generated, in tokens.
    type: int
    default: 128
  repetitions:
    description: Number of repeats that count.
    type: int
    default: 3
  minimum_prompt_tokens_per_second:
    description: The lowest median that will do; V(0) asks for nothing.
    type: float
    default: 0
  minimum_generation_tokens_per_second:
    description: The lowest median that will do; V(0) asks for nothing.
    type: float
    default: 0
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
"""

EXAMPLES = r"""
- name: Measure the model server
  homelab.log_intelligence.llama_cpp_throughput:
    service:
      kubeconfig: /etc/homelab/kubeconfig
    minimum_generation_tokens_per_second: 18
  register: speed
"""

RETURN = r"""
prompt_tokens_per_second:
  description: The median of the repeats; null when it could not be measured.
  type: float
  returned: always
generation_tokens_per_second:
  description: The median of the repeats; null when it could not be measured.
  type: float
  returned: always
rows:
  description: The figures as rows.
  type: list
  elements: dict
  returned: always
"""

from statistics import median

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import package, service_tunnel
from ansible_collections.homelab.log_intelligence.plugins.module_utils.cluster_api import ClusterApi, ClusterError
from ansible_collections.homelab.log_intelligence.plugins.module_utils.verification import models
from ansible_collections.homelab.log_intelligence.plugins.module_utils.verification.rows import Topic

SERVICE = {
    "kubeconfig": {"type": "path", "required": True},
    "namespace": {"type": "str", "default": "llm"},
    "name": {"type": "str", "default": "llama-cpp"},
    "port": {"type": "int", "default": 8080},
}
ARGUMENTS = {
    "service": {"type": "dict", "required": True, "options": SERVICE},
    "prompt_tokens": {"type": "int", "default": 512, "no_log": False},
    "generation_tokens": {"type": "int", "default": 128, "no_log": False},
    "repetitions": {"type": "int", "default": 3},
    "minimum_prompt_tokens_per_second": {"type": "float", "default": 0, "no_log": False},
    "minimum_generation_tokens_per_second": {"type": "float", "default": 0, "no_log": False},
}


def measure(module: AnsibleModule) -> tuple[float, float]:
    """The medians for reading a prompt and for generating."""
    given = module.params
    probing = package.load(module, "k8s_log_agent.llm.throughput_probe")
    rates = package.load(module, "k8s_log_agent.llm.benchmark")
    service = given["service"]
    api = ClusterApi(service["kubeconfig"])
    read: list[float] = []
    written: list[float] = []
    with (
        service_tunnel.tunnel(api, service["namespace"], service["name"], service["port"]) as address,
        probing.ThroughputProbe(address) as probe,
    ):
        prompt = probe.prompt(given["prompt_tokens"])
        for repetition in range(given["repetitions"] + 1):
            reading, writing = probe.complete(prompt, 1), probe.complete(prompt[:8], given["generation_tokens"])
            if repetition:
                read.append(rates.prompt_rate(reading))
                written.append(rates.generation_rate(writing))
    return median(read), median(written)


def main() -> None:
    """Measures, and says it in rows."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    if given["repetitions"] < 1:
        module.fail_json(msg=f"repetitions is {given['repetitions']}; at least 1 is needed for a median.")
    error = ""
    read: float | None = None
    written: float | None = None
    try:
        read, written = measure(module)
    except (ClusterError, RuntimeError) as failure:
        error = str(failure)
    topic = Topic(models.SECTION)
    minimum = given["minimum_prompt_tokens_per_second"], given["minimum_generation_tokens_per_second"]
    what = (f"a prompt of {given['prompt_tokens']} tokens", f"{given['generation_tokens']} tokens generated")
    rows = [
        models.speed_row("reading a prompt", what[0], read, minimum[0], topic),
        models.speed_row("generating", what[1], written, minimum[1], topic),
        *(models.duration_row(tokens, tokens / written if written else None, topic) for tokens in (100, 200, 300)),
    ]
    if error:
        module.warn(f"The throughput could not be measured: {error}")
    module.exit_json(
        changed=False,
        prompt_tokens_per_second=read,
        generation_tokens_per_second=written,
        rows=[row.as_dict() for row in rows],
    )


if __name__ == "__main__":
    main()
