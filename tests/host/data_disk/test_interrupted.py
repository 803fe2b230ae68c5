"""Runs that were killed while they formatted."""

from __future__ import annotations

import pytest

from tests.host.data_disk.machine import JOURNALS, LINK, SHARES, Guest, guards


@pytest.mark.parametrize("pause", [0.0, 1.0, 2.0, 4.0])
def test_a_run_that_was_killed_while_it_formatted_is_continued(guest: Guest, pause: float) -> None:
    guest.blank("EMPTY")
    guest.sh("rm -rf /var/lib/log-intelligence")
    journal = f"{JOURNALS}/EMPTY.formatting.json"
    guest.start_claim("EMPTY", projects=SHARES)
    guest.sh(f"until [ -e {journal} ] || ! kill -0 $(cat /tmp/claim.pid); do sleep 0.02; done; sleep {pause}")
    guest.sh("kill -9 -- -$(cat /tmp/claim.pid) || true; umount -q /mnt/k8s-storage || true; udevadm settle")

    found = guest.claim("EMPTY", check=True, projects=SHARES)
    done = guest.claim("EMPTY", projects=SHARES)
    again = guest.claim("EMPTY", projects=SHARES)
    guest.call("release", "EMPTY")

    print(f"killed {pause} s after the journal: found {found.get('standing')}")
    assert "refused" not in found, found
    assert done["diff"]["after"]["mounted"], done
    assert not again["changed"]
    assert guest.sh(f"ls -A {JOURNALS}") == ""


def test_a_half_made_filesystem_is_continued_only_while_nothing_else_was_written(guest: Guest) -> None:
    guest.blank("EMPTY")
    guest.half_make("EMPTY")
    continued = guest.claim("EMPTY", check=True)
    guest.sh(f"printf precious | dd of={LINK.format('EMPTY')} bs=1 seek=200000003 conv=notrunc,fsync status=none")
    refused = guest.claim("EMPTY")
    guest.blank("EMPTY")
    guest.half_make("EMPTY", journal=False)
    unknown = guest.claim("EMPTY")
    guest.blank("EMPTY")

    assert continued["standing"] == "half formatted by an interrupted run"
    assert "no_content" in guards(refused)
    assert "no_signatures" in guards(unknown)
