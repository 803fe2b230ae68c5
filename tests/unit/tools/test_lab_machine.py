from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tools.lab import __main__ as command_line
from tools.lab import image as images
from tools.lab import process, programs
from tools.lab.disks import make_disk
from tools.lab.errors import BootError, LabError, MissingProgramError
from tools.lab.keys import key_pair
from tools.lab.laboratory import Laboratory
from tools.lab.machine import Machine
from tools.lab.settings import Disk, Image, LabSettings, MachineSettings

SLEEP = "import time; print(1, flush=True); time.sleep(600)"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    folder = tmp_path / "vm"
    folder.mkdir()
    return Machine(MachineSettings("vm", ssh_port=2399), folder, tmp_path / "images", tmp_path / "key")


@pytest.fixture
def running(machine: Machine) -> Iterator[Machine]:
    """A machine whose process is a sleeper with the same pid file on its command line."""
    command = [sys.executable, "-c", SLEEP, str(machine.place.pid)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as sleeper:
        assert sleeper.stdout and sleeper.stdout.readline()
        machine.place.pid.write_text(str(sleeper.pid), encoding="ascii")
        state = {"settings": repr(machine.settings), "ssh_port": 2399}
        machine.place.state.write_text(json.dumps(state), encoding="utf-8")
        yield machine
        sleeper.kill()


def test_a_running_machine_is_not_started_again(running: Machine) -> None:
    before = running.place.state.read_bytes()

    assert running.start() is False
    assert running.place.state.read_bytes() == before


def test_new_settings_are_noticed_on_a_running_machine(running: Machine) -> None:
    assert running.is_as_asked
    assert not running.with_disks(Disk("AAA1", 512)).is_as_asked


def test_a_pid_file_whose_number_another_program_has_got_is_no_running_machine(machine: Machine) -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEP], stdout=subprocess.PIPE) as other:
        assert other.stdout and other.stdout.readline()
        machine.place.pid.write_text(str(other.pid), encoding="ascii")

        assert not machine.is_running
        machine.kill()
        assert other.poll() is None
        other.kill()


def test_a_taken_port_is_named_before_anything_is_made(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.lab.machine.need", lambda *names: None)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = replace(machine, settings=replace(machine.settings, ssh_port=port))

        with pytest.raises(LabError, match=f"port {port} of 127.0.0.1"):
            taken.start()
    assert not list(machine.folder.iterdir())


def test_a_killed_machine_is_gone_and_its_disk_stays(running: Machine) -> None:
    make_disk(running.place.disk("AAA1"), 512)

    running.kill()

    assert not running.is_running
    assert running.place.disk("AAA1").stat().st_size == 512


def test_stopping_ends_a_machine_that_does_not_listen_to_the_power_button(running: Machine) -> None:
    assert running.stop(seconds=1) is True
    assert running.stop(seconds=1) is False
    assert process.running(running.place.pid) is None


def test_a_running_machine_is_not_erased(running: Machine) -> None:
    with pytest.raises(LabError, match="stop it"):
        running.erase()
    assert running.place.folder.is_dir()


def test_a_machine_that_died_while_it_booted_is_told_with_the_end_of_its_console(machine: Machine) -> None:
    machine.place.console.write_text("early\n" * 50 + "\x1b[31mKernel panic\x1b[0m - not syncing\n", encoding="utf-8")

    with pytest.raises(BootError, match="Kernel panic - not syncing") as told:
        machine.wait(seconds=1)
    assert str(machine.place.console) in str(told.value)


def test_waiting_is_bounded(running: Machine) -> None:
    with pytest.raises(BootError, match="after 1 s"):
        running.wait(seconds=1)


def test_a_disk_is_sparse_and_empty_and_one_of_another_size_is_never_touched(tmp_path: Path) -> None:
    path = tmp_path / "disks" / "AAA1.raw"
    make_disk(path, 1024**3)
    assert path.stat().st_blocks == 0

    with path.open("r+b") as file:
        file.write(b"data")
    make_disk(path, 1024**3)
    with pytest.raises(LabError, match="may hold data"):
        make_disk(path, 512)
    assert path.read_bytes()[:4] == b"data"


def test_a_missing_program_is_named_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)

    with pytest.raises(MissingProgramError, match=r"apt-get install .*qemu-system-x86 qemu-utils"):
        programs.need("qemu-system-x86_64", "qemu-img")


def test_an_image_changes_with_its_recipe_and_not_otherwise() -> None:
    assert images.digest(Image()) == images.digest(Image())
    assert len({images.digest(one) for one in (Image(), Image(packages=("xfsprogs",)), Image(suite="trixie"))}) == 3


def test_an_image_that_only_root_can_make_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(LabError, match="needs root"):
        images.provide(Image(), tmp_path)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "key"

    first = key_pair(path, "lab").public
    path.chmod(0o644)

    assert key_pair(path, "lab").public == first
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def laboratory(running: Machine, tmp_path: Path) -> Laboratory:
    found = Laboratory(LabSettings("home", (running.settings,)), tmp_path / "lab")
    found.machines()[0].place.folder.parent.mkdir(parents=True)
    found.machines()[0].place.folder.symlink_to(running.folder)
    return found


def test_a_lab_tells_of_a_machine_that_runs_with_earlier_settings(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "wait", lambda machine, seconds: 0.0)
    said: list[str] = []
    larger = replace(laboratory.settings.machines[0], memory_mib=4096)

    assert laboratory.up(said.append) == []
    assert Laboratory(LabSettings("home", (larger,)), laboratory.folder).up(said.append) == []
    assert "runs already" in said[0]
    assert "earlier settings" in said[1]


def test_disks_are_removed_only_when_the_labs_name_is_typed(laboratory: Laboratory) -> None:
    with pytest.raises(LabError, match="'home'"):
        laboratory.down(print, erase="other")
    assert laboratory.status()[0].running

    assert laboratory.down(print) == ["vm"]
    assert laboratory.machines()[0].place.folder.exists()
    assert laboratory.down(print) == []


def test_check_mode_names_what_a_verb_would_change(laboratory: Laboratory) -> None:
    assert command_line.intended(laboratory, "up", "") == []
    assert command_line.intended(laboratory, "down", "") == ["vm"]
    laboratory.machines()[0].kill()
    assert command_line.intended(laboratory, "up", "") == ["vm"]
    assert command_line.intended(laboratory, "down", "") == []
    assert command_line.intended(laboratory, "down", "home") == ["vm"]
