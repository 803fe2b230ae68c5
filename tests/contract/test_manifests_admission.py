"""The role cluster and the model servers on a real Kubernetes API: access, quotas, volumes, drift."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import api_server
from tests.cluster_tools import binary
from tests.role_runner import Run, run_role

ACCESS = [
    {"namespace": "llm", "role": "operator", "users": ["ada"]},
    {"namespace": "logging", "role": "viewer", "groups": ["staff"]},
]
TASKS = (
    "Apply namespaces, priorities, quotas and limits",
    "Apply the roles viewer and operator, and who has them",
    "Apply the network policies",
    "Apply the storage class and the volumes",
)


class Cluster:
    """One API, the role applied to it, and kubectl."""

    def __init__(self, kubeconfig: Path, directory: Path) -> None:
        self.kubeconfig, self.directory = kubeconfig, directory

    def apply(self, role: str = "cluster", *, check: bool = False, **variables: Any) -> Run:
        given = {"cluster_access": ACCESS, "llama_cpp_wait": False, **variables}
        given |= {f"{role}_kubeconfig": str(self.kubeconfig)}
        return run_role(role, given, self.directory, check=check)

    def kubectl(self, *words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [binary("kubectl"), "--kubeconfig", str(self.kubeconfig), *words]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False)

    def get(self, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("get", *words, "-o", "json").stdout)
        return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if reason := api_server.missing():
        pytest.skip(f"no Kubernetes API: {reason}")
    directory = tmp_path_factory.mktemp("api")
    one = Cluster(api_server.start(directory / "server"), directory / "run")
    predicted = one.apply(check=True)
    first = one.apply()
    assert first.ok, first.failure
    assert predicted.changed == first.changed == TASKS
    yield one
    api_server.stop(directory / "server")


def test_a_second_run_changes_nothing(cluster: Cluster) -> None:
    assert cluster.apply().changed == ()


CAN = [
    ("ada", "", "llm", "delete pods", "yes"),
    ("ada", "", "llm", "create pods/exec", "yes"),
    ("ada", "", "llm", "patch deployments.apps", "yes"),
    ("ada", "", "llm", "get pods/log", "yes"),
    ("ada", "", "llm", "get secrets", "no"),
    ("ada", "", "llm", "create rolebindings.rbac.authorization.k8s.io", "no"),
    ("ada", "", "llm", "delete resourcequotas", "no"),
    ("ada", "", "llm", "delete persistentvolumeclaims", "no"),
    ("ada", "", "logging", "get pods", "no"),
    ("bob", "staff", "logging", "get pods/log", "yes"),
    ("bob", "staff", "logging", "delete pods", "no"),
    ("bob", "staff", "logging", "get secrets", "no"),
    ("bob", "staff", "llm", "get pods", "no"),
]


@pytest.mark.parametrize(("user", "group", "namespace", "what", "expected"), CAN)
def test_access_is_what_was_given(  # noqa: PLR0917 - a row of the table
    cluster: Cluster, user: str, group: str, namespace: str, what: str, expected: str
) -> None:
    verb, resource = what.split()
    who = ["--as", user] + (["--as-group", group] if group else [])

    answer = cluster.kubectl("auth", "can-i", verb, resource, "-n", namespace, *who)

    assert answer.stdout.strip() == expected


def test_access_that_is_taken_out_is_revoked(cluster: Cluster) -> None:
    revoked = cluster.apply(cluster_access=ACCESS[1:])

    assert revoked.changed == (TASKS[1],)
    assert revoked.results[TASKS[1]]["removed"] == ["RoleBinding/llm/operator"]
    assert cluster.kubectl("auth", "can-i", "get", "pods", "-n", "llm", "--as", "ada").stdout.strip() == "no"
    assert cluster.apply().changed == (TASKS[1],)


ALTERED = [
    (
        TASKS[0],
        ["label", "namespace", "llm", "pod-security.kubernetes.io/enforce=privileged", "--overwrite"],
        "Namespace/llm",
    ),
    (TASKS[0], ["delete", "resourcequota", "platform", "-n", "llm"], "ResourceQuota/platform"),
    (TASKS[0], ["delete", "priorityclass", "platform-edge"], "PriorityClass/platform-edge"),
    (TASKS[2], ["delete", "networkpolicy", "default-deny", "-n", "llm"], "NetworkPolicy/default-deny"),
    (
        TASKS[3],
        ["patch", "persistentvolume", "loki", "-p", '{"spec": {"persistentVolumeReclaimPolicy": "Delete"}}'],
        "PersistentVolume/loki",
    ),
]


@pytest.mark.parametrize(("task", "command", "name"), ALTERED, ids=[name for _task, _command, name in ALTERED])
def test_what_was_altered_from_outside_is_mended_and_nothing_else(
    cluster: Cluster, task: str, command: list[str], name: str
) -> None:
    assert cluster.kubectl(*command).returncode == 0

    mended = cluster.apply()

    assert mended.changed == (task,)
    assert mended.results[task]["applied"] == [name]


def test_a_pod_that_states_nothing_gets_requests_and_limits_below_the_quota(cluster: Cluster) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "test", "namespace": "llm"},
        "spec": {"containers": [{"name": "curl", "image": "curl"}]},
    }

    made = cluster.kubectl("create", "-f", "-", "--dry-run=server", "-o", "json", given=json.dumps(pod))

    assert made.returncode == 0, made.stderr
    resources = json.loads(made.stdout)["spec"]["containers"][0]["resources"]
    assert resources == {"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "50m", "memory": "64Mi"}}


def test_a_privileged_pod_is_refused_in_llm(cluster: Cluster) -> None:
    container = {"name": "a", "image": "a", "securityContext": {"privileged": True}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "test", "namespace": "llm"},
        "spec": {"containers": [container]},
    }

    refused = cluster.kubectl("create", "-f", "-", "--dry-run=server", given=json.dumps(pod))

    assert refused.returncode != 0 and "PodSecurity" in refused.stderr


def test_the_claim_of_the_models_binds_to_its_volume_and_again_after_it_was_deleted(cluster: Cluster) -> None:
    first = cluster.apply("llama_cpp")
    assert first.ok, first.failure
    wait = ("wait", "--timeout=30s", "pvc/llama-models", "-n", "llm", "--for=jsonpath={.status.phase}=Bound")
    assert cluster.kubectl(*wait).returncode == 0
    assert cluster.get("pvc", "llama-models", "-n", "llm")["spec"]["volumeName"] == "llama-models"
    assert cluster.apply("llama_cpp").changed == ()

    cluster.kubectl("delete", "deployment", "--all", "-n", "llm")
    # No node's kubelet is there to let go of a claim that is in use.
    cluster.kubectl(
        "patch", "pvc", "llama-models", "-n", "llm", "--type=merge", "-p", '{"metadata":{"finalizers":null}}'
    )
    cluster.kubectl("delete", "pvc", "llama-models", "-n", "llm", "--wait=true", "--timeout=20s")
    cluster.kubectl("wait", "--timeout=30s", "pv/llama-models", "--for=jsonpath={.status.phase}=Released")
    rebound = cluster.apply()

    assert "Let a new claim of the same name have the volume again" in rebound.changed
    cluster.apply("llama_cpp")
    assert cluster.kubectl(*wait).returncode == 0


def test_a_model_that_is_taken_out_is_removed_and_the_claim_stays(cluster: Cluster) -> None:
    cluster.apply("llama_cpp")

    removed = cluster.apply("llama_cpp", llama_cpp_models=[])

    names = removed.results["Apply a Deployment and a Service for each model"]["removed"]
    assert set(names) == {
        f"{kind}/llm/{name}" for kind in ("Deployment", "Service") for name in ("llama-cpp", "llama-embed")
    }
    assert cluster.get("pvc", "llama-models", "-n", "llm")["metadata"]["name"] == "llama-models"


def test_a_quota_below_what_the_models_ask_for_is_a_plain_refusal_of_bad_input(cluster: Cluster) -> None:
    run = cluster.apply(cluster_quotas={"llm": {"limits.memory": "not a number"}})

    assert "ResourceQuota/llm/platform would not be taken" in run.failure
    assert "Correct the variables" in run.failure


def test_an_unknown_namespace_in_the_access_is_named(cluster: Cluster) -> None:
    run = cluster.apply(cluster_access=[{"namespace": "lmm", "role": "viewer", "users": ["ada"]}])

    assert "lmm" in run.failure and "envoy-gateway-system" in run.failure


def test_a_kubeconfig_of_another_cluster_is_refused(cluster: Cluster) -> None:
    record = Path(f"{cluster.kubeconfig}.cluster.json")
    record.write_text('{"cluster_id": "another", "server": "https://10.0.0.102:6443"}')
    try:
        refused = cluster.apply()
        uid = cluster.get("namespace", "kube-system")["metadata"]["uid"]
        record.write_text(json.dumps({"cluster_id": uid}))
        accepted = cluster.apply()
    finally:
        record.unlink()

    assert "belongs to the cluster another" in refused.failure and refused.changed == ()
    assert accepted.ok, accepted.failure
