"""A power cut, a start without the disk, and one with other names."""

from __future__ import annotations

from tests.host.data_disk.machine import CONTENTS, DISK_BYTES, JOURNALS, LINK, PLACE, SHARES, Guest, guards
from tools.lab.settings import Disk

DISKS = tuple(Disk(name, DISK_BYTES) for name in CONTENTS)


def test_power_cut_while_formatting_then_the_disk_gone_then_back_under_another_name(guest: Guest) -> None:
    guest.blank("EMPTY")
    name = guest.sh(f"readlink -f {LINK.format('EMPTY')}")
    guest.start_claim("EMPTY", projects=SHARES)
    guest.sh(f"until ls {JOURNALS}/*.json; do sleep 0.05; done; sync {JOURNALS}")
    guest.restart(*DISKS, cut=True)
    continued = guest.claim("EMPTY", projects=SHARES)
    guest.sh(f"echo kept > {PLACE}/loki/note; sync")

    guest.restart(*(disk for disk in DISKS if disk.serial != "EMPTY"))
    lost = guest.fails(f"mkdir {PLACE}/loki || echo x > {PLACE}/file")
    on_root = guest.sh(f"ls -A {PLACE}")
    refused = guest.claim("EMPTY", projects=SHARES)

    guest.restart(*reversed(DISKS))
    note = guest.sh(f"cat {PLACE}/loki/note")
    renamed = guest.sh(f"readlink -f {LINK.format('EMPTY')}")
    settled = guest.claim("EMPTY", projects=SHARES)
    guest.call("release", "EMPTY")

    assert continued["diff"]["after"]["mounted"], continued
    assert "Operation not permitted" in lost
    assert on_root == ""
    assert guards(refused) == {"present"}
    assert note == "kept"
    assert renamed != name
    assert not settled["changed"]
