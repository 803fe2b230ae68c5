"""Which disks are left alone, and for which reasons: decided from what a real machine answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk import door, facts, plan
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk.request import Request

from tests.unit.module_utils.data_disk_recordings import LINK, asked, journal, observed

Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Case:
    """One recorded disk, changed by `change`, asked for with `options`; `reasons` are the guards that must refuse."""

    name: str
    serial: str
    reasons: tuple[str, ...]
    scene: str = "idle"
    options: dict[str, Any] = field(default_factory=dict)
    change: Change | None = None

    def decide(self) -> tuple[Request, plan.Plan]:
        seen = observed(self.serial, self.scene)
        if self.change:
            self.change(seen)
        request = asked(self.serial, **self.options)
        return request, plan.decide(request, facts.read(seen))


def setting(**values: Any) -> Change:
    return lambda seen: seen.update(values)


def sysfs(**values: Any) -> Change:
    return lambda seen: seen["sysfs"].update(values)


def lsblk(path: str, **columns: Any) -> Change:
    """Changes the columns of one row of lsblk."""

    def change(seen: dict[str, Any]) -> None:
        told = json.loads(seen["lsblk"])
        next(row for row in told["blockdevices"] if row["path"] == path).update(columns)
        seen["lsblk"] = json.dumps(told)

    return change


def our_filesystem(marker: dict[str, str] | None, *entries: str, error: str = "") -> Change:
    """A filesystem with our UUID and label on the disk EMPTY."""
    row = {"device": "nvme0n1", "offset": "0x0", "type": "xfs", "uuid": asked("EMPTY").uuid, "label": "k8s-storage"}

    def change(seen: dict[str, Any]) -> None:
        seen["wipefs"] = json.dumps({"signatures": [row]})
        seen["inside"] = {"marker": marker, "entries": list(entries), "error": error}
        seen["content"]["nonzero_blocks"] = 40
        seen["content"]["nonzero_offsets"] = [0]

    return change


def both(*changes: Change) -> Change:
    def change(seen: dict[str, Any]) -> None:
        for each in changes:
            each(seen)

    return change


def adding(name: str, line: str) -> Change:
    def change(seen: dict[str, Any]) -> None:
        seen[name] += line + "\n"

    return change


EMPTY_DISK = "/dev/nvme0n1"  # where EMPTY was when it was recorded
ERASE = {"erase_serial": "EMPTY"}
ONE_SIGNATURE = json.dumps({"signatures": [{"device": "nvme0n1", "offset": "0x1000", "type": "bcachefs"}]})
LABELS = "no_signatures", "no_content"

CASES = [
    # disks with something on them, made by the tools that people use
    Case("ext4", "EXT4", LABELS),
    Case("xfs of somebody else", "XFS", LABELS),
    Case("btrfs", "BTRFS", LABELS),
    Case("a volume group that is off", "LVM", LABELS),
    Case("a stopped RAID, label at the front", "RAID12", LABELS),
    Case("a stopped RAID, label at the end", "RAID090", LABELS),
    Case("closed LUKS", "LUKS", LABELS),
    Case("labels of ZFS", "ZFS", LABELS),
    Case("a GPT with a filesystem", "GPT", ("no_partitions", *LABELS)),
    Case("an MBR with swap that is off", "MBR", ("no_partitions", *LABELS)),
    Case("26 bytes at an odd place", "ODD", ("no_content",)),
    Case("a filesystem whose signature was wiped", "LEFTOVER", ("no_content",)),
    # the same disks in use
    Case("a mounted volume", "LVM", ("not_mounted", "no_holders", "not_busy", *LABELS), scene="in_use"),
    Case("a running RAID", "RAID12", ("no_holders", "not_busy", *LABELS), scene="in_use"),
    Case("opened LUKS", "LUKS", ("no_holders", "not_busy", *LABELS), scene="in_use"),
    Case("a mounted partition", "GPT", ("not_mounted", "not_busy", "no_partitions", *LABELS), scene="in_use"),
    Case("swap in use", "MBR", ("not_swap", "not_busy", "no_partitions", *LABELS), scene="in_use"),
    # another disk than was meant
    Case("a kernel name", "EMPTY", ("named_by_id", "link_by_udev"), options={"by_id": EMPTY_DISK}),
    Case("a name by path", "EMPTY", ("named_by_id",), options={"by_id": "/dev/disk/by-path/pci-0000:01:00.0-nvme-1"},
         change=lambda seen: seen.update(udev=seen["udev"] + "DEVLINKS=/dev/disk/by-path/pci-0000:01:00.0-nvme-1\n")),
    Case("a partition's link", "EMPTY", ("named_by_id", "link_by_udev"), options={"by_id": LINK.format("EMPTY-part1")}),
    Case("no serial", "EMPTY", ("serial_given", "serial_matches"), options={"serial": ""}),
    Case("no serial, and a disk that gives none", "EMPTY", ("serial_given",), options={"serial": ""},
         change=both(sysfs(serial=""), lsblk(EMPTY_DISK, serial=None))),
    Case("no size", "EMPTY", ("serial_given", "size_matches"), options={"bytes": 0}),
    Case("a disk that is gone", "EMPTY", ("present",), change=setting(link="", wipefs=None, content=None)),
    Case("something that is no disk", "EMPTY", ("whole_disk",), change=lsblk(EMPTY_DISK, type="loop")),
    Case("a link made by hand", "EMPTY", ("link_by_udev",), change=setting(udev="DEVNAME=/dev/nvme0n1\n")),
    Case("another serial behind the link", "EMPTY", ("serial_matches",), options={"serial": "OTHER"}),
    Case("two answers about the serial", "EMPTY", ("serial_matches",), change=lsblk(EMPTY_DISK, serial="OTHER")),
    Case("a disk that gives no serial", "EMPTY", ("serial_matches",), change=sysfs(serial="")),
    Case("two disks with one serial", "EMPTY", ("serial_unique",), change=lsblk("/dev/nvme13n1", serial="EMPTY")),
    Case("2 % smaller", "EMPTY", ("size_matches",), options={"bytes": (512 << 20) * 100 // 98}),
    Case("another model", "EMPTY", ("model_matches",), options={"model": "Samsung SSD 980"}),
    Case("the serial typed for another disk", "EMPTY", ("erase_names_this",), options={"erase_serial": "EXT4"}),
    # one thing at a time that speaks against it
    Case("mounted somewhere", "EMPTY", ("not_mounted",),
         change=adding("mountinfo", "99 1 259:4 / /srv/x rw - ext4 /dev/root rw")),
    Case("btrfs mounted under a number of its own", "EMPTY", ("not_mounted",),
         change=adding("mountinfo", "99 1 0:55 / /srv/x rw - btrfs /dev/nvme0n1 rw")),
    Case("swapped to", "EMPTY", ("not_swap",), change=adding("swaps", "/dev/nvme0n1 partition 1 0 -2")),
    Case("held", "EMPTY", ("no_holders",), change=sysfs(holders=["dm-3"])),
    Case("held, as lsblk sees it", "EMPTY", ("no_holders",),
         change=lsblk(EMPTY_DISK, children=[{"path": "/dev/md9", "kname": "md9", "type": "raid1", "maj:min": "9:9"}])),
    Case("taken by a program", "EMPTY", ("not_busy",), change=setting(exclusive=False)),
    Case("write-protected", "EMPTY", ("writable",), change=sysfs(read_only=True)),
    Case("a copy of our filesystem elsewhere", "EMPTY", ("uuid_unique",),
         change=lsblk("/dev/nvme13n1", uuid=asked("EMPTY").uuid)),
    Case("partitions without a table", "EMPTY", ("no_partitions",), change=sysfs(partitions=["nvme0n1p1"])),
    Case("a signature on zeros", "EMPTY", ("no_signatures",), change=setting(wipefs=ONE_SIGNATURE)),
    Case("signatures that cannot be read", "EMPTY", ("no_signatures", "no_content"),
         change=setting(wipefs=None, content=None)),
    Case("a disk that cannot be read to the end", "EMPTY", ("no_content",),
         change=lambda seen: seen["content"].update(error="4096 bytes at 0 could not be read: Input/output error")),
    # our own filesystem, but not as it should be
    Case("our UUID without a marker", "EMPTY", (*LABELS, "ours_looks_right"), change=our_filesystem(None, "loki")),
    Case("our UUID with another disk's marker", "EMPTY", (*LABELS, "ours_looks_right"),
         change=our_filesystem(asked("SPARE").marker)),
    Case("our UUID on what cannot be mounted", "EMPTY", (*LABELS, "ours_looks_right"),
         change=our_filesystem(None, error="it cannot be mounted: bad superblock")),
    Case("our UUID under another label", "EMPTY", (*LABELS, "ours_looks_right"), options={"label": "other"},
         change=both(our_filesystem(None), setting(inside=None))),
    Case("typed, and our UUID under another label", "EMPTY", (*LABELS, "ours_looks_right"),
         options={**ERASE, "label": "other"}, change=both(our_filesystem(None), setting(inside=None))),
    Case("typed, and ours but damaged", "EMPTY", (*LABELS, "ours_looks_right"), options=ERASE,
         change=our_filesystem(None, error="it cannot be mounted: bad superblock")),
    Case("typed, and ours without a marker", "EMPTY", (*LABELS, "ours_looks_right"), options=ERASE,
         change=our_filesystem(None, "loki")),
    Case("typed, and only blocks of ours left", "EMPTY", ("no_content", "ours_looks_right"), options=ERASE,
         change=lambda seen: seen["content"].update(nonzero_blocks=9, foreign_blocks=5, nonzero_offsets=[8192])),
    Case("ours, and mounted elsewhere", "EMPTY", ("not_mounted",), change=both(
        our_filesystem(asked("EMPTY").marker),
        adding("mountinfo", "99 1 259:4 / /srv/x rw - xfs /dev/nvme0n1 rw,prjquota"))),
    # interrupted runs that cannot be continued
    Case("half made, then written to", "EMPTY", ("no_content",), change=both(
        setting(journal=journal(asked("EMPTY"))),
        lambda seen: seen["content"].update(nonzero_blocks=9, foreign_blocks=1, nonzero_offsets=[8192]))),
    Case("half made over old data", "EMPTY", ("no_content",), change=both(
        setting(journal=journal(asked("EMPTY"), was="erased with its serial typed out")),
        lambda seen: seen["content"].update(nonzero_blocks=9, foreign_blocks=0, nonzero_offsets=[8192]))),
    Case("our blocks, and no journal", "EMPTY", ("no_content", "ours_looks_right"),
         change=lambda seen: seen["content"].update(nonzero_blocks=9, foreign_blocks=0, nonzero_offsets=[8192])),
    Case("finished but unmarked, and used since", "EMPTY", (*LABELS, "ours_looks_right"), change=both(
        our_filesystem(None, "photos"), setting(journal=journal(asked("EMPTY"))))),
    # the place
    Case("a mount point in a system directory", "EMPTY", ("place_is_free",), options={"mount_point": "/usr/data"}),
    Case("a mount point below K3s", "EMPTY", ("place_is_free",), options={"mount_point": "/var/lib/rancher/data"}),
    Case("a mount point that climbs", "EMPTY", ("place_is_free",), options={"mount_point": "/mnt/../etc"}),
    Case("the root as mount point", "EMPTY", ("place_is_free", "fstab_is_free"), options={"mount_point": "/"}),
    Case("another filesystem at the mount point", "EMPTY", ("place_is_free",),
         change=adding("mountinfo", "99 1 0:55 / /mnt/k8s-storage rw - nfs4 nas:/export rw")),
    Case("files in the mount point", "EMPTY", ("place_is_free",),
         change=lambda seen: seen["place"].update(exists=True, entries=["precious"])),
    Case("a mount point that is a link", "EMPTY", ("place_is_free",),
         change=lambda seen: seen["place"].update(exists=True, plain=False)),
    Case("another line of fstab for the place", "EMPTY", ("fstab_is_free",),
         change=adding("fstab", "UUID=1234 /mnt/k8s-storage ext4 defaults 0 2")),
    Case("another line of fstab for the disk", "EMPTY", ("fstab_is_free",),
         change=adding("fstab", f"{LINK.format('EMPTY')} /srv/photos ext4 noauto 0 2")),
    # the shares
    Case("no mkfs.xfs", "EMPTY", ("programs_installed",), change=setting(missing_programs=["mkfs.xfs"])),
    Case("a label that XFS cuts", "EMPTY", ("label_fits",), options={"label": "kubernetes-storage"}),
    Case("more shares than disk", "EMPTY", ("shares_fit",),
         options={"projects": [{"name": "loki", "bytes": 512 << 20, "owner": "0", "group": "0", "mode": "0750"}]},
         change=setting(ids={"user:0": 0, "group:0": 0})),
    Case("a share that climbs out", "EMPTY", ("shares_named_well",),
         options={"projects": [{"name": "../etc", "bytes": 1 << 20, "owner": "0", "group": "0", "mode": "0750"}]},
         change=setting(ids={"user:0": 0, "group:0": 0})),
    Case("an owner that is unknown", "EMPTY", ("owners_known",),
         options={"projects": [{"name": "loki", "bytes": 1 << 20, "owner": "loki", "group": "0", "mode": "0750"}]},
         change=setting(ids={"user:loki": None, "group:0": 0})),
    # a typed serial opens what lies on a disk, and nothing that is in use
    Case("typed, and a program has it", "EMPTY", ("not_busy",), options=ERASE, change=setting(exclusive=False)),
    Case("typed, and mounted", "GPT", ("not_mounted", "not_busy", "no_partitions", *LABELS), scene="in_use",
         options={"erase_serial": "GPT"}),
    Case("typed, and not readable", "EMPTY", ("no_content",), options=ERASE,
         change=lambda seen: seen["content"].update(error="the disk ends at 4096")),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_reason_is_given_and_nothing_is_planned(case: Case) -> None:
    request, decided = case.decide()

    assert {refusal.guard for refusal in decided.refusals} == set(case.reasons)
    assert not decided.changes
    text = door.refusal_text(request, decided.refusals)
    assert all(refusal.found in text and refusal.look in text for refusal in decided.refusals)


def outcome(case: Case) -> tuple[frozenset[str], bool]:
    """The reasons for refusing, and whether anything would be changed."""
    try:
        decided = case.decide()[1]
    except AssertionError:  # a plan cannot even be made
        return frozenset(), False
    return frozenset(refusal.guard for refusal in decided.refusals), decided.changes


@pytest.mark.parametrize("guard", plan.GUARDS, ids=lambda guard: guard.__name__)
def test_a_missing_guard_is_noticed(guard: plan.Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "GUARDS", tuple(each for each in plan.GUARDS if each is not guard))

    assert [case.name for case in CASES if outcome(case)[0] != set(case.reasons)]


NEVER_ALONE = {  # each of these always has another beside it, or no plan can be made at all
    "owners_known": "a share cannot be planned without its owner's number",
}


@pytest.mark.parametrize("guard", plan.GUARDS, ids=lambda guard: guard.__name__)
def test_each_guard_is_all_that_saves_some_disk(guard: plan.Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "GUARDS", tuple(each for each in plan.GUARDS if each is not guard))

    assert [case.name for case in CASES if outcome(case)[1]] or guard.__name__ in NEVER_ALONE


def test_a_disk_that_lost_only_its_content_guards_says_how_to_erase_it() -> None:
    request, decided = Case("", "EXT4", ()).decide()

    assert "data_disk_erase_serial=EXT4" in door.refusal_text(request, decided.refusals)


@pytest.mark.parametrize(
    ("change", "options", "advice"),
    [
        (our_filesystem(None, error="it cannot be mounted: bad superblock"), {}, "xfs_repair -n /dev/nvme0n1"),
        (our_filesystem(None, "loki"), {}, "/mnt/.log-intelligence-data-disk.json"),
        (both(our_filesystem(None), setting(inside=None)), {"label": "other"}, "data_disk_label back"),
    ],
    ids=["damaged", "unmarked", "relabelled"],
)  # fmt: skip
def test_a_disk_of_ours_that_looks_wrong_is_mended_and_never_offered_for_erasing(
    change: Change, options: dict[str, Any], advice: str
) -> None:
    request, decided = Case("", "EMPTY", (), change=change, options=options).decide()

    text = door.refusal_text(request, decided.refusals)

    assert advice in text
    assert "data_disk_erase_serial" not in text
    assert "format it" not in text


def test_the_marker_can_be_put_back_as_the_refusal_says() -> None:
    request, decided = Case("", "EMPTY", (), change=our_filesystem(None, "loki")).decide()

    told = door.refusal_text(request, decided.refusals).split("echo '")[1].split("'")[0]

    assert json.loads(told) == request.marker


def test_a_disk_in_use_is_never_offered_for_erasing() -> None:
    request, decided = Case("", "LVM", (), scene="in_use").decide()

    assert "data_disk_erase_serial" not in door.refusal_text(request, decided.refusals)
