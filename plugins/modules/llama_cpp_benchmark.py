#!/usr/bin/python
"""Ansible door to :mod:`k8s_log_agent.llm.server_benchmark`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: llama_cpp_benchmark
short_description: Verify the throughput of a llama.cpp server
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Measures prompt and generation tokens per second by the server's own timings, the time to the first token as a
    client sees it, and the generation of all slots at once. The prompt cache is off, warm-up runs are dropped, and
    every figure comes with its median and spread over the repeats.
  - Fails when a minimum is not met, and says what was measured, what the machine's memory allows, and what to look at.
  - A result in O(dest) is used again as long as the model, the server's configuration and the options are the same.
  - Nothing is measured in check mode.
requirements:
  - The Python package C(k8s_log_agent) of the same version as this collection
options:
  base_url:
    description: The address of the server.
    type: str
    required: true
  config:
    description: What the server was started with, as in the configuration file of C(k8s_log_agent.llm.local_server).
    type: dict
    required: true
  model_sha256:
    description: The SHA-256 of the model file.
    type: str
    required: true
  model_bytes:
    description: The size of the model file in bytes.
    type: int
    required: true
  prompt_tokens:
    description: Length of the prompt that is read, in tokens.
    type: int
    default: 512
  generation_tokens:
    description: Length of the text that is generated, in tokens.
    type: int
    default: 128
  repetitions:
    description: Number of repeats that count, at least 5.
    type: int
    default: 5
  warmup:
    description: Number of repeats before them that are dropped, at least 1.
    type: int
    default: 1
  sweep_threads:
    description:
      - Numbers of threads to try. A temporary server on a free port is started for each; the server at O(base_url) is
        not changed.
    type: list
    elements: int
    default: []
  minimum_prompt_tokens_per_second:
    description: The lowest median that will do; V(0) asks for nothing.
    type: float
    default: 0
  minimum_generation_tokens_per_second:
    description: The lowest median that will do; V(0) asks for nothing.
    type: float
    default: 0
  minimum_parallel_tokens_per_second:
    description: The lowest median of all slots together that will do; V(0) asks for nothing.
    type: float
    default: 0
  maximum_time_to_first_token_ms:
    description: The longest median that will do, in milliseconds; V(0) asks for nothing.
    type: float
    default: 0
  dest:
    description: A JSON file that keeps the result.
    type: path
  force:
    description: Measure although O(dest) holds a result of the same model, configuration and options.
    type: bool
    default: false
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Verify that the model server is fast enough
  homelab.log_intelligence.llama_cpp_benchmark:
    base_url: http://127.0.0.1:18080
    config: "{{ lookup('ansible.builtin.file', '/srv/llama_cpp/server.json') | from_json }}"
    model_sha256: b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
    model_bytes: 98362432
    minimum_generation_tokens_per_second: 20
    dest: /srv/benchmark.json
"""

RETURN = r"""
measured:
  description: Whether this run measured; false when the result in O(dest) was used, and in check mode.
  type: bool
  returned: always
benchmark:
  description: The result; null in check mode when there is none yet.
  type: dict
  returned: always
  contains:
    measured_at:
      description: When, in ISO 8601 with the time zone.
      type: str
    threads:
      description: Number of threads of the server.
      type: int
    throughput:
      description:
        - C(prompt_tokens_per_second), C(generation_tokens_per_second) and C(parallel_generation_tokens_per_second) (all
          slots together) in tokens per second, C(time_to_first_token_ms) in milliseconds, each with C(median),
          C(median_absolute_deviation), C(minimum), C(maximum) and C(samples).
      type: dict
    memory_bandwidth_bytes_per_second:
      description: How fast the processors read memory, in bytes per second.
      type: float
    generation_ceiling_tokens_per_second:
      description: That bandwidth divided by the model's bytes.
      type: float
    sweep:
      description: The medians for each number of threads, in tokens per second.
      type: list
      elements: dict
    recommended_threads:
      description: The best number of threads of the sweep; null without one.
      type: int
    seconds_taken:
      description: How long the measurement took, in seconds.
      type: float
shortfalls:
  description: One phrase for each minimum that is not met.
  type: list
  elements: str
  returned: always
"""

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import package

if TYPE_CHECKING:
    from k8s_log_agent.llm.benchmark import Benchmark, BenchmarkOptions
    from k8s_log_agent.llm.local_server import ServerConfig

ARGUMENTS = {
    "base_url": {"type": "str", "required": True},
    "config": {"type": "dict", "required": True},
    "model_sha256": {"type": "str", "required": True},
    "model_bytes": {"type": "int", "required": True},
    "prompt_tokens": {"type": "int", "default": 512, "no_log": False},
    "generation_tokens": {"type": "int", "default": 128, "no_log": False},
    "repetitions": {"type": "int", "default": 5},
    "warmup": {"type": "int", "default": 1},
    "sweep_threads": {"type": "list", "elements": "int", "default": []},
    "minimum_prompt_tokens_per_second": {"type": "float", "default": 0, "no_log": False},
    "minimum_generation_tokens_per_second": {"type": "float", "default": 0, "no_log": False},
    "minimum_parallel_tokens_per_second": {"type": "float", "default": 0, "no_log": False},
    "maximum_time_to_first_token_ms": {"type": "float", "default": 0, "no_log": False},
    "dest": {"type": "path"},
    "force": {"type": "bool", "default": False},
}


def main() -> None:
    """Takes the stored result or measures, keeps it, and holds it against the minima."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    benchmark = package.load(module, "k8s_log_agent.llm.benchmark")
    local_server = package.load(module, "k8s_log_agent.llm.local_server")
    given = module.params
    try:
        names = ("prompt_tokens", "generation_tokens", "repetitions", "warmup", "sweep_threads")
        options = benchmark.BenchmarkOptions(**{name: given[name] for name in names})
        config = local_server.ServerConfig(**given["config"])
    except ValueError as error:
        module.fail_json(msg=f"The options cannot be used: {error}")
    minima = benchmark.Minima(
        prompt_tokens_per_second=given["minimum_prompt_tokens_per_second"],
        generation_tokens_per_second=given["minimum_generation_tokens_per_second"],
        parallel_tokens_per_second=given["minimum_parallel_tokens_per_second"],
        maximum_time_to_first_token_ms=given["maximum_time_to_first_token_ms"],
    )
    dest = Path(given["dest"]) if given["dest"] else None
    wanted = benchmark.fingerprint(given["model_sha256"], config.model_dump(mode="json"), options)
    stored = dest.read_bytes() if dest and dest.is_file() else None
    found: Benchmark | None = None if given["force"] else benchmark.reusable(stored, wanted)
    measures = found is None and not module.check_mode
    changed = found is None and dest is not None
    diff = {"before": {"measurement_of": _fingerprint_in(stored)}, "after": {"measurement_of": wanted}}
    if measures:
        found = _measure(module, config, options)
        if dest:
            _keep(module, dest, found)
    shortfalls = benchmark.shortfalls(found.throughput, minima) if found else []
    result = {
        "changed": changed,
        "measured": measures,
        "benchmark": found.model_dump(mode="json") if found else None,
        "shortfalls": shortfalls,
        "diff": diff if changed else None,
    }
    if found and shortfalls:
        module.fail_json(msg=f"Too slow: {'; '.join(shortfalls)}. {benchmark.advice(found, minima)}", **result)
    module.exit_json(**result)


def _measure(module: AnsibleModule, config: ServerConfig, options: BenchmarkOptions) -> Benchmark:
    server_benchmark = package.load(module, "k8s_log_agent.llm.server_benchmark")
    probe = package.load(module, "k8s_log_agent.llm.throughput_probe")
    try:
        measured: Benchmark = server_benchmark.benchmark_server(
            module.params["base_url"],
            config=config,
            model_sha256=module.params["model_sha256"],
            model_bytes=module.params["model_bytes"],
            options=options,
            now=lambda: datetime.now(timezone.utc),  # noqa: UP017 - `datetime.UTC` needs Python 3.11
        )
    except probe.MeasurementError as error:
        module.fail_json(
            msg=f"The throughput could not be measured: {error}. Nothing was kept. Look at the server's log, "
            "and run again."
        )
    return measured


def _keep(module: AnsibleModule, dest: Path, measured: Benchmark) -> None:
    partial = dest.with_name(dest.name + ".partial")
    partial.write_text(measured.model_dump_json(indent=2) + "\n", encoding="utf-8")
    module.atomic_move(str(partial), str(dest))


def _fingerprint_in(stored: bytes | None) -> str | None:
    try:
        kept: Any = json.loads(stored or b"null")
    except ValueError:
        return None
    return str(kept.get("fingerprint")) if isinstance(kept, dict) else None


if __name__ == "__main__":
    main()
