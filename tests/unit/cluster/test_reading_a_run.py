"""What the cluster tests read from Ansible's log, and what they look for in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.cluster import secrets
from tests.cluster.playbook import Run

_LOG = """
TASK [homelab.log_intelligence.k3s : Write the unit and the settings] **********
task path: /somewhere/configure.yml:2
changed: [node-1] => {"changed": true}
ok: [node-2] => {"changed": false}

TASK [homelab.log_intelligence.node_placement : Bring labels and taints to what the inventory says] ***
changed: [cluster] => (item=node-2) => {"changed": true}

PLAY RECAP *********************************************************************
cluster                    : ok=3    changed=1    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0
node-1                     : ok=43   changed=1    unreachable=0    failed=0    skipped=13   rescued=0    ignored=0
node-2                     : ok=37   changed=0    unreachable=0    failed=0    skipped=13   rescued=0    ignored=0
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with two changes."""
    log = tmp_path / "run.log"
    log.write_text(_LOG, encoding="utf-8")
    return Run(0, 1.0, log)


def test_each_change_is_read_with_its_task_and_host(run: Run) -> None:
    assert run.changed == [
        ("homelab.log_intelligence.k3s : Write the unit and the settings", "node-1"),
        ("homelab.log_intelligence.node_placement : Bring labels and taints to what the inventory says", "cluster"),
    ]


def test_the_recap_counts_the_changes_of_each_host(run: Run) -> None:
    assert run.recap == {"cluster": 1, "node-1": 1, "node-2": 0}


def test_secrets_are_tokens_and_the_private_part_of_a_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "k3s-token").write_text("a-token-that-opens-the-cluster\n", encoding="utf-8")
    user = {"name": "me", "user": {"client-certificate-data": "cHVibGlj" * 4, "client-key-data": "cHJpdmF0ZQ" * 4}}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump({"clusters": [], "users": [user]}), encoding="utf-8")
    (tmp_path / "kubeconfig.cluster.json").write_text('{"cluster_id": "not-a-secret-at-all"}', encoding="utf-8")
    assert secrets.on_controller(tmp_path) == {"a-token-that-opens-the-cluster", "cHJpdmF0ZQ" * 4}


def test_a_secret_is_looked_for_in_base64_too(run: Run) -> None:
    assert "YS10b2tlbi10aGF0LW9wZW5zLXRoZS1jbHVzdGV" in secrets.spelled({"a-token-that-opens-the-cluster"})
