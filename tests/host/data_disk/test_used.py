"""Disks in use are refused, whatever is typed."""

from __future__ import annotations

from tests.host.data_disk.machine import USE, Guest, guards


def test_a_disk_in_use_is_refused_whatever_is_typed(guest: Guest) -> None:
    guest.sh(USE)
    wanted = {
        "LVM": {"not_mounted", "no_holders"},
        "RAID12": {"no_holders"},
        "LUKS": {"no_holders"},
        "MBR": {"not_swap"},
    }
    before = {serial: guest.digest(serial) for serial in ("RAID12", "LUKS")}

    found = {serial: guards(guest.claim(serial, erase_serial=serial)) for serial in wanted}

    assert all(wanted[serial] | {"not_busy"} <= found[serial] for serial in wanted), found
    assert before == {serial: guest.digest(serial) for serial in before}
