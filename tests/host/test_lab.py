"""The lab as a user starts it: two machines that boot, are reached, and reach each other."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tools.lab.image import existing
from tools.lab.laboratory import Laboratory
from tools.lab.programs import missing
from tools.lab.settings import LabSettings, MachineSettings, Network, read_lab

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "build/lab/images"
SHIPPED = read_lab(ROOT / "inventory/lab/group_vars/all/lab.yml")


def lacking() -> str:
    """Why no machine can be started here, or nothing."""
    if absent := missing("qemu-system-x86_64", "qemu-img", "ssh", "ssh-keygen"):
        return f"{', '.join(absent)} not installed"
    if existing(SHIPPED.image, IMAGES):
        return ""
    if absent := missing("mmdebstrap", "mke2fs"):
        return f"the lab's image is not made, and {', '.join(absent)} not installed"
    return "" if os.geteuid() == 0 else "the lab's image is not made, and making it needs root"


pytestmark = pytest.mark.skipif(bool(lacking()), reason=lacking() or "nothing is lacking")


def elsewhere(machine: MachineSettings, segment_port: int) -> MachineSettings:
    """The same machine, out of the way of a lab that the user runs."""
    assert machine.network
    network = Network(machine.network.address, segment_port=segment_port)
    return replace(machine, ssh_port=0, network=network)


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    folder = tmp_path_factory.mktemp("lab")
    (folder / "images").symlink_to(IMAGES)
    IMAGES.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        segment_port = probe.getsockname()[1]
    machines = tuple(elsewhere(one, segment_port) for one in SHIPPED.machines)
    found = Laboratory(LabSettings("trial", machines, SHIPPED.image), folder)
    try:
        found.up(print)
        yield found
    finally:
        for machine in found.machines():
            machine.kill()


def test_both_machines_are_reached_with_their_host_keys_checked_and_bear_their_names(laboratory: Laboratory) -> None:
    names = [machine.run("hostname", user="lab").stdout.strip() for machine in laboratory.machines()]

    assert names == ["node-1", "node-2"]


def test_a_second_up_changes_nothing(laboratory: Laboratory) -> None:
    before = [machine.boot_id() for machine in laboratory.machines()]

    assert laboratory.up(print) == []
    assert [machine.boot_id() for machine in laboratory.machines()] == before


def test_the_machines_reach_each_other_over_their_second_cards(laboratory: Laboratory) -> None:
    greeting = "import socket; print(socket.create_connection(('node-{}', 22), 60).recv(4).decode())"

    first, second = laboratory.machines()
    assert first.run(f'python3 -c "{greeting.format(2)}"').stdout.strip() == "SSH-"
    assert second.run(f'python3 -c "{greeting.format(1)}"').stdout.strip() == "SSH-"


def test_only_the_second_machine_has_an_nvme_disk_and_it_is_empty_and_bears_the_serial(laboratory: Laboratory) -> None:
    first, second = laboratory.machines()
    disk = SHIPPED.machines[1].disks[0]

    assert first.run("lsblk -dno NAME").stdout.split() == ["vda"]
    assert second.run(f"lsblk -bdno SERIAL,SIZE,MODEL {disk.by_id}").stdout.split(maxsplit=2) == [
        disk.serial,
        str(disk.size),
        "QEMU NVMe Ctrl\n",
    ]
    assert second.run(f"blkid -p {disk.by_id}", check=False).returncode == 2  # nothing recognised


def test_a_host_with_another_key_is_not_talked_to(laboratory: Laboratory) -> None:
    first, second = laboratory.machines()
    stranger = replace(first.login, port=second.ssh_port)  # known under another port, so with another key

    refused = stranger.run("true", check=False)

    assert refused.returncode == 255
    assert "Host key verification failed" in refused.stderr


def test_a_disk_that_is_pulled_out_is_gone_and_the_machine_goes_on(laboratory: Laboratory) -> None:
    machine = laboratory.machines()[1]

    machine.unplug(SHIPPED.machines[1].disks[0].serial)

    with pytest.raises(subprocess.CalledProcessError):
        machine.run(f"for i in $(seq 30); do [ -e {SHIPPED.machines[1].disks[0].by_id} ] || exit 7; sleep 1; done")
    assert machine.run("true").returncode == 0


def test_down_presses_the_power_button_and_keeps_the_disks(laboratory: Laboratory) -> None:
    assert laboratory.down(print) == ["node-1", "node-2"]

    assert not any(state.running for state in laboratory.status())
    assert laboratory.machines()[1].place.disk(SHIPPED.machines[1].disks[0].serial).is_file()
    assert "reboot: Power down" in laboratory.machines()[0].console()
