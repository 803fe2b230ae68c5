"""Formatting what is not empty."""

from __future__ import annotations

import pytest

from tests.host.data_disk.machine import LINK, SHARES, Guest, guards


@pytest.mark.parametrize("serial", ["GPT", "RAID090", "BTRFS", "ZFS"])
def test_a_typed_serial_formats_that_disk_and_leaves_no_old_signature(guest: Guest, serial: str) -> None:
    refused = guest.claim(serial, erase_serial="ODD")
    done = guest.claim(serial, erase_serial=serial, projects=SHARES)
    link = LINK.format(serial)
    left = guest.sh(f"wipefs --no-act --noheadings --output TYPE {link}; ls {link}-part* || true")
    again = guest.claim(serial, projects=SHARES)
    guest.call("release", serial)

    assert guards(refused) >= {"erase_names_this"}
    assert done.get("changed"), done
    assert left.split() == ["xfs"]
    assert not again["changed"]
