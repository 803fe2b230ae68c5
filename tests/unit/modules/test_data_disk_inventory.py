"""What the role says about the inventory alone, before it looks at any machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.module_door import ROOT

DISK = {"data_disk_by_id": "/dev/disk/by-id/nvme-A_B", "data_disk_serial": "B", "data_disk_bytes": 512110190592}


def validate(folder: Path, hosts: dict[str, dict[str, Any]]) -> str:
    """The output of the role's checks of the inventory, on every host."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    role = {"name": "homelab.log_intelligence.data_disk", "tasks_from": "validate"}
    play = {"hosts": "disks", "gather_facts": False, "tasks": [{"ansible.builtin.include_role": role}]}
    groups: dict[str, Any] = {
        "children": {"disks": {"hosts": {name: {**local, **given} for name, given in hosts.items()}}}
    }
    groups["hosts"] = {"without": local}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": groups}))
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.yml", "play.yml"],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
            "ANSIBLE_HOME": str(ROOT / ".ansible" / "home"),
            "ANSIBLE_NOCOLOR": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_two_hosts_that_name_one_serial_are_both_told(tmp_path: Path) -> None:
    told = validate(tmp_path, {"node-2": DISK, "node-3": {**DISK, "data_disk_by_id": "/dev/disk/by-id/wwn-0x5"}})

    assert "node-2 and node-3 name one disk, serial B" in told
    assert "node-3 and node-2 name one disk, serial B" in told


def test_hosts_with_disks_of_their_own_pass(tmp_path: Path) -> None:
    told = validate(tmp_path, {"node-2": DISK, "node-3": {**DISK, "data_disk_serial": "C"}})

    assert "failed=0" in told
    assert "name one disk" not in told


@pytest.mark.parametrize(
    "missing", [{"data_disk_by_id": "FILL_IN"}, {"data_disk_by_id": "/dev/nvme1n1"}, {"data_disk_bytes": 0}]
)
def test_a_host_that_names_no_disk_is_told_how_to_find_it(tmp_path: Path, missing: dict[str, Any]) -> None:
    told = validate(tmp_path, {"node-2": {**DISK, **missing}})

    assert "node-2 names no disk" in told
    assert "lsblk -d -b -o NAME,SERIAL,SIZE,MODEL" in told
