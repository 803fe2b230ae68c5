"""Health as smartctl and nvme really print it."""

from __future__ import annotations

import json

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk import health, host
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk.request import DiskError

from tests.unit.module_utils.data_disk_recordings import HERE

SMARTCTL = (HERE / "smartctl.json").read_text()
NVME = (HERE / "nvme_smart_log.json").read_text()


def test_both_programs_tell_the_same_about_one_disk() -> None:
    by_smartctl, by_nvme = health.read_smartctl(SMARTCTL), health.read_nvme(NVME)

    assert by_smartctl is not None
    expected = {"passed": True, "wear_percent": 0, "spare_percent": 0, "media_errors": 0, "power_on_hours": 0}
    assert {**expected, "celsius": 50, "source": "smartctl"} == by_smartctl
    assert {**expected, "celsius": 50, "source": "nvme"} == by_nvme


def test_wear_of_a_sata_disk_is_counted_up_from_its_countdown() -> None:
    told = {"smart_status": {"passed": True}, "ata_smart_attributes": {"table": [{"id": 177, "value": 93}]}}

    found = health.read_smartctl(json.dumps(told))

    assert found == {"source": "smartctl", "passed": True, "wear_percent": 7}


def test_a_disk_that_tells_nothing_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(command: list[str], **_options: object) -> str:
        raise DiskError("no")

    monkeypatch.setattr(host, "has", lambda program: True)
    monkeypatch.setattr(host, "output", refuse)

    assert health.health_of("/dev/nvme0n1") == {"source": ""}
    assert health.read_smartctl('{"smartctl": {"exit_status": 2}}') is None
