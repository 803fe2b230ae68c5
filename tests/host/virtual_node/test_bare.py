"""Before anything is installed: what preflight finds on a real machine, and that it changes nothing there."""

from __future__ import annotations

import json

from tests.cluster.playbook import Run
from tests.host.virtual_node.site import FOLDER, MixedSite

_MINUTES = 10
_ROOT_DISK = "/dev/disk/by-id/virtio-lab-root"


def _examine(site: MixedSite) -> tuple[Run, list[dict[str, str]]]:
    """The run, and what was found with its host."""
    run = site.play("--tags", "preflight")
    return run, json.loads((FOLDER / "preflight.json").read_text(encoding="utf-8"))["findings"]


def _errors(findings: list[dict[str, str]]) -> dict[str, str]:
    return {finding["what"]: finding["host"] for finding in findings if finding["severity"] == "error"}


def test_a_clock_ten_minutes_off_and_the_wrong_disk_are_told_in_one_report_and_nothing_is_changed(
    site: MixedSite,
) -> None:
    before = site.machine.run(f"date -s '+{_MINUTES} minutes' > /dev/null; dpkg-query -l | sha256sum").stdout
    wrong = {"data_disk_by_id": _ROOT_DISK, "data_disk_bytes": 512110190592, "data_disk_model": "Samsung SSD 980"}

    with site.saying(**wrong):
        run, findings = _examine(site)
    after = site.machine.run(f"date -s '-{_MINUTES} minutes' > /dev/null; dpkg-query -l | sha256sum").stdout

    errors = _errors(findings)
    assert run.status != 0
    assert set(errors.values()) == {"node-2"}, errors
    [clock] = [what for what in errors if what.startswith("clock ")]
    assert abs(float(clock.split()[1]) - 60 * _MINUTES) < 30, clock
    assert {what for what in errors if what != clock} == {
        "the data disk has another serial",
        "the data disk has another size",
        "the data disk is another model",
        "the data disk is in use",
    }
    assert after == before
    assert run.changed == []


def test_a_disk_that_is_not_there_is_told_with_those_that_are(site: MixedSite) -> None:
    absent = "/dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_ANOTHER"

    with site.saying(data_disk_by_id=absent):
        run, findings = _examine(site)

    assert run.status != 0
    assert _errors(findings) == {f"no disk at {absent}": "node-2"}
    assert "nvme-QEMU_NVMe_Ctrl_LAB2DATA0001" in next(one["why"] for one in findings if absent in one["what"])


def test_bare_machines_that_are_as_the_inventory_says_have_no_error(site: MixedSite) -> None:
    run, findings = _examine(site)

    assert run.status == 0, run.end
    assert _errors(findings) == {}
