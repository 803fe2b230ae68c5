"""What becomes of a cluster over the years: another K3s, a node taken off and let back, and no way out at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.playbook import Run, play
from tests.cluster.site import WORK, K3s, Site, make_site, until
from tests.nodes import lab as labs

pytestmark = pytest.mark.integration
_HEAVY = ["node", "node-2"]


@pytest.fixture(scope="module")
def offline(k3s: K3s) -> Iterator[Site]:
    """Two machines without an image on them; program and archives lie on the controller."""
    if k3s.images is None:
        pytest.skip("an air-gapped site needs image archives: K3S_IMAGES=/folder/of/archives")
    archives = [str(path) for path in sorted(k3s.images.iterdir()) if ".tar" in path.name]
    made = make_site("cluster-life", k3s, values={"k3s_images": archives}, images_are_there=False)
    yield made
    labs.destroy(made.lab.name)


@pytest.fixture(scope="module")
def installed(offline: Site) -> Run:
    """The run that makes a cluster of them."""
    run = offline.play()
    assert run.status == 0, run.end
    return run


def test_a_machine_without_a_way_out_has_none(offline: Site) -> None:
    node = offline.lab["node-1"]
    assert node.run("sh", "-c", "timeout 5 curl -sS https://github.com/ 2>&1 || true").strip().startswith("curl:")


def test_an_incomplete_offline_set_is_reported_before_any_machine_is_changed(offline: Site) -> None:
    offline.give(k3s_images=["/nowhere/airgap-images.tar.zst"])
    run = offline.play()
    offline.give(
        k3s_images=[str(path) for path in sorted((offline.k3s.images or WORK).iterdir()) if ".tar" in path.name]
    )
    assert run.status != 0
    assert "/nowhere/airgap-images.tar.zst" in run.text
    assert run.changed == []


def test_images_come_from_the_archives_that_the_role_brings(offline: Site, installed: Run) -> None:
    def running() -> bool:
        deployments = {one["metadata"]["name"]: one["status"] for one in offline.get("deployments", "-A")["items"]}
        return all(deployments.get(name, {}).get("readyReplicas") == 1 for name in ("coredns", "metrics-server"))

    until(running, 180)


def test_a_node_that_was_reset_comes_back_by_a_run_of_the_site(offline: Site, installed: Run) -> None:
    reset = play(
        "playbooks/reset.yml", offline.inventory, WORK / "logs" / "reset.log", "--extra-vars", "k3s_reset_host=node-2"
    )
    assert reset.status == 0, reset.end
    assert {node["metadata"]["name"] for node in offline.get("nodes")["items"]} == {"node-1"}
    run = offline.play()
    assert run.status == 0, run.end
    assert offline.ready_nodes() == {"node-1", "node-2"}
    assert offline.get(*_HEAVY)["spec"]["taints"][0]["key"] == "heavy"


def test_another_k3s_is_brought_to_the_server_first_and_the_next_run_changes_nothing(
    offline: Site, installed: Run, figures: dict[str, Any]
) -> None:
    if "K3S_NEXT_BINARY" not in os.environ:
        pytest.skip("no later K3s was given: K3S_NEXT_BINARY=/path/to/a/later/k3s")
    later = K3s(Path(os.environ["K3S_NEXT_BINARY"]).resolve(), offline.k3s.images)
    offline.give(
        k3s_version=later.version,
        k3s_binary_source=str(later.binary),
        k3s_sha256=hashlib.sha256(later.binary.read_bytes()).hexdigest(),
    )
    run = offline.play()
    assert run.status == 0, run.end
    restarted = [host for task, host in run.changed if "Keep K3s running" in task]
    assert restarted == ["node-1", "node-2"]
    versions = {node["status"]["nodeInfo"]["kubeletVersion"] for node in offline.get("nodes")["items"]}
    assert versions == {later.version}
    assert "unschedulable" not in offline.get(*_HEAVY)["spec"]
    again = offline.play()
    assert again.changed == [], again.end
    figures["upgrade_seconds"] = round(run.seconds, 1)

    offline.give(k3s_version=offline.k3s.version, k3s_binary_source=str(offline.k3s.binary), k3s_sha256="")
    back = offline.play()
    assert back.status != 0
    assert "nothing was changed" in back.end
