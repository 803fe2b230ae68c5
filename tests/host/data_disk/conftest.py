"""One virtual machine for all of these tests: they run in the order of their files, and the later ones erase disks."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import evidence
from tests.host.data_disk.machine import CONTENTS, DISK_BYTES, PACKAGES, PREPARE, ROOT, SHARES, Guest
from tools.lab.machine import Machine
from tools.lab.settings import Disk, Image, MachineSettings

HERE = Path(__file__).resolve().parent
COVERS = (
    "plugins/modules/data_disk.py",
    "plugins/module_utils/data_disk/*.py",
    "roles/data_disk/**/*",
    "tests/host/data_disk/*.py",
)
_results = pytest.StashKey[list[evidence.Result]]()
_versions = pytest.StashKey[dict[str, str]]()
_files = pytest.StashKey[set[str]]()
_exercised = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_results], config.stash[_versions], config.stash[_files] = [], {}, set()
    config.stash[_exercised] = evidence.sums(COVERS)


@pytest.fixture(scope="session")
def guest(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Guest]:
    """One machine for all of these tests. DATA_DISK_MACHINE names a folder to keep it in, for the next time."""
    kept = os.environ.get("DATA_DISK_MACHINE", "")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("lab")
    images = Path(os.environ.get("DATA_DISK_IMAGES", ROOT / "build" / "lab" / "images"))
    settings = MachineSettings("data-disk", disks=tuple(Disk(name, DISK_BYTES) for name in CONTENTS), memory_mib=1536)
    machine = Machine(settings, folder / "machine", images, folder / "key", Image(packages=PACKAGES))
    try:
        if machine.start():
            machine.wait()
        found = Guest(machine)
        found.install()
        found.sh(f"[ -e /root/ready ] || ( {PREPARE}\n touch /root/ready )")
        versions = (
            "uname -r; mkfs.xfs -V | sed 's/.* //'; lsblk -V | sed 's/.* //'; . /etc/os-release; echo $PRETTY_NAME"
        )
        names = ("kernel of the machine", "xfsprogs", "util-linux", "system of the machine")
        request.config.stash[_versions].update(zip(names, found.sh(versions).splitlines(), strict=True))
        yield found
        found.close()
    finally:
        if not kept:
            machine.stop()
            machine.erase()


@pytest.fixture
def claimed(guest: Guest) -> Iterator[Guest]:
    """EMPTY, claimed and shared out; released afterwards."""
    guest.blank("EMPTY")
    answer = guest.claim("EMPTY", projects=SHARES)
    assert answer.get("changed"), answer
    yield guest
    guest.call("release", "EMPTY")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.when == "call" or report.outcome != "passed":  # type: ignore[attr-defined]  # pluggy types no wrapper
        result = evidence.Result(item.name, report.outcome, round(call.duration, 1))  # type: ignore[attr-defined]
        item.config.stash[_results].append(result)
        item.config.stash[_files].add(item.path.name)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the evidence when all of these tests ran and passed; a part of them proves nothing about the rest."""
    results = session.config.stash[_results]
    versions, exercised = session.config.stash[_versions], session.config.stash[_exercised]
    whole = session.config.stash[_files] == {path.name for path in HERE.glob("test_*.py")}
    whole = whole and not session.config.option.keyword and all("::" not in name for name in session.config.args)
    if not whole or any(result.outcome != "passed" for result in results):
        return
    try:
        path = evidence.write(
            "data-disk",
            measured=datetime.fromtimestamp(time.time(), UTC).date(),
            covers=COVERS,
            exercised=exercised,
            results=results,
            versions=versions,
            figures={},
        )
        message = f"evidence: {path.relative_to(evidence.ROOT)}"
    except evidence.ChangedMeanwhileError as changed:
        message = f"no evidence was written: edited while the tests ran: {changed}"
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal.write_line(f"\n{message}")
