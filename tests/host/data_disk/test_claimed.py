"""A claimed disk: shares, drift, adoption, and what happens while it is not mounted."""

from __future__ import annotations

from tests.host.data_disk.machine import MIB, PLACE, SHARES, Guest, guards


def test_check_mode_says_what_a_run_does_and_writes_nothing(guest: Guest) -> None:
    guest.blank("EMPTY")
    before = guest.digest("EMPTY")

    predicted = guest.claim("EMPTY", check=True, projects=SHARES)
    untouched = guest.digest("EMPTY") == before and "UUID" not in guest.sh("cat /etc/fstab")
    done = guest.claim("EMPTY", projects=SHARES)
    again = guest.claim("EMPTY", projects=SHARES)
    guest.call("release", "EMPTY")

    assert untouched
    assert predicted["changed"]
    assert predicted["diff"] == done["diff"]
    assert not again["changed"]
    assert again["diff"]["before"] == done["diff"]["after"]


def test_a_full_share_stops_only_itself_while_another_keeps_writing(claimed: Guest) -> None:
    many = f"for n in $(seq 20); do head -c 1M /dev/zero > {PLACE}/chroma/$n || exit 1; done; sync; echo all"
    both = f"({many}) > /tmp/writer 2>&1 & head -c 70M /dev/zero > {PLACE}/loki/log; echo $?; wait; cat /tmp/writer"

    full, written = claimed.sh(both).split()
    held = int(claimed.sh(f"du -B1 -s {PLACE}/loki | cut -f1"))

    assert full != "0"
    assert 59 * MIB <= held <= 60 * MIB
    assert written == "all"
    used = claimed.claim("EMPTY", projects=SHARES)["projects"]
    assert used["loki"]["used_bytes"] <= used["loki"]["limit_bytes"]
    assert used["chroma"]["used_bytes"] == 20 * MIB


def test_what_was_altered_from_outside_is_mended_and_nothing_else(claimed: Guest) -> None:
    claimed.sh(f"chown 5 {PLACE}/loki; chmod 700 {PLACE}/chroma")
    mended = claimed.claim("EMPTY", projects=SHARES)
    claimed.sh(f"umount {PLACE}; chattr -i {PLACE}; mount {PLACE}; mount -o remount,relatime {PLACE}")
    protected = claimed.claim("EMPTY", projects=SHARES)
    claimed.sh("sed -i 's/,nofail//' /etc/fstab")
    listed = claimed.claim("EMPTY", projects=SHARES)
    settled = claimed.claim("EMPTY", projects=SHARES)

    before = mended["diff"]["before"]["projects"]
    assert (before["loki"]["owner"], before["chroma"]["mode"]) == (5, "0700")
    assert mended["changed"]
    assert protected["diff"]["before"]["mount point immutable"] is False
    assert "noatime" in claimed.sh(f"findmnt -no OPTIONS {PLACE}")
    assert "nofail" not in listed["diff"]["before"]["fstab"]
    assert not settled["changed"]


def test_a_released_disk_is_adopted_with_its_data_its_shares_and_without_a_write(claimed: Guest) -> None:
    claimed.sh(f"echo kept > {PLACE}/loki/note")
    released = claimed.call("release", "EMPTY")
    gone = claimed.sh(f"ls -d {PLACE} 2>&1 || true; grep -c UUID /etc/fstab || true")
    claimed.sh("rm -rf /var/lib/log-intelligence")  # as on a newly installed system
    before = claimed.digest("EMPTY")

    looked = claimed.claim("EMPTY", check=True, projects=SHARES)
    relabelled = claimed.claim("EMPTY", label="other", projects=SHARES, erase_serial="EMPTY")
    untouched = claimed.digest("EMPTY") == before
    adopted = claimed.claim("EMPTY", projects=SHARES, erase_serial="EMPTY")

    assert released["changed"]
    assert "No such file" in gone
    assert untouched
    assert "ours_looks_right" in guards(relabelled)
    assert "data_disk_erase_serial" not in relabelled["refused"]
    assert looked["standing"] == adopted["standing"] == "ours"
    assert looked["projects"]["loki"]["number"] == adopted["projects"]["loki"]["number"]
    assert "nothing was erased" in adopted["warnings"][0]
    assert claimed.sh(f"cat {PLACE}/loki/note") == "kept"


def test_the_marker_alone_decides_whether_our_filesystem_is_adopted(claimed: Guest) -> None:
    claimed.sh(f"rm {PLACE}/.log-intelligence-data-disk.json")

    assert "ours_looks_right" in guards(claimed.claim("EMPTY", projects=SHARES))


def test_nothing_lands_on_the_root_disk_while_the_filesystem_is_not_mounted(claimed: Guest) -> None:
    claimed.sh(f"umount {PLACE}")

    lost = claimed.fails(f"touch {PLACE}/file || mkdir {PLACE}/loki")

    assert "Operation not permitted" in lost
    assert claimed.sh(f"ls -A {PLACE}") == ""
    assert claimed.claim("EMPTY", projects=SHARES)["changed"]


def test_ext4_with_project_quotas(guest: Guest) -> None:
    guest.blank("EMPTY")
    loki = "setpriv --reuid=10001 --regid=10001 --clear-groups"  # ext4 lets the root of the host pass every limit
    try:
        done = guest.claim("EMPTY", filesystem="ext4", projects=SHARES)
        again = guest.claim("EMPTY", filesystem="ext4", projects=SHARES)
        full = guest.fails(f"{loki} dd if=/dev/zero of={PLACE}/loki/log bs=1M count=70")
        guest.sh(f"head -c 20M /dev/zero > {PLACE}/chroma/index && sync")
        adopted = guest.call("release", "EMPTY")["changed"] and guest.claim("EMPTY", filesystem="ext4", projects=SHARES)
    finally:
        guest.call("release", "EMPTY", filesystem="ext4")

    assert done.get("changed"), done
    assert not again["changed"]
    assert "No space left" in full or "quota" in full
    assert adopted["standing"] == "ours"
