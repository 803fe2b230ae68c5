from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from ipaddress import IPv4Interface
from itertools import pairwise
from pathlib import Path

import pytest

from tools.lab.accelerator import Accelerator, choose, obstacle_to_kvm
from tools.lab.command import Place, command_line, hardware_address, tap_name
from tools.lab.image import BootFiles
from tools.lab.keys import KeyPair, known_host
from tools.lab.seed import seed
from tools.lab.settings import Disk, MachineSettings, Network
from tools.lab.ssh import Login

BOOT = BootFiles(Path("/images/root.raw"), Path("/images/vmlinuz"), Path("/images/initrd.img"))
TCG = Accelerator("tcg", ("-accel", "tcg"), "")
SEGMENT = Network(IPv4Interface("10.77.0.11/24"), segment_port=23077)
MACHINE = MachineSettings("vm", network=SEGMENT, disks=(Disk("AAA1", 512), Disk("BBB2", 512)))


def options(command: list[str], flag: str) -> list[str]:
    """The values that follow each occurrence of a flag."""
    return [value for name, value in pairwise(command) if name == flag]


def line(machine: MachineSettings = MACHINE, folder: str = "/lab/vm") -> list[str]:
    return command_line(machine, Place(Path(folder)), BOOT, TCG, 2221)


def test_everything_that_listens_does_so_on_the_loopback_device() -> None:
    management, segment = options(line(), "-netdev")

    assert "hostfwd=tcp:127.0.0.1:2221-:22" in management
    assert "localaddr=127.0.0.1" in segment
    assert options(line(), "-qmp") == ["unix:qmp.sock,server=on,wait=off"]


def test_each_disk_has_its_file_its_serial_and_a_port_to_be_pulled_from_in_the_order_asked_for() -> None:
    nvme = [device for device in options(line(), "-device") if device.startswith("nvme,")]
    swapped = MACHINE.with_disks(*reversed(MACHINE.disks))
    nvme_swapped = [device for device in options(line(swapped), "-device") if device.startswith("nvme,")]

    assert [("serial=AAA1" in one, one.rpartition("bus=")[2]) for one in nvme] == [(True, "port0"), (False, "port1")]
    assert "serial=BBB2" in nvme_swapped[0] and "bus=port0" in nvme_swapped[0]
    assert "file=/lab/vm/disks/AAA1.raw" in " ".join(options(line(), "-drive"))


def test_a_machine_on_a_bridge_uses_a_tap_device_with_a_name_that_linux_takes() -> None:
    network = Network(IPv4Interface("10.89.0.50/24"), bridge="podman1")

    backend = options(line(replace(MACHINE, network=network)), "-netdev")[1]

    name = tap_name(Place(Path("/lab/vm")))
    assert f"ifname={name}" in backend and "script=no" in backend
    assert len(name) < 16


def test_a_machine_without_a_network_has_only_the_card_for_management() -> None:
    assert len(options(line(replace(MACHINE, network=None)), "-netdev")) == 1


def test_a_comma_in_a_path_is_not_taken_for_the_next_option() -> None:
    assert any("file=/lab/a,,b/root.qcow2," in drive for drive in options(line(folder="/lab/a,b"), "-drive"))


def test_hardware_addresses_stay_and_differ_between_machines_and_cards() -> None:
    one, other = Place(Path("/lab/a")), Place(Path("/lab/b"))

    assert hardware_address(one, "segment") == hardware_address(one, "segment")
    assert len({hardware_address(place, card) for place in (one, other) for card in ("segment", "management")}) == 4
    assert int(hardware_address(one, "segment")[:2], 16) & 0b11 == 0b10  # unicast, administered by us


@pytest.mark.parametrize(
    ("flags", "device", "expected"),
    [("fpu sse2", True, "neither vmx nor svm"), ("fpu vmx", False, "cannot be opened"), ("fpu svm", True, "answer")],
)
def test_kvm_is_used_only_where_processor_and_device_both_serve_it(
    tmp_path: Path, flags: str, device: bool, expected: str
) -> None:
    cpuinfo, kvm = tmp_path / "cpuinfo", tmp_path / "kvm"
    cpuinfo.write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t:\n", encoding="utf-8")
    if device:
        kvm.touch()  # a plain file answers no question about KVM

    assert expected in obstacle_to_kvm(kvm, cpuinfo)
    assert choose("auto", kvm=kvm, cpuinfo=cpuinfo).name == "tcg"


def test_an_accelerator_that_was_asked_for_is_taken_as_it_is(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"

    assert choose("kvm", kvm=nothing, cpuinfo=nothing).name == "kvm"
    assert choose("tcg").name == "tcg"


def test_the_seed_gives_keys_only_to_their_owners(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("private\n", encoding="utf-8")
    (tmp_path / "key.pub").write_text("ssh-ed25519 AAAA vm\n", encoding="utf-8")
    pair = KeyPair(key)

    content = io.BytesIO(seed("vm", SEGMENT.address, pair, pair, {"node-2": "10.77.0.12"}))

    with tarfile.open(fileobj=content) as archive:
        modes = {one.name: (one.mode, one.uid) for one in archive.getmembers()}
        network = archive.extractfile("etc/systemd/network/20-lab.network")
        hosts = archive.extractfile("etc/hosts")
        assert network and b"Address=10.77.0.11/24" in network.read()
        assert hosts and b"10.77.0.12 node-2" in hosts.read()
    assert modes["etc/ssh/ssh_host_ed25519_key"] == (0o600, 0)
    assert modes["home/lab/.ssh"] == (0o700, 1000)
    assert modes["home/lab/.ssh/authorized_keys"] == (0o600, 1000)
    assert known_host(2221, pair) == "[127.0.0.1]:2221 ssh-ed25519 AAAA\n"


def test_logging_in_checks_the_host_key_against_the_labs_own_list() -> None:
    command = Login(2221, Path("/k"), Path("/with space/known_hosts")).command("--", "true")

    assert 'StrictHostKeyChecking="yes"' in command
    assert 'UserKnownHostsFile="/with space/known_hosts"' in command
    assert command[-3:] == ["root@127.0.0.1", "--", "true"]
