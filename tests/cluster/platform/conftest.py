"""One cluster with the platform on it for the whole session, and the evidence that it leaves behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests import cluster_tools, evidence
from tests.cluster.platform.scene import Given, Platform, make_platform
from tests.cluster.playbook import Run
from tests.cluster.site import K3s
from tests.nodes import lab as labs

_HERE = Path(__file__).parent
_COVERS = (
    "inventory/homelab/**/*",
    "playbooks/models.yml",
    "playbooks/platform.yml",
    "playbooks/uninstall.yml",
    "playbooks/verify.yml",
    "playbooks/walkthrough.yml",
    "playbooks/tasks/**/*",
    "plugins/module_utils/cluster_api.py",
    "plugins/module_utils/pod_http.py",
    "plugins/module_utils/service_tunnel.py",
    "plugins/module_utils/verification/*.py",
    "plugins/modules/cluster_*.py",
    "plugins/modules/helm_*.py",
    "plugins/modules/llama_cpp_throughput.py",
    "plugins/modules/platform_*.py",
    "plugins/modules/verification_report.py",
    "roles/cluster/**/*",
    "roles/helm_release/**/*",
    "roles/llama_cpp/**/*",
    "roles/loki/**/*",
    "roles/models/**/*",
    "tests/cluster/platform/**/*.py",
)


@dataclass
class Notes:
    """What the session found out, for the evidence."""

    results: list[evidence.Result] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    exercised: dict[str, str] = field(default_factory=dict)


_notes = pytest.StashKey[Notes]()


def _of(config: pytest.Config) -> Notes:
    return config.stash.setdefault(_notes, Notes())


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Numbers for the evidence, by name with their unit."""
    return _of(request.config).figures


@pytest.fixture(scope="session")
def given() -> Given:
    """The images and charts that were given; without them the tests are skipped and say what is missing."""
    for name, what in (("PLATFORM_IMAGES", "archives of images"), ("CHARTS_DIR", "chart directories")):
        if not Path(os.environ.get(name, "none")).is_dir():
            pytest.skip(f"no {what} were given: {name} names no folder; docs/evidence/README.md tells what it holds")
    images, charts = Path(os.environ["PLATFORM_IMAGES"]).resolve(), Path(os.environ["CHARTS_DIR"]).resolve()
    found = Given(images, charts, cluster_tools.binary("helm4"))
    for component in ("loki", "llama_cpp"):
        if not found.runs(component):
            pytest.skip(f"{component} cannot be run: its image in {images} or its chart in {charts} is missing")
    return found


@pytest.fixture(scope="session")
def platform(k3s: K3s, given: Given, request: pytest.FixtureRequest) -> Iterator[Platform]:
    """Two nodes with K3s, and nothing of the platform yet."""
    notes = _of(request.config)
    notes.exercised = evidence.sums(_COVERS)
    made = make_platform(k3s, given)
    run = made.site.play()
    assert run.status == 0, run.end
    notes.versions["k3s"] = k3s.version
    for component in ("loki", "alloy", "llama.cpp"):
        notes.versions[component] = given.image(component) or "not given"
    yield made
    if "KEEP_CLUSTER" not in os.environ:
        labs.destroy(made.site.lab.name)


@pytest.fixture(scope="session")
def deployed(platform: Platform, figures: dict[str, Any]) -> Run:
    """The run of platform.yml that brings the platform to an empty cluster."""
    run = platform.play("playbooks/platform.yml", "--tags", platform.given.tags)
    assert run.status == 0, run.end
    figures["first_run_seconds"] = round(run.seconds, 1)
    return run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    ended = report.when == "call" or report.outcome != "passed"  # type: ignore[attr-defined]  # pluggy types no wrapper
    if ended and item.path.parent == _HERE:
        outcome = report.outcome  # type: ignore[attr-defined]  # pluggy types no wrapper
        _of(item.config).results.append(evidence.Result(item.name, outcome, round(call.duration, 1)))
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the evidence when no test of this folder failed and none was left out; it names those that were skipped."""
    notes = _of(session.config)
    collected = {item.name for item in session.items if item.path.parent == _HERE}
    ran = {result.test for result in notes.results if result.outcome != "failed"}
    passed = any(result.outcome == "passed" for result in notes.results)
    whole = not any("::" in given or given.startswith("-k") for given in session.config.invocation_params.args)
    if exitstatus or not passed or ran != collected or not whole:
        return
    path = evidence.write(
        "platform",
        measured=datetime.fromtimestamp(time.time(), UTC).date(),
        covers=_COVERS,
        exercised=notes.exercised,
        results=notes.results,
        versions=notes.versions,
        figures=notes.figures,
    )
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal.write_line(f"\nevidence: {path.relative_to(evidence.ROOT)}")
