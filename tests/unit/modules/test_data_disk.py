"""The module as Ansible runs it, on this machine, for a disk that is not here."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.module_door import run_module

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("lsblk", "wipefs", "udevadm", "mkfs.xfs"))),
    reason="needs root, util-linux, udev and xfsprogs",
)


def asked(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    given = {
        "by_id": "/dev/disk/by-id/nvme-No_Such_Disk_1",
        "serial": "1",
        "bytes": 1 << 39,
        "mount_point": str(tmp_path / "storage"),
        "state_dir": str(tmp_path / "state"),
    }
    return {**given, **changes}


@pytest.mark.parametrize("check", [True, False])
def test_every_reason_is_in_one_answer_and_nothing_is_made(tmp_path: Path, check: bool) -> None:
    answer = run_module("data_disk", asked(tmp_path, by_id="/dev/nvme9n9", label="much-too-long-a-label"), check=check)

    assert answer["failed"]
    assert {"named_by_id", "present", "label_fits"} <= {refusal["guard"] for refusal in answer["refusals"]}
    assert all(refusal["found"] in answer["msg"] and refusal["look"] in answer["msg"] for refusal in answer["refusals"])
    assert list(tmp_path.iterdir()) == []


def test_a_share_takes_its_defaults_and_an_unknown_owner_is_named(tmp_path: Path) -> None:
    shares = [{"name": "loki", "bytes": 1 << 30, "owner": "nobody-here"}]

    answer = run_module("data_disk", asked(tmp_path, projects=shares))

    assert "the user 'nobody-here' of loki does not exist here" in answer["msg"]


def test_releasing_what_is_not_there_changes_nothing(tmp_path: Path) -> None:
    answer = run_module("data_disk", asked(tmp_path, state="released"))

    assert not answer.get("failed"), answer
    assert not answer["changed"]
