from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import workload_diagnosis as diagnosis
from ansible_collections.homelab.log_intelligence.plugins.module_utils.cluster_api import ClusterError

WORKLOAD = {
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"selector": {"matchLabels": {"app": "web"}}},
}
CRASHED = {
    "metadata": {"name": "web-1"},
    "spec": {"nodeName": "node-2"},
    "status": {
        "phase": "Running",
        "containerStatuses": [
            {
                "name": "web",
                "ready": False,
                "restartCount": 3,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
            }
        ],
    },
}


class RecordedApi:
    """Answers with what a cluster said."""

    def __init__(self, pods: list[dict[str, Any]], events: list[dict[str, Any]], log: str | None) -> None:
        self.pods, self.events, self.log = pods, events, log
        self.asked: list[dict[str, str]] = []

    def get(self, path: str, **query: str) -> dict[str, Any]:
        return {"items": self.pods if path.endswith("/pods") else self.events}

    def text(self, path: str, **query: str) -> str:
        self.asked.append(query)
        if self.log is None:
            raise ClusterError("gone")
        return self.log


def event(reason: str, message: str, name: str, when: str) -> dict[str, Any]:
    return {
        "reason": reason,
        "message": message,
        "lastTimestamp": when,
        "involvedObject": {"kind": "Pod", "name": name},
    }


def test_a_crash_is_told_with_its_state_its_last_words_and_the_cause() -> None:
    api = RecordedApi([CRASHED], [], "loading\nout of room\n")

    told = diagnosis.diagnose(api, WORKLOAD)

    assert "Likely cause: it used more memory than its limit" in told
    assert "web ended: OOMKilled, exit code 137" in told
    assert "loading | out of room" in told
    assert api.asked == [{"container": "web", "tailLines": "8", "previous": "true"}]


def test_the_newest_warning_of_each_reason_is_told_and_those_of_others_are_not() -> None:
    events = [
        event("FailedMount", "old", "web-1", "2026-11-25T10:00:00Z"),
        event("FailedMount", "new", "web-1", "2026-11-25T11:00:00Z"),
        event("FailedMount", "other", "database-1", "2026-11-25T12:00:00Z"),
    ]

    assert diagnosis.warnings_about(events, "web", {"web-1"}) == ["FailedMount: new"]


def test_a_log_that_cannot_be_read_is_left_out() -> None:
    assert "Its last lines" not in diagnosis.diagnose(RecordedApi([CRASHED], [], None), WORKLOAD)


def test_a_workload_without_pods_is_explained_by_its_warnings() -> None:
    refused = event("FailedCreate", "pods is forbidden: exceeded quota: platform", "web-7d", "2026-11-25T10:00:00Z")

    told = diagnosis.diagnose(RecordedApi([], [refused], None), WORKLOAD)

    assert "it has no pod" in told and "Likely cause: the namespace's quota is too small" in told


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("0/2 nodes are available: 1 node(s) had untolerated taint {heavy: true}", "no node takes the pod"),
        ("Back-off pulling image: ErrImagePull", "the image cannot be fetched"),
        (
            'MountVolume.NewMounter initialization failed: path "/mnt/k8s-storage/loki" does not exist',
            "directory is missing",
        ),
        ("no PriorityClass with name platform-store was found", "its priority class is missing"),
        ("violates PodSecurity baseline", "pod security level"),
        ("gguf_init_from_file: failed to open GGUF file /models/a.gguf", "a file that it needs is missing"),
        ("pod has unbound immediate PersistentVolumeClaims", "volume cannot be bound"),
    ],
)
def test_the_likely_cause_is_found_in_what_the_cluster_says(said: str, cause: str) -> None:
    assert cause in diagnosis.likely_cause(said)
