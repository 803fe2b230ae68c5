from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import (
    cluster_health,
    k3s_certificates,
    node_health,
)
from ansible_collections.homelab.log_intelligence.plugins.module_utils.backup.manifest import Manifest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.node_health import Observed, Space

from tests.module_door import run_module

NOW = datetime(2026, 3, 5, 3, 30, tzinfo=UTC)


def said(seen: Observed) -> list[tuple[str, str]]:
    found = node_health.judge("node-2", seen, NOW)
    assert all(one.host == "node-2" for one in found)
    assert all(one.mend or one.severity == "note" for one in found)
    return [(one.severity, one.what) for one in found]


def test_a_well_node_gives_nothing() -> None:
    well = Observed(
        spaces=(Space("/", 50, 3),),
        clock_synchronised=True,
        memory_stall_percent=0.2,
        certificates={"client-admin.crt": NOW + timedelta(days=200)},
        disks={"nvme": {"source": "smartctl", "passed": True, "wear_percent": 3, "media_errors": 0}},
        backups={"k3s": NOW - timedelta(hours=20)},
    )
    assert said(well) == []


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        (Observed(spaces=(Space("/", 86, 3),)), ("warning", "/ is 86 % full (bytes)")),
        (Observed(spaces=(Space("/mnt/k8s-storage", 40, 97),)), ("error", "/mnt/k8s-storage is 97 % full (inodes)")),
        (Observed(failed_units=("k3s-agent.service",)), ("error", "k3s-agent.service has failed")),
        (Observed(failed_units=("fwupd.service",)), ("warning", "fwupd.service has failed")),
        (Observed(clock_synchronised=False), ("warning", "the clock follows no time server")),
        (Observed(memory_stall_percent=22.4), ("warning", "programs waited 22 % of the last five minutes for memory")),
        (
            Observed(certificates={"serving.crt": NOW + timedelta(days=12)}),
            ("warning", "K3s' certificate serving.crt ends in 12 days"),
        ),
        (
            Observed(certificates={"serving.crt": NOW - timedelta(days=2)}),
            ("error", "K3s' certificate serving.crt is over since 2 days"),
        ),
        (
            Observed(disks={"nvme": {"source": "nvme", "passed": True, "media_errors": 7}}),
            ("error", "nvme reports that it fails (7 media errors)"),
        ),
        (
            Observed(disks={"nvme": {"source": "nvme", "passed": True, "wear_percent": 93}}),
            ("warning", "nvme has used 93 % of its writes"),
        ),
        (Observed(disks={"nvme": {"source": ""}}), ("note", "nvme says nothing of its health")),
        (Observed(backups={"k3s": None}), ("error", "there is no backup of k3s")),
        (
            Observed(backups={"chroma": NOW - timedelta(days=5)}),
            ("warning", "the newest backup of chroma is 5 days old"),
        ),
        (Observed(mounts_missing=("/mnt/k8s-storage",)), ("error", "/mnt/k8s-storage is not mounted")),
    ],
)
def test_each_ailment_is_one_finding(seen: Observed, wanted: tuple[str, str]) -> None:
    assert said(seen) == [wanted]


def node(name: str, ready: str = "True", **spec: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready, "message": "kubelet stopped posting node status"}]
    return {"metadata": {"name": name}, "spec": spec, "status": {"conditions": conditions}}


def pod(phase: str, *containers: dict[str, Any], created: str = "2026-03-05T03:00:00Z") -> dict[str, Any]:
    metadata = {"namespace": "llm", "name": "chroma-0", "creationTimestamp": created}
    return {"metadata": metadata, "status": {"phase": phase, "containerStatuses": list(containers)}}


def cluster(*, nodes: Any = (), pods: Any = (), claims: Any = (), expected: Any = ()) -> list[tuple[str, str]]:
    found = cluster_health.judge(nodes, pods, claims, expected, NOW)
    assert all(one.mend for one in found)
    return [(one.severity, one.what) for one in found]


def test_nodes_that_are_gone_down_or_closed_are_told() -> None:
    nodes = [node("node-1"), node("node-2", "Unknown", unschedulable=True)]
    assert cluster(nodes=nodes, expected=("node-1", "node-2", "node-3")) == [
        ("error", "node-3 is no node of the cluster"),
        ("error", "node-2 is not ready"),
        ("warning", "node-2 takes no new pods"),
    ]


def test_a_stuck_a_waiting_and_a_restarting_pod_are_told_apart() -> None:
    stuck = {"name": "chroma", "restartCount": 40, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    ended = {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-03-05T01:00:00Z"}
    restarted = {"name": "chroma", "restartCount": 5, "state": {"running": {}}, "lastState": {"terminated": ended}}

    assert cluster(pods=[pod("Running", stuck)]) == [("error", "llm/chroma-0: chroma is in CrashLoopBackOff")]
    assert cluster(pods=[pod("Pending")]) == [("error", "llm/chroma-0 waits for more than 10 minutes")]
    assert cluster(pods=[pod("Pending", created="2026-03-05T03:25:00Z")]) == []
    assert cluster(pods=[pod("Running", restarted)]) == [
        ("warning", "llm/chroma-0: chroma was restarted 5 times, the last time within a day")
    ]
    long_ago = {**restarted, "lastState": {"terminated": {**ended, "finishedAt": "2026-02-01T01:00:00Z"}}}
    assert cluster(pods=[pod("Running", long_ago), pod("Succeeded")]) == []


def test_a_claim_without_a_volume_is_told() -> None:
    claim = {"metadata": {"namespace": "llm", "name": "data-chroma-0"}, "status": {"phase": "Pending"}}
    assert cluster(claims=[claim]) == [("error", "the claim llm/data-chroma-0 is Pending")]


def test_this_machine_can_be_looked_at_and_the_page_is_the_worst_first(tmp_path: Path) -> None:
    options = {"host": "here", "backup_dir": str(tmp_path), "backup_items": ["k3s"], "mounts": [str(tmp_path)]}
    seen = run_module("node_health", options)["findings"]
    assert {"there is no backup of k3s", f"{tmp_path} is not mounted"} <= {one["what"] for one in seen}

    report = tmp_path / "doctor.json"
    extra = {"severity": "note", "host": "a", "what": "w", "why": "y", "mend": ""}
    page = run_module(
        "findings_report", {"findings": [extra, *seen], "looked_at": ["here"], "report_path": str(report)}
    )
    assert page["ok"] is False and page["table"].startswith("ERROR")
    assert json.loads(report.read_text())["findings"][-1] == extra


def test_pressure_on_a_node_and_a_stuck_first_container_are_told() -> None:
    pressed = node("node-1")
    pressed["status"]["conditions"].append({"type": "DiskPressure", "status": "True", "message": "imagefs is full"})
    assert cluster(nodes=[pressed]) == [("error", "node-1 has DiskPressure")]

    waiting = pod("Pending")
    stuck = {"name": "fetch", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    waiting["status"]["initContainerStatuses"] = [stuck]
    assert cluster(pods=[waiting]) == [("error", "llm/chroma-0: fetch is in ImagePullBackOff")]


def test_what_a_machine_tells_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "path" / "systemctl"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'k3s-agent.service loaded failed failed Lightweight Kubernetes'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    ends = {"serving.crt": NOW}
    monkeypatch.setattr(k3s_certificates, "expiries", lambda directory: ends if directory == tmp_path / "tls" else {})
    for name in ("20260301T033000Z", "20260302T033000Z", "by-hand"):
        folder = tmp_path / "backups" / "k3s" / name
        folder.mkdir(parents=True)
        made = Manifest("homelab", "node-1", "k3s", "sqlite", NOW.isoformat(), "", 0, {}, [])
        made.write(folder)
    (tmp_path / "backups" / "k3s" / "20260302T033000Z" / "manifest.json").write_text("{")

    seen = node_health.observe(
        certificate_dir=tmp_path / "tls", backup_dir=tmp_path / "backups", backup_items=["k3s"], disks=[], mounts=[]
    )

    assert seen.failed_units == ("k3s-agent.service",)
    assert seen.certificates == ends
    assert seen.backups == {"k3s": NOW}


def test_each_real_file_system_is_measured_once() -> None:
    mounts = "/dev/a / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n/dev/a /tmp ext4 rw 0 0\n/dev/b /absent xfs rw 0 0\n"
    (space,) = node_health._spaces(mounts)
    used = shutil.disk_usage("/")
    assert space.mount == "/"
    assert space.bytes_percent == pytest.approx(100 * (1 - used.free / used.total), abs=1)


def test_the_stall_is_that_of_five_minutes_for_all_programs(tmp_path: Path) -> None:
    file = tmp_path / "memory"
    file.write_text("some avg10=9.00 avg60=8.00 avg300=7.00 total=1\nfull avg10=6.00 avg60=5.00 avg300=4.50 total=1\n")
    assert node_health._stall(file) == 4.5
    assert node_health._stall(tmp_path / "absent") is None


def test_an_api_that_does_not_answer_is_a_finding(tmp_path: Path) -> None:
    (found,) = run_module("cluster_health", {"kubeconfig": str(tmp_path / "absent")})["findings"]
    assert found["what"] == "the API does not answer" and str(tmp_path) in found["why"]
