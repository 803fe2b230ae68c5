"""The whole way: the disk is claimed, the machine joins, and what runs there is what may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.playbook import Run
from tests.cluster.site import until
from tests.host.virtual_node.site import PAUSE, MixedSite

_TOLERATION = {"key": "heavy", "operator": "Equal", "value": "true", "effect": "NoSchedule"}
_PLACE = "/mnt/k8s-storage"
_GIB = 1 << 30


def _pod(name: str, **spec: Any) -> dict[str, Any]:
    container = {"name": "pause", "image": PAUSE, "imagePullPolicy": "Never"}
    spec = {"nodeSelector": {"hardware": "heavy"}, "terminationGracePeriodSeconds": 0, "containers": [container]} | spec
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


@pytest.fixture
def two_pods(site: MixedSite, first_run: Run) -> Iterator[None]:
    """One pod that tolerates the heavy node and one that does not, both asking for it."""
    site.apply(_pod("tolerates", tolerations=[_TOLERATION]))
    site.apply(_pod("refuses"))
    yield
    site.delete("pod", "tolerates", "refuses")


def test_the_machine_joins_with_its_label_and_its_taint(site: MixedSite, first_run: Run) -> None:
    node = site.get("node", "node-2")

    assert site.ready_nodes() == {"node-1", "node-2"}
    assert node["metadata"]["labels"]["hardware"] == "heavy"
    assert node["spec"]["taints"] == [{"key": "heavy", "value": "true", "effect": "NoSchedule"}]
    assert node["status"]["nodeInfo"]["kubeletVersion"] == site.k3s.version
    addresses = {one["type"]: one["address"] for one in node["status"]["addresses"]}
    assert addresses["InternalIP"] == site.lab["node-2"].address


def test_its_nvme_disk_is_mounted_by_uuid_with_a_quota_for_each_application(site: MixedSite, first_run: Run) -> None:
    disk = site.machine.settings.disks[0]
    told = site.machine.run(f"findmnt --json --bytes --output SOURCE,FSTYPE,OPTIONS,UUID {_PLACE}").stdout
    mounted = json.loads(told)["filesystems"][0]
    table = site.machine.run(f"grep -h {_PLACE} /etc/fstab /etc/systemd/system/*.mount || true").stdout
    limits = site.machine.run(f"xfs_quota -x -c 'report -p -N -b' {_PLACE}").stdout.split("\n")
    shares = {line.split()[0].strip("#"): int(line.split()[3]) * 1024 for line in limits if line.strip()}

    assert site.machine.run(f"readlink -f {disk.by_id}").stdout.strip() == mounted["source"]
    assert mounted["fstype"] == "xfs"
    assert {"noatime", "prjquota"} <= set(mounted["options"].split(","))
    assert mounted["uuid"] in table
    assert sorted(size / _GIB for size in shares.values() if size) == [2, 2, 4, 4, 6]
    assert set(site.machine.run(f"ls {_PLACE}").stdout.split()) >= {"models", "loki", "chroma", "prometheus"}


def test_only_a_pod_that_tolerates_the_taint_runs_there(site: MixedSite, two_pods: None) -> None:
    until(lambda: site.get("pod", "tolerates")["status"]["phase"] == "Running", 600)
    refused = site.get("pod", "refuses")

    assert site.get("pod", "tolerates")["spec"]["nodeName"] == "node-2"
    assert refused["status"]["phase"] == "Pending"
    reasons = [one["message"] for one in refused["status"]["conditions"] if one["type"] == "PodScheduled"]
    assert any("untolerated taint" in reason for reason in reasons), reasons


def test_a_second_run_changes_and_restarts_nothing(site: MixedSite, first_run: Run, figures: dict[str, Any]) -> None:
    before = site.services()

    run = site.play()

    assert run.status == 0, run.end
    assert run.changed == []
    assert set(run.recap.values()) == {0}
    assert site.services() == before
    figures["second_run_seconds"] = round(run.seconds, 1)
    figures["second_run_over_first"] = round(run.seconds / first_run.seconds, 3)
