"""The datastore of a running cluster is backed up, damaged, put back, and what was in it is there again."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.playbook import Run, play
from tests.cluster.site import WORK, Site, until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("age-keygen") is None, reason="the program age-keygen is missing (package age)"),
]
BACKUPS = "/var/backups/log-intelligence"


def run(site: Site, playbook: str, *arguments: str) -> Run:
    log = WORK / "logs" / f"{site.lab.name}-{playbook}-{time.monotonic_ns()}.log"
    return play(f"playbooks/{playbook}.yml", site.inventory, log, *arguments)


def config_map(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"written": "before"}}


def names(site: Site) -> set[str]:
    return {one["metadata"]["name"] for one in site.get("configmaps", "-n", "default")["items"]}


def collected(site: Site) -> Path:
    """Where the controller keeps its copies."""
    return WORK.parent / site.lab.name / "backups"


@pytest.fixture(scope="module")
def backed_up(site: Site, first_run: Run) -> Run:
    shutil.rmtree(collected(site), ignore_errors=True)
    site.apply(config_map("sentinel"))
    made = run(site, "backup")
    assert made.status == 0, made.end
    return made


def test_a_backup_lies_on_the_server_and_on_the_controller_and_a_timer_makes_the_next(
    site: Site, backed_up: Run
) -> None:
    (folder,) = site.lab["node-1"].run("ls", f"{BACKUPS}/k3s").split()
    (copied,) = (collected(site) / "node-1" / "k3s").iterdir()

    manifest = json.loads((copied / "manifest.json").read_text())
    assert copied.name == folder
    assert manifest["kind"] == "sqlite" and manifest["objects"]["configmaps"] >= 1
    timers = site.lab["node-1"].run("systemctl", "list-timers", "--all", "--output=json")
    assert "log-intelligence-backup.timer" in timers


def test_the_timers_own_run_makes_one_too(site: Site, backed_up: Run) -> None:
    before = len(site.lab["node-1"].run("ls", f"{BACKUPS}/k3s").split())
    site.lab["node-1"].run("systemctl", "start", "log-intelligence-backup.service")

    assert len(site.lab["node-1"].run("ls", f"{BACKUPS}/k3s").split()) == before + 1


def test_no_secret_is_in_a_log_or_in_clear_on_the_node(site: Site, backed_up: Run) -> None:
    token = (site.secrets / "k3s-token").read_text().strip()
    identity = next(
        line for line in (site.secrets / "backup-identity").read_text().splitlines() if line.startswith("AGE-SECRET")
    )

    assert token not in backed_up.text and identity not in backed_up.text
    assert (
        site.lab["node-1"].run("grep", "-rlE", f"{token}|AGE-SECRET", BACKUPS, "/etc/log-intelligence", check=False)
        == ""
    )
    assert site.lab["node-1"].run("ls", "-A", "/var/lib/log-intelligence/backup") == ""


def test_a_second_run_changes_nothing_but_makes_another_backup(site: Site, backed_up: Run) -> None:
    again = run(site, "backup")

    allowed = ("Make the backups", "Bring the copy", "Have the place of the copy", "Let the oldest go")
    assert again.status == 0, again.end
    assert [task for task, _ in again.changed if not any(words in task for words in allowed)] == []


def test_the_doctor_finds_nothing_to_mend_and_says_what_was_broken(site: Site, backed_up: Run) -> None:
    until(
        lambda: all(one["status"].get("phase") in ("Running", "Succeeded") for one in site.get("pods", "-A")["items"]),
        180,
    )
    well = run(site, "doctor")
    page = json.loads((WORK.parent / site.lab.name / "doctor.json").read_text())
    assert well.status == 0, well.end
    assert [one for one in page["findings"] if one["severity"] == "error"] == []

    site.lab["node-2"].run("systemctl", "stop", "k3s-agent")
    try:
        until(lambda: "node-2" not in site.ready_nodes(), 90)
        ill = run(site, "doctor")
    finally:
        site.lab["node-2"].run("systemctl", "start", "k3s-agent")
    assert "node-2 is not ready" in ill.text and "changed=0" in ill.text
    until(lambda: "node-2" in site.ready_nodes(), 90)


def test_another_token_is_refused_before_anything_is_touched(site: Site, backed_up: Run) -> None:
    file = site.secrets / "k3s-token"
    right = file.read_text()
    started = site.services()["node-1"]["k3s.service"]
    try:
        file.write_text("77" * 32)
        refused = run(site, "restore", "-e", "backup_restore_host=node-1")
    finally:
        file.write_text(right)

    assert refused.status != 0
    assert "made with another cluster token" in refused.text and "77" * 32 not in refused.text
    assert site.services()["node-1"]["k3s.service"] == started


def test_only_a_typed_host_is_restored(site: Site, backed_up: Run) -> None:
    assert "type the name of the server" in run(site, "restore").text
    assert run(site, "restore", "-e", "backup_restore_host=node-2").status != 0


def test_what_was_lost_is_back_and_what_came_later_is_gone(site: Site, backed_up: Run, figures: dict[str, Any]) -> None:
    site.delete("configmap", "sentinel")
    site.apply(config_map("later"))
    folder = sorted(site.lab["node-1"].run("ls", f"{BACKUPS}/k3s").split())[0]

    restored = run(
        site, "restore", "-e", "backup_restore_host=node-1", "-e", f"backup_restore_folder={BACKUPS}/k3s/{folder}"
    )

    assert restored.status == 0, restored.end
    until(lambda: "sentinel" in names(site), 60)
    assert "later" not in names(site)
    until(lambda: site.ready_nodes() == {"node-1", "node-2"}, 120)
    figures["restore_seconds"] = round(restored.seconds, 1)
    aside = site.lab["node-1"].run("find", "/var/lib/rancher/k3s", "-maxdepth", "1", "-name", "server-before-restore-*")
    assert len(aside.split()) == 1
    assert site.lab["node-1"].run("ls", "/run/log-intelligence") == ""


def test_after_a_restore_site_takes_over_the_new_admin_certificate_and_then_changes_nothing(
    site: Site, backed_up: Run
) -> None:
    first, second = site.play(), site.play()

    assert (first.status, second.status) == (0, 0), first.end + second.end
    assert {task.rpartition(" : ")[2] for task, _ in first.changed} <= {"Keep it on the controller"}
    assert second.changed == []
