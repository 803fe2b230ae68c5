"""Two machines with a real K3s for the whole session, and the evidence that it leaves behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests import evidence
from tests.cluster.playbook import Run
from tests.cluster.site import K3s, Site, make_site
from tests.nodes import lab as labs
from tests.nodes.host import Host, why_not
from tests.nodes.podman import podman

_COVERS = (
    "site.yml",
    "playbooks/site.yml",
    "playbooks/site_cluster.yml",
    "playbooks/reset.yml",
    "inventory/homelab/**/*",
    "roles/preflight/**/*",
    "roles/node/**/*",
    "roles/k3s/**/*",
    "roles/node_placement/**/*",
    "roles/backup/**/*",
    "playbooks/backup.yml",
    "playbooks/restore.yml",
    "plugins/modules/age_identity.py",
    "plugins/module_utils/backup/*.py",
    "plugins/modules/k3s_*.py",
    "plugins/modules/node_*.py",
    "plugins/modules/preflight_report.py",
    "plugins/module_utils/cluster_api.py",
    "plugins/module_utils/data_disk/request.py",
    "plugins/module_utils/k3s_*.py",
    "plugins/module_utils/node_*.py",
    "plugins/module_utils/placement*.py",
    "plugins/module_utils/processes.py",
    "plugins/module_utils/preflight_*.py",
    "tests/cluster/*.py",
    "tests/nodes/**/*.py",
)


@dataclass
class Notes:
    """What the session found out, for the evidence."""

    results: list[evidence.Result] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    exercised: dict[str, str] = field(default_factory=dict)
    partial: bool = False


_notes = pytest.StashKey[Notes]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_notes] = Notes()


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Numbers for the evidence, by name with their unit."""
    return request.config.stash[_notes].figures


@pytest.fixture(scope="session")
def k3s(request: pytest.FixtureRequest) -> K3s:
    """The K3s that was given; without one, or where no machine can be made, the tests are skipped and say why."""
    if "K3S_BINARY" not in os.environ:
        pytest.skip("no real K3s was given: make test-cluster K3S_BINARY=/path/to/k3s K3S_IMAGES=/folder/of/archives")
    reason = why_not()
    if reason:
        pytest.skip(reason)
    images = os.environ.get("K3S_IMAGES")
    given = K3s(Path(os.environ["K3S_BINARY"]).resolve(), Path(images).resolve() if images else None)
    request.config.stash[_notes].exercised = evidence.sums(_COVERS)
    versions = request.config.stash[_notes].versions
    versions["k3s"] = given.version
    versions["podman"] = podman("version", "--format", "{{.Client.Version}}").stdout.strip()
    versions["cgroups"] = "v2" if Host.read().unified_cgroups else "v1"
    return given


@pytest.fixture(scope="session")
def site(k3s: K3s) -> Iterator[Site]:
    """Two machines and an inventory; nothing is installed yet."""
    made = make_site("cluster", k3s)
    yield made
    if "KEEP_CLUSTER" not in os.environ:
        labs.destroy(made.lab.name)


@pytest.fixture(scope="session")
def first_run(site: Site, figures: dict[str, Any], request: pytest.FixtureRequest) -> Run:
    """The run of site.yml that brings two bare machines to a cluster."""
    run = site.play()
    assert run.status == 0, run.end
    figures["first_run_seconds"] = round(run.seconds, 1)
    info = site.get("node", "node-1")["status"]["nodeInfo"]
    versions = request.config.stash[_notes].versions
    versions["containerd"] = info["containerRuntimeVersion"].removeprefix("containerd://")
    versions["node"] = info["osImage"]
    return run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    ended = report.when == "call" or report.outcome != "passed"  # type: ignore[attr-defined]  # pluggy types no wrapper
    if ended and item.path.parent == Path(__file__).parent:  # what runs on the cluster has evidence of its own
        name = item.name
        item.config.stash[_notes].results.append(evidence.Result(name, report.outcome, round(call.duration, 1)))  # type: ignore[attr-defined]
    return report


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Remember that a part was left out."""
    if items:
        items[0].config.stash[_notes].partial = True


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the evidence of a whole session that passed; a part of it proves nothing about the rest."""
    notes = session.config.stash[_notes]
    if not notes.results or any(result.outcome == "skipped" for result in notes.results):
        return
    message = "no evidence was written: not every cluster test ran and passed"
    if exitstatus == 0 and not notes.partial and _ran_every_file(session):
        message = _write_evidence(notes)
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal.write_line(f"\n{message}")


def _write_evidence(notes: Notes) -> str:
    try:
        path = evidence.write(
            "cluster",
            measured=datetime.fromtimestamp(time.time(), UTC).date(),
            covers=_COVERS,
            exercised=notes.exercised,
            results=notes.results,
            versions=notes.versions,
            figures=notes.figures,
        )
    except evidence.ChangedMeanwhileError as changed:
        return f"no evidence was written: edited while the tests ran: {changed}"
    return f"evidence: {path.relative_to(evidence.ROOT)}"


def _ran_every_file(session: pytest.Session) -> bool:
    """Whether no file was left out and no single test was named; a single one is given as FILE::TEST."""
    here = Path(__file__).parent
    ran = {item.path for item in session.items if item.path.parent == here}
    return ran == set(here.glob("test_*.py")) and not any("::" in given for given in session.config.args)
