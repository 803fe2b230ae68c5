"""One site for all of these tests, in the order of their files, and the evidence that they leave behind."""

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
from tests.cluster.site import K3s
from tests.host.virtual_node.site import MixedSite, destroy, make_site
from tests.nodes.host import why_not
from tests.nodes.podman import podman
from tools.lab import accelerator
from tools.lab.programs import missing

HERE = Path(__file__).resolve().parent
_COVERS = (
    "site.yml",
    "playbooks/site.yml",
    "playbooks/site_cluster.yml",
    "inventory/lab/hosts.yml",
    "inventory/lab/group_vars/all/lab.yml",
    "inventory/lab/group_vars/all/main.yml",
    "inventory/lab/group_vars/k3s_cluster/*.yml",
    "inventory/lab/host_vars/*.yml",
    *(f"roles/{role}/**/*" for role in ("preflight", "node", "data_disk", "k3s", "node_placement")),
    "plugins/modules/data_disk.py",
    "plugins/modules/k3s_*.py",
    "plugins/modules/node_*.py",
    "plugins/modules/preflight_report.py",
    "plugins/module_utils/cluster_api.py",
    "plugins/module_utils/data_disk/*.py",
    "plugins/module_utils/k3s_*.py",
    "plugins/module_utils/node_*.py",
    "plugins/module_utils/placement*.py",
    "plugins/module_utils/preflight_*.py",
    "plugins/module_utils/processes.py",
    "tools/lab/**/*",
    "tests/cluster/playbook.py",
    "tests/cluster/site.py",
    "tests/host/virtual_node/*.py",
    "tests/nodes/**/*.py",
)


@dataclass
class Notes:
    """What the session found out, for the evidence."""

    results: list[evidence.Result] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    figures: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    exercised: dict[str, str] = field(default_factory=dict)


_notes = pytest.StashKey[Notes]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_notes] = Notes(exercised=evidence.sums(_COVERS))


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Numbers for the evidence, by name with their unit."""
    return request.config.stash[_notes].figures


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest, figures: dict[str, Any]) -> Iterator[MixedSite]:
    """Both machines and an inventory; nothing is installed yet."""
    if "K3S_BINARY" not in os.environ:
        pytest.skip("no real K3s was given: make test-host K3S_BINARY=/path/to/k3s K3S_IMAGES=/folder/of/archives")
    absent = missing("qemu-system-x86_64", "qemu-img", "ssh", "ssh-keygen", "mke2fs")
    reason = why_not() or (f"{', '.join(absent)} not installed" if absent else None)
    if reason:
        pytest.skip(reason)
    images = os.environ.get("K3S_IMAGES")
    k3s = K3s(Path(os.environ["K3S_BINARY"]).resolve(), Path(images).resolve() if images else None)
    started = time.monotonic()
    destroy()
    made = make_site(k3s)
    figures["machines_started_seconds"] = round(time.monotonic() - started, 1)
    versions = request.config.stash[_notes].versions
    versions["k3s"] = k3s.version
    versions["podman"] = podman("version", "--format", "{{.Client.Version}}").stdout.strip()
    versions["accelerator of node-2"] = accelerator.choose("auto").name
    versions["kernel of node-2"] = made.machine.run("uname -r").stdout.strip()
    yield made
    if "KEEP_MACHINES" not in os.environ:
        destroy()


@pytest.fixture(scope="session")
def first_run(site: MixedSite, figures: dict[str, Any]) -> Run:
    """The run of site.yml that brings both bare machines to a cluster."""
    run = site.play()
    assert run.status == 0, run.end
    figures["first_run_seconds"] = round(run.seconds, 1)
    return run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.when == "call" or report.outcome != "passed":  # type: ignore[attr-defined]  # pluggy types no wrapper
        result = evidence.Result(item.name, report.outcome, round(call.duration, 1))  # type: ignore[attr-defined]
        item.config.stash[_notes].results.append(result)
        item.config.stash[_notes].files.add(item.path.name)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the evidence when all of these tests ran and passed; a part of them proves nothing about the rest."""
    notes = session.config.stash[_notes]
    whole = notes.files == {path.name for path in HERE.glob("test_*.py")}
    whole = whole and not session.config.option.keyword and all("::" not in name for name in session.config.args)
    if not whole or any(result.outcome != "passed" for result in notes.results):
        return
    try:
        path = evidence.write(
            "virtual-node",
            measured=datetime.fromtimestamp(time.time(), UTC).date(),
            covers=_COVERS,
            exercised=notes.exercised,
            results=notes.results,
            versions=notes.versions,
            figures=notes.figures,
        )
        message = f"evidence: {path.relative_to(evidence.ROOT)}"
    except evidence.ChangedMeanwhileError as changed:
        message = f"no evidence was written: edited while the tests ran: {changed}"
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal.write_line(f"\n{message}")
