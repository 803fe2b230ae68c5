"""Disks that are left alone, with not one byte of them changed."""

from __future__ import annotations

import pytest

from tests.host.data_disk.machine import CONTENTS, LINK, PLACE, Guest, guards

IDLE = [name for name in CONTENTS if name not in ("EMPTY", "SPARE")]


@pytest.mark.parametrize("serial", IDLE)
def test_a_disk_with_anything_on_it_is_refused_and_not_one_byte_of_it_changes(guest: Guest, serial: str) -> None:
    before = guest.digest(serial)

    answer = guest.claim(serial)

    assert guards(answer) <= {"no_partitions", "no_signatures", "no_content"}
    assert f"data_disk_erase_serial={serial}" in answer["refused"]
    assert guest.digest(serial) == before


def test_the_root_disk_is_refused_also_with_its_serial_typed_out(guest: Guest) -> None:
    link = guest.sh("ls /dev/disk/by-id/virtio-* | head -1")
    size = int(guest.sh(f"blockdev --getsize64 {link}"))
    serial = guest.sh(f"lsblk -dno SERIAL {link}")

    answer = guest.claim("x", by_id=link, serial=serial, bytes=size, model="", erase_serial=serial)

    assert {"not_mounted", "not_busy"} <= guards(answer)
    assert "the system itself is mounted from it" in answer["refused"]


def test_a_kernel_name_a_wrong_serial_and_a_missing_disk_are_refused(guest: Guest) -> None:
    guest.blank("EMPTY")
    by_kernel_name = guest.claim("EMPTY", by_id=guest.sh(f"readlink -f {LINK.format('EMPTY')}"))
    other = guest.claim("EMPTY", by_id=LINK.format("SPARE"))
    missing = guest.claim("GONE")

    assert "named_by_id" in guards(by_kernel_name)
    assert guards(other) == {"serial_matches"}
    assert guards(missing) == {"present"}
    assert {"EMPTY", "SPARE"} <= {disk["serial"] for disk in missing["disks"]}


def test_a_disk_that_a_program_holds_is_refused(guest: Guest) -> None:
    path = LINK.format("SPARE")
    hold = f"import os,time; os.open('{path}', os.O_RDWR | os.O_EXCL); print(1, flush=True); time.sleep(900)"
    guest.sh(f'nohup python3 -c "{hold}" > /tmp/held 2>&1 & echo $! > /tmp/holder')
    guest.sh("until grep -q 1 /tmp/held; do sleep 0.2; done")
    try:
        assert guards(guest.claim("SPARE")) == {"not_busy"}
    finally:
        guest.sh("kill $(cat /tmp/holder)")


def test_files_that_lie_in_the_mount_point_are_never_hidden(guest: Guest) -> None:
    guest.blank("EMPTY")
    guest.sh(f"mkdir -p {PLACE} && echo precious > {PLACE}/letter")
    try:
        assert guards(guest.claim("EMPTY")) == {"place_is_free"}
    finally:
        guest.sh(f"rm {PLACE}/letter")
