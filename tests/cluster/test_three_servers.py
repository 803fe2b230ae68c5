"""Three servers with embedded etcd: one after the other is restarted, and never one too many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.playbook import Run
from tests.cluster.site import K3s, Site, make_site, until
from tests.nodes import lab as labs

pytestmark = pytest.mark.integration
_NAMES = ("node-1", "node-2", "node-3")


@pytest.fixture(scope="module")
def servers(k3s: K3s) -> Iterator[Site]:
    """Three machines that are to be servers."""
    made = make_site("cluster-three", k3s, servers=_NAMES, agents=(), values={"k3s_ready_seconds": 240})
    yield made
    labs.destroy(made.lab.name)


@pytest.fixture(scope="module")
def running(servers: Site) -> Run:
    """The run that makes a cluster of them."""
    run = servers.play()
    assert run.status == 0, run.end
    return run


def _members(site: Site) -> set[str]:
    labelled = site.get("nodes", "-l", "node-role.kubernetes.io/etcd=true")["items"]
    return {node["metadata"]["name"] for node in labelled}


def test_three_servers_are_one_cluster_with_etcd_and_a_second_run_changes_nothing(servers: Site, running: Run) -> None:
    assert servers.ready_nodes() == set(_NAMES)
    assert _members(servers) == set(_NAMES)
    before = servers.services()
    again = servers.play()
    assert again.status == 0, again.end
    assert again.changed == []
    assert servers.services() == before


def test_a_setting_is_brought_to_one_server_after_the_other(
    servers: Site, running: Run, figures: dict[str, Any]
) -> None:
    servers.give(k3s_container_log_max_files=4)
    run = servers.play()
    assert run.status == 0, run.end
    restarted = [host for task, host in run.changed if "Keep K3s running" in task]
    assert restarted == list(_NAMES)
    assert servers.ready_nodes() == set(_NAMES)
    figures["three_servers_rolled_seconds"] = round(run.seconds, 1)


def test_no_server_is_restarted_while_the_others_could_not_do_without_it(servers: Site, running: Run) -> None:
    servers.lab["node-3"].run("systemctl", "stop", "k3s.service")
    until(lambda: servers.ready_nodes() == {"node-1", "node-2"}, 120)
    before = servers.services()
    servers.give(k3s_container_log_max_files=6)
    refused = servers.play()
    assert refused.status != 0
    assert "are needed to keep the cluster going" in refused.end
    assert servers.services()["node-1"]["k3s.service"] == before["node-1"]["k3s.service"]
    servers.lab["node-3"].run("systemctl", "start", "k3s.service")
    until(lambda: servers.ready_nodes() == set(_NAMES), 180)
    mended = servers.play()
    assert mended.status == 0, mended.end
