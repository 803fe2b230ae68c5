"""What stands in the way is found before anything is changed, all of it at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_checks
from ansible_collections.homelab.log_intelligence.plugins.module_utils.k3s_checks import Request

SERVER = Request("server", "node-1", "v1.36.4+k3s1", ["node-1"], ["node-1", "node-2"], server_token_sha256="aaaa")
AGENT = replace(SERVER, role="agent", host="node-2")
RUNNING: dict[str, Any] = {
    "role": "server",
    "member": True,
    "installed_version": "v1.36.4+k3s1",
    "datastore": "sqlite",
    "secrets_encryption": True,
    "server_token_sha256": "aaaa",
}
BARE: dict[str, Any] = {"role": None, "member": False, "installed_version": None, "secrets_encryption": None}


def test_a_bare_host_and_a_running_one_pass() -> None:
    assert k3s_checks.problems(SERVER, BARE, None) == []
    assert k3s_checks.problems(SERVER, RUNNING, None) == []
    assert k3s_checks.problems(AGENT, BARE, RUNNING) == []


@pytest.mark.parametrize(
    ("request_", "found", "words"),
    [
        (replace(SERVER, servers=[]), BARE, "no host is in the group"),
        (replace(SERVER, servers=["node-1", "node-2"]), BARE, "etcd needs an odd number"),
        (replace(SERVER, node_names=["a", "a", "b"]), BARE, "several hosts have the node name a"),
        (replace(SERVER, settings={"token": "x"}), BARE, "put it into k3s_environment as K3S_TOKEN"),
        (replace(SERVER, settings={"node-label+": ["a=b"]}), BARE, "use the role node_placement"),
        (replace(SERVER, settings={"data-dir": "/x"}), BARE, "use k3s_data_dir"),
        (replace(SERVER, cpu_policy="static"), BARE, "k3s_system_reserved"),
        (replace(SERVER, version="v1.35.0+k3s1"), RUNNING, "cannot go back"),
        (replace(SERVER, secrets_encryption=False), RUNNING, "set k3s_secrets_encryption: true"),
        (replace(SERVER, server_token_sha256="bbbb"), RUNNING, "not the one that this cluster was made with"),
        (AGENT, RUNNING, "reset it first"),
    ],
)
def test_each_obstacle_is_named_with_the_next_step(request_: Request, found: dict[str, Any], words: str) -> None:
    (problem,) = k3s_checks.problems(request_, found, None)

    assert words in problem


def test_an_agent_is_not_made_newer_than_its_server() -> None:
    (problem,) = k3s_checks.problems(AGENT, BARE, {**RUNNING, "installed_version": "v1.35.0+k3s1"})

    assert "Upgrade the server first" in problem


def test_what_the_server_runs_counts_more_than_what_lies_on_its_disk() -> None:
    half_upgraded = {**RUNNING, "installed_version": "v1.36.4+k3s1", "running_version": "v1.35.0+k3s1"}

    assert k3s_checks.problems(AGENT, BARE, half_upgraded)


def test_a_static_cpu_manager_with_reserved_processors_is_fine() -> None:
    wanted = replace(SERVER, cpu_policy="static", kubelet_settings={"systemReserved": {"cpu": "500m"}})

    assert k3s_checks.problems(wanted, BARE, None) == []


def test_all_obstacles_come_in_one_answer() -> None:
    wanted = replace(SERVER, servers=["node-1", "node-2"], settings={"token": "x"}, secrets_encryption=False)

    assert len(k3s_checks.problems(wanted, RUNNING, None)) == 3
