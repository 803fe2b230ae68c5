"""The role helm_release with real Helms against a real Kubernetes API: repair, drift, bad input."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import api_server
from tests.cluster_tools import binary
from tests.role_runner import Run, run_role

TEMPLATES = {
    "settings.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-settings\n"
    "data:\n  colour: {{ .Values.colour | quote }}\n",
    "web.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}\nspec:\n"
    "  replicas: {{ .Values.replicas }}\n  selector: {matchLabels: {app: web}}\n  template:\n"
    "    metadata: {labels: {app: web}}\n    spec:\n      containers: [{name: web, image: nowhere.invalid/web:1}]\n",
}


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if reason := api_server.missing():
        pytest.skip(f"no Kubernetes API: {reason}")
    directory = tmp_path_factory.mktemp("api")
    yield api_server.start(directory)
    api_server.stop(directory)


@pytest.fixture(params=["helm3", "helm4"])
def helm(request: pytest.FixtureRequest) -> str:
    return binary(request.param)


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\n")
    (folder / "values.yaml").write_text("replicas: 1\ncolour: blue\nextra: {}\n")
    for name, text in TEMPLATES.items():
        (folder / "templates" / name).write_text(text)
    return folder


class Release:
    """One release in a namespace of its own, and the ways to look at it and to hurt it."""

    def __init__(self, kubeconfig: Path, helm: str, chart: Path, directory: Path, namespace: str) -> None:
        self.kubeconfig, self.helm, self.chart, self.directory = kubeconfig, helm, chart, directory
        self.namespace = namespace

    def deploy(self, *, check: bool = False, wait: bool = False, **values: Any) -> Run:
        variables = {
            "helm_release_kubeconfig": str(self.kubeconfig),
            "helm_release_binary": self.helm,
            "helm_release_chart_ref": str(self.chart),
            "helm_release_release_name": "web",
            "helm_release_namespace": self.namespace,
            "helm_release_values": values,
            "helm_release_wait": wait,
            "helm_release_timeout_seconds": 3,
            "helm_release_pending_seconds": 0,
        }
        return run_role("helm_release", variables, self.directory, check=check)

    def kubectl(self, *words: str, given: str | None = None) -> str:
        command = [binary("kubectl"), "--kubeconfig", str(self.kubeconfig), "--namespace", self.namespace, *words]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout

    def history(self) -> dict[int, str]:
        command = [
            self.helm,
            "history",
            "web",
            "--kubeconfig",
            str(self.kubeconfig),
            "-n",
            self.namespace,
            "-o",
            "json",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return {one["revision"]: one["status"] for one in json.loads(done.stdout)}

    def interrupt(self, status: str, number: int) -> None:
        """Leaves a revision as a Helm does that was killed on its way: recorded, and never ended."""
        from ansible_collections.homelab.log_intelligence.plugins.module_utils import helm_history  # noqa: PLC0415

        name = f"sh.helm.release.v1.web.v{number}"
        last = json.loads(self.kubectl("get", "secret", "-l", "owner=helm,name=web", "-o", "json"))["items"][-1]
        release = helm_history.read(last)
        release["version"], release["info"]["status"] = number, status
        labels = {**last["metadata"]["labels"], "status": status, "version": str(number)}
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "helm.sh/release.v1",
            "metadata": {"name": name, "labels": labels},
            "data": {"release": helm_history.write(release)},
        }
        self.kubectl("apply", "-f", "-", given=json.dumps(secret))

    def settings(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.kubectl("get", "configmap", "web-settings", "-o", "json"))["data"]
        return found


@pytest.fixture
def release(
    kubeconfig: Path, helm: str, chart: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Release]:
    name = f"t{abs(hash(request.node.name)) % 10**8}"
    one = Release(kubeconfig, helm, chart, tmp_path / "run", name)
    one.kubectl("create", "namespace", name)
    yield one
    one.kubectl("delete", "namespace", name, "--wait=false")


def test_a_release_is_made_once_and_check_mode_predicts_it(release: Release) -> None:
    predicted = release.deploy(check=True)
    first = release.deploy()
    second = release.deploy()

    assert predicted.changed == first.changed == ("Deploy the chart",)
    assert second.ok and second.changed == ()
    assert release.history() == {1: "deployed"}


def test_changed_values_make_a_new_revision(release: Release) -> None:
    release.deploy(colour="blue")

    changed = release.deploy(colour="red")

    assert changed.changed == ("Deploy the chart",)
    assert release.settings() == {"colour": "red"}


@pytest.mark.parametrize("status", ["pending-upgrade", "pending-rollback"])
def test_an_interrupted_upgrade_is_mended_and_the_good_revision_stays(release: Release, status: str) -> None:
    release.deploy(colour="blue")
    release.interrupt(status, 2)

    predicted = release.deploy(check=True, colour="green")
    mended = release.deploy(colour="green")

    assert mended.ok, mended.failure
    assert mended.changed == predicted.changed == ("Mend what an interrupted run has left", "Deploy the chart")
    assert release.history() == {1: "superseded", 2: "failed", 3: "deployed"}
    assert release.settings() == {"colour": "green"}
    assert release.deploy(colour="green").changed == ()


@pytest.mark.parametrize("status", ["pending-install", "failed"])
def test_a_first_installation_that_broke_is_made_anew_over_what_it_left(release: Release, status: str) -> None:
    release.deploy(colour="blue")
    release.interrupt(status, 1)
    before = release.kubectl("get", "deployment", "web", "-o", "jsonpath={.metadata.uid}")
    release.kubectl("delete", "configmap", "web-settings")

    mended = release.deploy(colour="green")

    assert mended.ok, mended.failure
    assert release.history() == {1: "deployed"}
    assert release.settings() == {"colour": "green"}
    assert release.kubectl("get", "deployment", "web", "-o", "jsonpath={.metadata.uid}") == before
    assert release.deploy(colour="green").changed == ()


def test_what_was_altered_from_outside_is_undone_and_nothing_else(release: Release) -> None:
    release.deploy(replicas=1)
    release.kubectl("patch", "deployment", "web", "-p", '{"spec": {"replicas": 4}}')
    release.kubectl("annotate", "deployment", "web", "note=mine")
    release.kubectl("delete", "configmap", "web-settings")

    predicted = release.deploy(check=True, replicas=1)
    mended = release.deploy(replicas=1)

    assert predicted.changed == mended.changed == ("Undo what was altered from outside",)
    result = mended.results["Undo what was altered from outside"]
    assert sorted(result["mended"]) == ["ConfigMap/web-settings", "Deployment/web"]
    assert {
        "before": {"Deployment/web": {"spec": {"replicas": 4}}},
        "after": {"Deployment/web": {"spec": {"replicas": 1}}},
    } in (result["diff"])
    assert release.kubectl("get", "deployment", "web", "-o", "jsonpath={.metadata.annotations.note}") == "mine"
    assert release.deploy(replicas=1).changed == ()
    assert release.history() == {1: "deployed"}


def test_a_misspelt_value_is_named_with_the_right_one(release: Release) -> None:
    run = release.deploy(color="red")

    assert "color (did you mean colour?)" in run.failure


def test_values_below_a_free_mapping_are_taken(release: Release) -> None:
    assert release.deploy(extra={"anything": 1}).ok


def test_a_failed_upgrade_keeps_the_good_revision_and_goes_on_after_the_mend(release: Release) -> None:
    release.deploy()
    template = release.chart / "templates" / "settings.yaml"
    good = template.read_text()
    template.write_text(good + "immutable: 3\n")
    (release.chart / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.1.0\n")

    broken = release.deploy()
    template.write_text(good)
    mended = release.deploy()

    assert "was not deployed" in broken.failure and "run the same command again" in broken.failure
    assert mended.ok, mended.failure
    assert list(release.history().values())[-1] == "deployed"


def test_a_workload_that_does_not_start_is_diagnosed(release: Release) -> None:
    run = release.deploy(wait=True)

    assert "Deployment/web has 0 of 1 pods available" in run.failure
    assert "no nodes available" in run.failure
    assert "Likely cause: no node takes the pod" in run.failure


def test_a_quota_that_is_too_small_is_the_cause_that_is_told(release: Release) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    release.kubectl("apply", "-f", "-", given=json.dumps(quota))

    run = release.deploy(wait=True)

    assert "Likely cause: the namespace's quota is too small" in run.failure
    release.kubectl("delete", "resourcequota", "none")
    assert release.deploy().ok


def test_a_chart_that_is_not_there_ends_with_the_next_step(release: Release, tmp_path: Path) -> None:
    release.chart = tmp_path / "nowhere"

    run = release.deploy()

    assert "cannot be had" in run.failure and "local directory or archive" in run.failure


@pytest.fixture
def without_cluster(tmp_path: Path, chart: Path) -> Callable[[str], Run]:
    def deploy(text: str) -> Run:
        kubeconfig = tmp_path / "kubeconfig"
        if text:
            kubeconfig.write_text(text)
        return Release(kubeconfig, binary("helm4"), chart, tmp_path / "run", "any").deploy()

    return deploy


def test_a_missing_kubeconfig_ends_with_the_next_step(without_cluster: Callable[[str], Run]) -> None:
    assert "There is no kubeconfig" in without_cluster("").failure


def test_an_api_that_does_not_answer_is_named_with_its_address(without_cluster: Callable[[str], Run]) -> None:
    context = {"name": "c", "context": {"cluster": "c", "user": "c"}}
    cluster = {"name": "c", "cluster": {"server": "https://127.0.0.1:9"}}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [context],
        "clusters": [cluster],
    }
    failure = without_cluster(yaml.safe_dump({**config, "users": [{"name": "c", "user": {"token": "t"}}]})).failure

    assert "https://127.0.0.1:9" in failure and "does not answer" in failure
