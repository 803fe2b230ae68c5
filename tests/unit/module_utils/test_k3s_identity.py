"""A reinstalled host is known again by the disk that only it has, and by nothing that can be copied."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_identity
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk.request import MARKER_NAME

SERIAL = "S5GXNX0R123456"


class Machine:
    """A disk with its link, mounted with a marker."""

    def __init__(self, folder: Path) -> None:
        self.disk = folder / "nvme1n1"
        self.disk.touch()
        self.link = folder / f"nvme-MODEL_{SERIAL}"
        self.link.symlink_to(self.disk)
        self.mount = folder / "mnt"
        self.mount.mkdir()
        self.marker = self.mount / MARKER_NAME
        self.marker.write_text(json.dumps({"serial": SERIAL, "uuid": str(uuid.uuid4())}), encoding="utf-8")
        self.mounts = folder / "mountinfo"
        self.mounted(self.disk)

    def mounted(self, source: Path) -> None:
        self.mounts.write_text(f"36 25 259:1 / {self.mount} rw,noatime - xfs {source} rw,prjquota\n", encoding="utf-8")

    def proves(self, serial: str = SERIAL) -> bool:
        return k3s_identity.holds_disk(str(self.link), serial, str(self.mount), self.mounts)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_disk_of_the_serial_with_our_marker_is_a_proof(machine: Machine) -> None:
    assert machine.proves()


def test_a_copied_marker_on_another_disk_is_none(machine: Machine, tmp_path: Path) -> None:
    other = tmp_path / "sda1"
    other.touch()
    machine.mounted(other)
    assert not machine.proves()


def test_a_directory_that_is_no_mount_is_none(machine: Machine) -> None:
    machine.mounts.write_text("36 25 8:1 / / rw - ext4 /dev/sda1 rw\n", encoding="utf-8")
    assert not machine.proves()


@pytest.mark.parametrize("marker", ["", "[]", "{}", '{"serial": "another", "uuid": "x"}', f'{{"serial": "{SERIAL}"}}'])
def test_a_disk_without_our_marker_is_none(machine: Machine, marker: str) -> None:
    machine.marker.write_text(marker, encoding="utf-8")
    assert not machine.proves()


def test_another_serial_in_the_inventory_or_none_is_none(machine: Machine) -> None:
    assert not machine.proves("S5GXNX0R999999")
    assert not machine.proves("")


def test_a_link_that_does_not_name_the_serial_is_none(machine: Machine) -> None:
    other = machine.link.with_name("nvme-MODEL_S5GXNX0R999999")
    machine.link.rename(other)
    machine.link = other
    assert not machine.proves()


def test_what_is_mounted_over_the_disk_counts(machine: Machine, tmp_path: Path) -> None:
    below = machine.mounts.read_text(encoding="utf-8")
    (tmp_path / "sda1").touch()
    machine.mounted(tmp_path / "sda1")
    machine.mounts.write_text(below + machine.mounts.read_text(encoding="utf-8"), encoding="utf-8")
    assert not machine.proves()


def test_the_password_counts_only_with_content(tmp_path: Path) -> None:
    path = tmp_path / "password"
    assert not k3s_identity.holds_password(path)
    path.touch()
    assert not k3s_identity.holds_password(path)
    path.write_text("x", encoding="ascii")
    assert k3s_identity.holds_password(path)
