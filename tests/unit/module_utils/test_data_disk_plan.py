"""What is done to a disk that is not refused, decided from what a real machine answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk import facts, host, plan
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk.standing import Standing
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.module_utils.data_disk_recordings import LINK, asked, journal, observed, recorded

SHARES = [{"name": "loki", "bytes": 100 << 20, "owner": "10001", "group": "0", "mode": "750"}]
IDS = {"user:10001": 10001, "group:0": 0}
LOKI = {"owner": 10001, "group": 0, "mode": "0750", "project": 1007, "inherits": True, "limit": 100 << 20, "used": 5}
DISK = "/dev/nvme0n1"


def ours(**changes: Any) -> dict[str, Any]:
    """EMPTY with our filesystem on it, not mounted."""
    request = asked("EMPTY")
    row = {"device": "nvme0n1", "offset": "0x0", "type": "xfs", "uuid": request.uuid, "label": request.label}
    seen = observed("EMPTY")
    seen.update(wipefs=json.dumps({"signatures": [row]}), content=None, ids=IDS)
    seen["inside"] = {"marker": request.marker, "entries": [".log-intelligence-data-disk.json"], "error": ""}
    return {**seen, **changes}


def settled(options: str = "rw,noatime,prjquota", **changes: Any) -> dict[str, Any]:
    """EMPTY as it is after a run: listed, mounted, shared out."""
    request = asked("EMPTY")
    seen = ours()
    seen["fstab"] += request.fstab_line + "\n"
    seen["mountinfo"] += f"99 1 259:4 / {request.mount_point} {options} - xfs {DISK} rw\n"
    seen.update(place={"exists": True, "plain": True, "entries": [], "protected": True}, shares={"loki": LOKI})
    seen["exclusive"] = False
    return {**seen, **changes}


def decided(seen: dict[str, Any], **options: Any) -> plan.Plan:
    return plan.decide(asked("EMPTY", **{"projects": SHARES, **options}), facts.read(seen))


def test_an_empty_disk_is_formatted_marked_listed_mounted_and_shared_out() -> None:
    found = decided({**observed("EMPTY"), "ids": IDS})

    assert (found.refusals, found.standing, found.erase) == ((), Standing.EMPTY, False)
    assert (found.make_filesystem, found.write_marker, found.protect_place, found.mount) == (True, True, True, "mount")
    assert [(share.number, share.limit, share.due) for share in found.shares] == [(1000, 100 << 20, True)]


def test_a_disk_of_ours_is_mounted_and_not_written_to() -> None:
    found = decided(ours(shares={"loki": {**LOKI, "limit": None}}))

    assert (found.refusals, found.standing) == ((), Standing.OURS)
    assert not (found.make_filesystem or found.write_marker or found.erase)
    assert found.mount == "mount"
    assert [(share.number, share.due) for share in found.shares] == [(1007, False)]


def test_a_settled_disk_needs_nothing() -> None:
    assert not decided(settled()).changes


def test_pods_that_see_parts_of_our_filesystem_are_no_reason_to_refuse() -> None:
    seen = settled()
    seen["mountinfo"] += f"120 99 259:4 /loki /var/lib/kubelet/pods/1/volumes/loki rw - xfs {DISK} rw\n"

    assert not decided(seen).refusals
    assert not decided(seen).changes


def test_a_typed_serial_never_erases_a_disk_of_ours() -> None:
    found = decided(settled(), erase_serial="EMPTY")

    assert not found.changes
    assert "nothing was erased" in found.warnings[0]


def damaged(**changes: Any) -> dict[str, Any]:
    """A disk of ours whose filesystem cannot be mounted and that is mounted nowhere, as after a reinstallation."""
    seen = ours(**changes)
    seen["inside"] = {"marker": None, "entries": [], "error": "it cannot be mounted: bad superblock"}
    seen["content"] = {**observed("EMPTY")["content"], "nonzero_blocks": 9, "nonzero_offsets": [0], "foreign_blocks": 5}
    return seen


def unrecognised(**changes: Any) -> dict[str, Any]:
    """The same, when not even a signature is left."""
    return {**damaged(), "wipefs": "", "inside": None, **changes}


FULL = {**observed("EMPTY")["content"], "nonzero_blocks": 9, "nonzero_offsets": [0], "foreign_blocks": 9}


@pytest.mark.parametrize(
    ("seen", "options"),
    [
        ({**ours(), "inside": None, "content": FULL}, {"label": "other"}),
        ({**ours(), "inside": None, "content": FULL}, {"filesystem": "ext4"}),
        ({**ours(content=FULL), "inside": {"marker": None, "entries": ["loki"], "error": ""}}, {}),
        (damaged(), {}),
        (unrecognised(), {}),
        (unrecognised(content=FULL, fstab=asked("EMPTY").fstab_line + "\n"), {}),
        ({**ours(journal=journal(asked("EMPTY")), content=FULL),
          "inside": {"marker": None, "entries": ["loki"], "error": ""}}, {}),
        (damaged(journal=journal(asked("EMPTY")), fstab=asked("EMPTY").fstab_line + "\n"), {}),
    ],
    ids=["label", "filesystem", "marker", "damaged", "unrecognised", "only listed", "stale journal", "old journal"],
)  # fmt: skip
def test_a_typed_serial_left_in_the_inventory_never_erases_what_was_claimed_before(
    seen: dict[str, Any], options: dict[str, Any]
) -> None:
    found = decided({**seen, "ids": IDS}, erase_serial="EMPTY", **options)

    assert not found.changes
    assert [refusal.guard for refusal in found.refusals if not refusal.erasable] == ["ours_looks_right"]


@pytest.mark.parametrize("was", ["empty", "erased with its serial typed out"])
def test_a_format_that_was_never_finished_may_be_erased_by_a_typed_serial(was: str) -> None:
    found = decided(damaged(journal=journal(asked("EMPTY"), was=was)), erase_serial="EMPTY")

    assert (found.refusals, found.erase) == ((), True)


@pytest.mark.parametrize("serial", ["EXT4", "GPT", "ZFS", "LUKS", "LVM", "RAID090", "ODD"])
def test_a_typed_serial_opens_exactly_the_disk_that_it_names(serial: str) -> None:
    opened = plan.decide(asked(serial, erase_serial=serial), recorded(serial))
    other = plan.decide(asked(serial, erase_serial="EMPTY"), recorded(serial))

    assert (opened.refusals, opened.erase, opened.make_filesystem) == ((), True, True)
    assert other.refusals


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"place": {"exists": True, "plain": True, "entries": [], "protected": False}}, "protect_place", True),
        ({"mountinfo": observed("EMPTY")["mountinfo"]}, "mount", "mount"),
        ({"journal": journal(asked("EMPTY"))}, "forget_journal", True),
    ],
)
def test_what_is_missing_is_done_and_nothing_else(change: dict[str, Any], field: str, value: object) -> None:
    found = decided(settled(**change))

    assert not found.refusals
    assert getattr(found, field) == value
    steps = ("make_filesystem", "write_marker", "forget_journal", "protect_place", "mount")
    assert [step for step in steps if getattr(found, step)] == [field]
    assert found.fstab is None


@pytest.mark.parametrize(("options", "step"), [("rw,noatime,noquota", "again"), ("rw,relatime,prjquota", "remount")])
def test_lost_mount_options_are_brought_back(options: str, step: str) -> None:
    assert decided(settled(options)).mount == step


@pytest.mark.parametrize(
    "change", [{"owner": 0}, {"mode": "0777"}, {"limit": 1}, {"inherits": False}, {"project": 0}, {"project": 7}]
)
def test_a_share_that_differs_is_given_anew(change: dict[str, Any]) -> None:
    found = decided(settled(shares={"loki": {**LOKI, **change}}))

    assert [share.project.name for share in found.shares if share.due] == ["loki"]
    assert found.shares[0].number >= plan.FIRST_PROJECT


def test_new_shares_get_numbers_that_no_directory_has() -> None:
    names = ("a", "b", "c")
    shares = [{**SHARES[0], "name": name, "bytes": 1 << 20} for name in names]
    there = {"b": {**LOKI, "project": 1001}, "old": {**LOKI, "project": 1000}}

    found = decided(settled(shares=there), projects=shares)

    assert [share.number for share in found.shares] == [1002, 1001, 1003]


def test_two_directories_with_one_number_are_parted() -> None:
    found = decided(settled(shares={"loki": LOKI, "copy": LOKI}))

    assert found.shares[0].number != LOKI["project"]


# -- interrupted runs


def test_a_run_killed_before_the_first_write_begins_again() -> None:
    found = decided({**observed("EMPTY"), "ids": IDS, "journal": journal(asked("EMPTY"))})

    assert (found.refusals, found.standing, found.make_filesystem) == ((), Standing.EMPTY, True)


@pytest.mark.parametrize("recognised", [True, False])
def test_a_half_made_filesystem_of_our_own_blocks_is_made_again(recognised: bool) -> None:
    seen = ours(journal=journal(asked("EMPTY")))
    seen["inside"] = {"marker": None, "entries": [], "error": "it cannot be mounted"} if recognised else None
    seen["wipefs"] = seen["wipefs"] if recognised else ""
    seen["content"] = {
        **observed("EMPTY")["content"],
        "nonzero_blocks": 20,
        "nonzero_offsets": [0],
        "foreign_blocks": 0,
    }

    found = decided(seen)

    assert (found.refusals, found.standing, found.make_filesystem) == ((), Standing.HALF_MADE, True)


@pytest.mark.parametrize("recognised", [True, False])
def test_samples_alone_never_prove_that_a_filesystem_was_left_half_made(recognised: bool) -> None:
    seen = damaged(journal=journal(asked("EMPTY")))
    seen["content"].update(bytes_read=1 << 20, foreign_blocks=0)

    found = decided(seen if recognised else {**seen, "wipefs": "", "inside": None})

    assert found.refusals
    assert not found.changes


@pytest.mark.parametrize(
    "entries", [[], ["lost+found"], [".log-intelligence-data-disk.json"], ["..log-intelligence-data-disk.json.a1b2"]]
)
def test_a_finished_filesystem_without_a_marker_is_only_marked(entries: list[str]) -> None:
    seen = ours(journal=journal(asked("EMPTY")))
    seen["inside"] = {"marker": None, "entries": entries, "error": ""}

    found = decided(seen)

    assert (found.refusals, found.standing) == ((), Standing.UNMARKED)
    assert (found.make_filesystem, found.write_marker) == (False, True)


@pytest.mark.parametrize(
    "change", [{"serial": "SPARE"}, {"uuid": asked("SPARE").uuid}, {"bytes": "1"}, {"was": "full"}]
)
def test_a_journal_of_another_disk_or_time_continues_nothing(change: dict[str, str]) -> None:
    seen = ours(journal=journal(asked("EMPTY"), **change))
    seen["inside"] = {"marker": None, "entries": [], "error": ""}
    seen["content"] = {**observed("EMPTY")["content"], "nonzero_blocks": 20, "nonzero_offsets": [0]}

    assert decided(seen).refusals


# -- /etc/fstab

LINES = st.lists(
    st.sampled_from(
        [
            "",
            "# a remark",
            "UUID=1 / ext4 defaults 0 1",
            "/dev/sda2 none swap sw 0 0",
            f"{LINK.format('X')} /srv xfs rw 0 0",
        ]
    )
)


@given(LINES, st.booleans())
def test_every_other_line_of_fstab_stays_in_its_place(lines: list[str], listed: bool) -> None:
    request = asked("EMPTY")
    own = [f"UUID={request.uuid} /mnt/k8s-storage xfs defaults 0 0"] if listed else []
    before = "".join(f"{line}\n" for line in [*own, *lines])

    after = plan.with_line(before, request)

    assert [line for line in after.splitlines() if request.uuid not in line] == lines
    assert after.count(request.fstab_line) == 1
    assert plan.with_line(after, request) == after
    assert plan.without_line(after, request) == "".join(f"{line}\n" for line in lines)


def test_fstab_keeps_every_byte_that_is_not_ours(tmp_path: Path) -> None:
    before = b"# caf\xe9\r\nUUID=1 / ext4 defaults 0 1\n\n\t# no end of line"
    path = tmp_path / "fstab"
    path.write_bytes(before)

    host.write_whole(str(path), plan.with_line(host.text_of(str(path)), asked("EMPTY")), 0o644)

    assert path.read_bytes() == before + b"\n" + asked("EMPTY").fstab_line.encode() + b"\n"


def test_the_line_lets_the_machine_start_without_the_disk_and_k3s_only_after_it() -> None:
    fields = asked("EMPTY", device_timeout="9s").fstab_line.split()

    assert fields[0] == f"UUID={asked('EMPTY').uuid}"
    order = {"x-systemd.before=k3s.service", "x-systemd.before=k3s-agent.service"}
    assert {"nofail", "noatime", "prjquota", "x-systemd.device-timeout=9s"} | order == set(fields[3].split(","))


def test_the_uuid_follows_from_the_serial_and_never_changes() -> None:
    assert asked("EMPTY").uuid == "93333938-9c9a-5816-97f3-d7031be74588"
    assert asked("EMPTY").uuid != asked("SPARE").uuid
