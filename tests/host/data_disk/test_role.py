"""The role over SSH, as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.host.data_disk.machine import DISK_BYTES, LINK, PLACE, ROOT, SHARES, Guest


class Site:
    """An inventory with the machine in it, and plays of one role on it."""

    def __init__(self, guest: Guest, folder: Path) -> None:
        self.guest, self.folder = guest, folder
        machine = guest.machine
        self.reach = {
            "ansible_host": "127.0.0.1",
            "ansible_port": machine.ssh_port,
            "ansible_user": "lab",
            "ansible_ssh_private_key_file": str(machine.person.resolve()),
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={machine.place.known_hosts}",
        }

    def run(self, *words: str, verb: str = "main", others: dict[str, Any] | None = None, **variables: Any) -> Any:
        """The answer of ansible-playbook, as its JSON callback gives it."""
        wanted = {
            "data_disk_by_id": LINK.format("EMPTY"),
            "data_disk_serial": "EMPTY",
            "data_disk_bytes": DISK_BYTES,
            "data_disk_projects": list(SHARES),
            "data_disk_device_timeout": "120s",
            **variables,
        }
        hosts = {"node-2": {**self.reach, **wanted}, **(others or {})}
        role = {"name": "homelab.log_intelligence.data_disk", "tasks_from": verb}
        play = {"hosts": "node-2", "gather_facts": False, "tasks": [{"ansible.builtin.include_role": role}]}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
        (self.folder / "play.yml").write_text(yaml.safe_dump([play]))
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
            "ANSIBLE_HOME": str(ROOT / ".ansible" / "home"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        }
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.yml", "play.yml", *words]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=900
        )
        start = done.stdout.find("{")
        assert start >= 0, done.stdout + done.stderr
        return json.loads(done.stdout[start:])


def numbers(told: Any) -> tuple[int, int]:
    """How many tasks changed something and how many failed."""
    return told["stats"]["node-2"]["changed"], told["stats"]["node-2"]["failures"]


def message(told: Any) -> str:
    """What the failed task says."""
    results = [result for play in told["plays"] for task in play["tasks"] for result in task["hosts"].values()]
    return str(next(result["msg"] for result in results if result.get("failed")))


@pytest.fixture(scope="module")
def site(guest: Guest, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(guest, tmp_path_factory.mktemp("site"))


def test_a_disk_is_claimed_once_verified_released_and_claimed_again(site: Site) -> None:
    site.guest.blank("EMPTY")
    predicted = site.run("--check", "--diff")
    first = site.run()
    second = site.run()
    trim = site.guest.sh("systemctl is-enabled fstrim.timer; systemctl is-active fstrim.timer")
    verified = site.run(verb="verify")
    site.guest.sh(f"chown 7 {PLACE}/loki")
    drifted = site.run(verb="verify")
    mended = site.run()
    released = site.run(verb="release")

    assert numbers(predicted) == numbers(first)
    assert numbers(first)[1] == 0, message(first)
    assert numbers(second) == (0, 0)
    assert trim.split() == ["enabled", "active"]
    assert numbers(verified)[1] == 0
    assert "is not as the inventory says" in message(drifted)
    assert numbers(mended) == (1, 0)
    assert numbers(released) == (1, 0)


def test_two_hosts_that_name_one_serial_are_told_so(site: Site) -> None:
    told = site.run(others={"node-3": {"data_disk_serial": "EMPTY"}, "node-1": {"ansible_host": "10.0.0.1"}})

    assert "node-2 and node-3 name one disk" in message(told)


def test_a_host_that_names_no_disk_is_told_what_to_look_at(site: Site) -> None:
    told = site.run(data_disk_by_id="FILL_IN", data_disk_serial="FILL_IN")

    assert "names no disk" in message(told)
    assert "lsblk" in message(told)


def test_a_refusal_reaches_the_person_whole(site: Site) -> None:
    told = site.run(data_disk_by_id=LINK.format("LUKS"), data_disk_serial="LUKS")

    assert "crypto_LUKS" in message(told)
    assert "data_disk_erase_serial=LUKS" in message(told)
