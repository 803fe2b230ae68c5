from __future__ import annotations

from copy import deepcopy
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.lab.errors import LabError
from tools.lab.settings import Disk, MachineSettings, Network, lab_from, read_lab

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "inventory/lab/group_vars/all/lab.yml"


@pytest.fixture
def values() -> dict[str, Any]:
    return deepcopy(yaml.safe_load(SHIPPED.read_text(encoding="utf-8")))


def test_the_shipped_lab_is_two_small_machines_of_which_the_second_has_a_disk_with_a_serial() -> None:
    lab = read_lab(SHIPPED)

    first, second = lab.machines
    assert (first.name, second.name) == ("node-1", "node-2")
    assert {(one.cpus, one.memory_mib) for one in lab.machines} == {(2, 2048)}
    assert first.disks == ()
    assert [disk.by_id for disk in second.disks] == ["/dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_LAB2DATA0001"]


def test_the_quotas_of_the_shipped_lab_fit_on_its_disk() -> None:
    shared = yaml.safe_load(SHIPPED.with_name("main.yml").read_text(encoding="utf-8"))

    disk = read_lab(SHIPPED).machines[1].disks[0]
    assert sum(shared["log_intelligence_storage_quotas"].values()) < disk.size * 0.97


def test_the_machines_of_the_shipped_lab_share_one_segment_and_one_network() -> None:
    networks = [one.network for one in read_lab(SHIPPED).machines]

    assert len({one.segment_port for one in networks if one}) == 1
    assert len({one.address.network for one in networks if one}) == 1
    assert len({one.address for one in networks if one}) == 2


def test_a_machine_on_a_bridge_leaves_the_segment(values: dict[str, Any]) -> None:
    values["lab_machines"]["node-2"]["network"] = {"bridge": "podman1", "address": "10.89.0.50/24"}

    assert lab_from(values).machines[1].network == Network(IPv4Interface("10.89.0.50/24"), bridge="podman1")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda v: v["lab_machines"]["node-2"].update(ssh_port=2221), "ssh_port"),
        (lambda v: v["lab_machines"]["node-2"]["network"].update(address="10.77.0.11/24"), "address"),
        (lambda v: v["lab_machines"]["node-1"].update(disks=v["lab_machines"]["node-2"]["disks"]), "serial"),
        (lambda v: v["lab_machines"]["node-1"].update(memory=4096), "memory"),
        (lambda v: v["lab_machines"].update({"Node 3": v["lab_machines"].pop("node-1")}), "Node 3"),
        (lambda v: v["lab_machines"]["node-2"]["disks"][0].update(bytes=1000), "1000"),
        (lambda v: v["lab_machines"]["node-2"]["disks"][0].update(serial="a b"), "a b"),
        (lambda v: v["lab_machines"]["node-2"]["network"].pop("address"), "address"),
        (lambda v: v["lab_machines"]["node-2"]["network"].update(address="ten"), "ten"),
        (lambda v: v.update(lab_accelerator="warp"), "warp"),
        (lambda v: v.pop("lab_segment_port"), "lab_segment_port"),
        (lambda v: v["lab_image"].update(sweet="bookworm"), "sweet"),
    ],
)
def test_a_wrong_value_is_named_with_its_file(values: dict[str, Any], tmp_path: Path, change: Any, named: str) -> None:
    change(values)
    path = tmp_path / "lab.yml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")

    with pytest.raises(LabError, match=named) as refused:
        read_lab(path)
    assert str(path) in str(refused.value)


def test_disks_can_be_left_out_or_change_places_and_nothing_else_changes() -> None:
    one, other = Disk("AAA1", 512), Disk("BBB2", 512)
    machine = MachineSettings("vm", ssh_port=2300, disks=(one, other))

    assert machine.with_disks(other, one).disks == (other, one)
    assert machine.with_disks(other).ssh_port == 2300
    with pytest.raises(LabError, match="one serial"):
        machine.with_disks(one, one)
