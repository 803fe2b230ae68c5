"""The pages made from the roles are current, and what the roles ask for fits on the nodes and into the quotas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools.build_platform_docs import NODES, totals

ROOT = Path(__file__).resolve().parents[3]
MB_A_MIB = 1.048576


def test_the_pages_are_those_of_the_roles() -> None:
    command = [sys.executable, "-m", "tools.build_platform_docs", "--check"]

    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("node", NODES)
def test_requests_leave_a_quarter_of_the_node_and_memory_limits_fit(node: str) -> None:
    threads, memory = NODES[node]
    asked = totals()[node]

    assert asked.cpu_request <= 0.75 * threads
    assert asked.memory_request * MB_A_MIB <= 0.75 * memory
    assert asked.memory_limit * MB_A_MIB <= memory


def test_the_quota_of_llm_holds_its_models_and_a_test_pod() -> None:
    cluster = yaml.safe_load((ROOT / "roles/cluster/defaults/main.yml").read_text())
    models = yaml.safe_load((ROOT / "roles/llama_cpp/defaults/main.yml").read_text())["llama_cpp_models"]
    quota = cluster["cluster_quotas"]["llm"]

    assert sum(one["cpu_request"] for one in models) + 0.05 <= float(quota["requests.cpu"])
    assert sum(one["cpu_limit"] for one in models) + 0.5 <= float(quota["limits.cpu"])
    assert sum(one["memory_limit_mib"] for one in models) + 256 <= 1024 * float(
        quota["limits.memory"].removesuffix("Gi")
    )
    assert sum(one["memory_request_mib"] for one in models) + 64 <= (
        1024 * float(quota["requests.memory"].removesuffix("Gi"))
    )


def test_each_flow_is_between_known_peers() -> None:
    flows = yaml.safe_load((ROOT / "roles/cluster/vars/flows.yml").read_text())
    peers = set(flows["_cluster_peers"])

    assert {key for flow in flows["_cluster_flows"] for key in flow} <= {"from", "to", "ports", "protocols", "why"}
    assert {flow[end] for flow in flows["_cluster_flows"] for end in ("from", "to")} <= peers
