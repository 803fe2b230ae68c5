"""Two bare machines become a cluster, a second run changes nothing, and what a person breaks is mended."""

from __future__ import annotations

import hashlib
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import secrets
from tests.cluster.playbook import ROOT, Run
from tests.cluster.site import Site, until
from tests.nodes.lab import reinstall

pytestmark = pytest.mark.integration
_TOLERATION = {"key": "heavy", "operator": "Equal", "value": "true", "effect": "NoSchedule"}
_HEAVY = ["node", "node-2"]
_AGENT = "k3s-agent.service"


def _pod(site: Site, name: str, **spec: Any) -> dict[str, Any]:
    """A pod of the image that every K3s node has: the one that holds a pod's namespaces."""
    images = site.lab["node-2"].run("k3s", "crictl", "images", "--quiet", "--no-trunc", check=False)
    assert images, "the node has no image; was K3S_IMAGES given?"
    container = {"name": "pause", "image": "docker.io/rancher/mirrored-pause:3.6", "imagePullPolicy": "Never"}
    spec = {"nodeSelector": {"hardware": "heavy"}, "terminationGracePeriodSeconds": 0, "containers": [container]} | spec
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


@pytest.fixture
def two_pods(site: Site, first_run: Run) -> Iterator[None]:
    """One pod that tolerates the heavy node and one that does not, both asking for it."""
    site.apply(_pod(site, "tolerates", tolerations=[_TOLERATION]))
    site.apply(_pod(site, "refuses"))
    yield
    site.delete("pod", "tolerates", "refuses")


def test_both_nodes_are_ready(site: Site, first_run: Run) -> None:
    assert site.ready_nodes() == {"node-1", "node-2"}


def test_each_node_runs_the_version_that_was_given(site: Site, first_run: Run) -> None:
    versions = {node["status"]["nodeInfo"]["kubeletVersion"] for node in site.get("nodes")["items"]}
    assert versions == {site.k3s.version}


def test_labels_and_the_taint_are_those_of_the_inventory(site: Site, first_run: Run) -> None:
    nodes = {node["metadata"]["name"]: node for node in site.get("nodes")["items"]}
    assert {name: node["metadata"]["labels"].get("hardware") for name, node in nodes.items()} == {
        "node-1": "light",
        "node-2": "heavy",
    }
    assert nodes["node-2"]["spec"]["taints"] == [{"key": "heavy", "value": "true", "effect": "NoSchedule"}]
    assert "taints" not in nodes["node-1"]["spec"]


def test_only_a_pod_that_tolerates_the_taint_runs_on_the_heavy_node(site: Site, two_pods: None) -> None:
    until(lambda: site.get("pod", "tolerates")["status"]["phase"] == "Running", 60)
    refused = site.get("pod", "refuses")
    assert refused["status"]["phase"] == "Pending"
    reasons = [one["message"] for one in refused["status"]["conditions"] if one["type"] == "PodScheduled"]
    assert any("untolerated taint" in reason for reason in reasons), reasons


def test_the_add_ons_that_stay_are_running(site: Site, first_run: Run) -> None:
    def running() -> bool:
        deployments = {one["metadata"]["name"]: one["status"] for one in site.get("deployments", "-A")["items"]}
        wanted = ("coredns", "local-path-provisioner", "metrics-server")
        return all(deployments.get(name, {}).get("readyReplicas") == 1 for name in wanted)

    until(running, 120)
    assert not [one for one in site.get("deployments", "-A")["items"] if one["metadata"]["name"] == "traefik"]


def test_what_holds_secrets_is_readable_by_its_owner_only(site: Site, first_run: Run) -> None:
    assert stat.S_IMODE(site.secrets.stat().st_mode) == 0o700
    files = [path for path in site.secrets.rglob("*") if path.is_file()]
    assert files
    assert {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in files} == {
        path.name: "0o600" for path in files
    }
    for node in site.lab.nodes:
        wide = node.run("find", "/etc/rancher/k3s", "-type", "f", "-perm", "/077").split()
        assert wide == [], f"{node.name}: {wide}"


def test_programs_and_units_cannot_be_written_by_others(site: Site, first_run: Run) -> None:
    for node in site.lab.nodes:
        places = ["/usr/local/bin", "/usr/local/lib", "/etc/systemd/system"]
        assert node.run("find", *places, "-type", "f", "-perm", "/022").split() == []


def test_no_secret_is_in_the_most_talkative_log(site: Site, first_run: Run) -> None:
    values = secrets.on_controller(site.secrets)
    for node in site.lab.nodes:
        values |= secrets.on_node(node)
    assert len(values) >= 3
    shown = [value[:4] + "…" for value in secrets.spelled(values) if value in first_run.text]
    assert shown == []


def test_a_second_run_changes_and_restarts_nothing(site: Site, first_run: Run, figures: dict[str, Any]) -> None:
    before = site.services()
    run = site.play()
    assert run.status == 0, run.end
    assert run.changed == []
    assert set(run.recap.values()) == {0}
    assert site.services() == before
    figures["second_run_seconds"] = round(run.seconds, 1)
    figures["second_run_over_first"] = round(run.seconds / first_run.seconds, 3)


def test_check_mode_predicts_that_nothing_would_change(site: Site, first_run: Run) -> None:
    run = site.play("--check", "--diff")
    assert run.status == 0, run.end
    assert run.changed == []


def test_a_label_and_a_taint_taken_away_by_hand_come_back_and_nothing_else_changes(site: Site, first_run: Run) -> None:
    before = site.services()
    site.k3s.kubectl(site.kubeconfig, "label", *_HEAVY, "hardware-")
    site.k3s.kubectl(site.kubeconfig, "taint", *_HEAVY, "heavy-")
    run = site.play()
    assert run.status == 0, run.end
    assert len(run.changed) == 1, run.changed
    node = site.get(*_HEAVY)
    assert node["metadata"]["labels"]["hardware"] == "heavy"
    assert [taint["key"] for taint in node["spec"]["taints"]] == ["heavy"]
    assert site.services() == before


def test_a_settings_file_changed_by_hand_is_mended_and_nothing_restarts_since_k3s_never_read_it(
    site: Site, first_run: Run
) -> None:
    before = site.services()
    node = site.lab["node-2"]
    node.run("sh", "-c", "echo 'debug: true' >> /etc/rancher/k3s/config.yaml")
    run = site.play()
    assert run.status == 0, run.end
    assert [host for _, host in run.changed] == ["node-2"]
    assert "debug" not in node.run("cat", "/etc/rancher/k3s/config.yaml")
    assert site.services() == before


def test_a_setting_changed_in_the_inventory_restarts_only_the_node_that_has_it(
    site: Site, first_run: Run, figures: dict[str, Any]
) -> None:
    before = site.services()
    host = site.inventory / "host_vars" / "node-2.yml"
    host.write_text(host.read_text(encoding="utf-8") + "k3s_container_log_max_files: 4\n", encoding="utf-8")
    run = site.play()
    assert run.status == 0, run.end
    assert {name for name, _ in run.changed} and {host for _, host in run.changed} == {"node-2"}
    after = site.services()
    assert after["node-1"] == before["node-1"]
    assert [name for name, since in after["node-2"].items() if before["node-2"].get(name) != since] == [_AGENT]
    assert "unschedulable" not in site.get(*_HEAVY)["spec"]
    figures["setting_changed_run_seconds"] = round(run.seconds, 1)


def test_an_agent_stopped_by_hand_is_started_again(site: Site, first_run: Run) -> None:
    site.lab["node-2"].run("systemctl", "stop", _AGENT)
    run = site.play()
    assert run.status == 0, run.end
    assert len(run.changed) == 1, run.changed
    assert site.ready_nodes() == {"node-1", "node-2"}


def test_a_wrong_token_is_reported_before_anything_is_changed(
    site: Site, first_run: Run, figures: dict[str, Any]
) -> None:
    reinstall(site.lab["node-2"], site.lab, images=site.k3s.images)
    wrong = hashlib.sha256(b"a token of another cluster").hexdigest()
    host = site.inventory / "host_vars" / "node-2.yml"
    right = host.read_text(encoding="utf-8")
    host.write_text(right + f"k3s_agent_token: {wrong}\n", encoding="utf-8")
    refused = site.play()
    host.write_text(right, encoding="utf-8")
    assert refused.status != 0
    assert "does not accept this host's token" in refused.end
    assert wrong not in refused.text
    assert not site.lab["node-2"].run("sh", "-c", "ls -A /etc/rancher 2>/dev/null || true")
    figures["wrong_token_reported_after_seconds"] = round(refused.seconds, 1)


def test_a_reinstalled_node_is_refused_until_its_name_is_typed_and_then_takes_its_place(
    site: Site, first_run: Run, figures: dict[str, Any]
) -> None:
    reinstall(site.lab["node-2"], site.lab, images=site.k3s.images)
    before = site.get(*_HEAVY)["metadata"]["uid"]
    refused = site.play()
    assert refused.status != 0
    assert "k3s_replace_host=node-2" in refused.end
    assert site.get(*_HEAVY)["metadata"]["uid"] == before
    assert not site.lab["node-2"].run("sh", "-c", "ls -A /etc/rancher 2>/dev/null || true")
    run = site.play("--extra-vars", "k3s_replace_host=node-2")
    assert run.status == 0, run.end
    assert site.ready_nodes() == {"node-1", "node-2"}
    assert site.get(*_HEAVY)["metadata"]["uid"] != before
    assert site.get(*_HEAVY)["metadata"]["labels"]["hardware"] == "heavy"
    again = site.play()
    assert again.changed == [], again.end
    figures["reinstalled_node_adopted_after_seconds"] = round(run.seconds, 1)


def test_no_secret_is_taken_for_a_host(site: Site, first_run: Run) -> None:
    listed = subprocess.run(
        [Path(sys.executable).with_name("ansible-inventory"), "-i", site.inventory, "--list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not [value[:4] for value in secrets.on_controller(site.secrets) if value in listed.stdout + listed.stderr]
