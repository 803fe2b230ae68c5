"""Between looking at a disk and writing to it, everything is proven again; what changed meanwhile stops the write."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk import (
    claim,
    collect,
    facts,
    host,
    plan,
)
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk.request import DiskError, Request
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk.standing import uuid_bytes

from tests.unit.module_utils.data_disk_recordings import DISK_BYTES, asked, observed

CONTENT = b"an empty disk, or so it seemed"


class Bench:
    """A file in place of the disk, and recorded answers in place of the machine's; `ran` are the commands."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = tmp_path / "disk"
        self.path.write_bytes(CONTENT)
        self.request: Request = asked("EMPTY", by_id=str(self.path), state_dir=str(tmp_path / "state"))
        self.seen = observed("EMPTY")
        self.seen["udev"] += f"DEVLINKS={self.path}\n"
        self.seen["lsblk"] = self.seen["lsblk"].replace('"259:4"', '"0:0"')
        self.now = dict(self.seen["sysfs"])
        self.ran: list[list[str]] = []
        self.journal_at_format: dict[str, str] | None = None
        self.signatures = ""
        monkeypatch.setattr(collect, "sysfs_of", lambda numbers: self.now)
        monkeypatch.setattr(collect, "observe", lambda request, claimed=None: self.seen)
        monkeypatch.setattr(host, "output", self.run)
        monkeypatch.setattr(plan, "GUARDS", tuple(each for each in plan.GUARDS if each.__name__ != "named_by_id"))

    def run(self, command: list[str], **_options: Any) -> str:
        self.ran.append(command)
        if command[0].startswith("mkfs"):
            self.journal_at_format = host.json_of(self.request.journal_path)
        return self.signatures if command[0] == "wipefs" else ""

    def decide(self) -> tuple[plan.Plan, facts.Facts]:
        read = facts.read(self.seen)
        return plan.decide(self.request, read), read

    def formatted(self) -> list[list[str]]:
        return [command for command in self.ran if command[0].startswith("mkfs")]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    yield Bench(tmp_path, monkeypatch)


def test_a_proven_disk_is_formatted_once_with_the_journal_written_before(bench: Bench) -> None:
    planned, read = bench.decide()

    claim.make_filesystem(bench.request, planned, read)

    assert bench.journal_at_format == {
        "serial": "EMPTY",
        "uuid": bench.request.uuid,
        "bytes": str(DISK_BYTES),
        "was": "empty",
    }
    command = bench.formatted()[0]
    assert "-f" not in command, "mkfs.xfs must look for itself"
    assert command[-1].startswith("/proc/self/fd/")
    assert bench.path.read_bytes() == CONTENT


@pytest.mark.parametrize(("filesystem", "word"), [("xfs", "-K"), ("ext4", "quotatype=prjquota,nodiscard")])
@pytest.mark.parametrize("sampled", [True, False])
def test_a_disk_that_was_only_sampled_is_formatted_without_discarding_what_samples_may_miss(
    bench: Bench, filesystem: str, word: str, sampled: bool
) -> None:
    bench.request = asked("EMPTY", by_id=str(bench.path), state_dir=bench.request.state_dir, filesystem=filesystem)
    bench.seen["content"]["bytes_read"] = DISK_BYTES - (1 if sampled else 0)
    planned, read = bench.decide()

    claim.make_filesystem(bench.request, planned, read)

    assert (word in bench.formatted()[0]) is sampled


def test_ext4_is_not_made_over_what_appeared_at_the_last_moment(bench: Bench) -> None:
    bench.request = asked("EMPTY", by_id=str(bench.path), state_dir=bench.request.state_dir, filesystem="ext4")
    bench.signatures = '{"signatures": [{"device": "3", "offset": "0x10040", "type": "btrfs"}]}'
    planned, read = bench.decide()

    with pytest.raises(DiskError, match="got btrfs at the last moment, and was not formatted"):
        claim.make_filesystem(bench.request, planned, read)

    assert not bench.formatted()


@pytest.mark.parametrize("began", [True, False])
def test_a_disk_that_a_run_began_to_format_is_read_whole_before_it_is_formatted_again(
    tmp_path: Path, began: bool
) -> None:
    request, size = asked("EMPTY"), 5 << 30
    (tmp_path / "disk").touch()
    os.truncate(tmp_path / "disk", size)
    with (tmp_path / "disk").open("r+b") as disk:
        disk.write(uuid_bytes(request))

    found = collect._content(request, str(tmp_path / "disk"), size, began=began)

    assert (found["bytes_read"] == size) is began


@pytest.mark.parametrize("changed", [{"serial": "OTHER"}, {"bytes": 1 << 40}, {"sequence": "99"}])
def test_another_disk_behind_the_same_name_is_not_written_to(bench: Bench, changed: dict[str, Any]) -> None:
    planned, read = bench.decide()
    bench.now.update(changed)

    with pytest.raises(DiskError, match="is not the disk that was looked at"):
        claim.make_filesystem(bench.request, planned, read)

    assert not bench.formatted()
    assert not Path(bench.request.journal_path).exists()


@pytest.mark.parametrize(
    "change",
    [
        {"swaps": observed("EMPTY")["swaps"] + "/dev/nvme0n1 partition 1 0 -2\n"},
        {"wipefs": '{"signatures": [{"device": "nvme0n1", "offset": "0x438", "type": "ext4"}]}'},
        {"content": {**observed("EMPTY")["content"], "nonzero_blocks": 1, "nonzero_offsets": [5], "foreign_blocks": 1}},
    ],
)
def test_what_appeared_after_the_first_look_stops_the_write(bench: Bench, change: dict[str, Any]) -> None:
    planned, read = bench.decide()
    bench.seen.update(change)

    with pytest.raises(DiskError, match="changed after it was looked at, and nothing was written"):
        claim.make_filesystem(bench.request, planned, read)

    assert not bench.formatted()
    assert not Path(bench.request.journal_path).exists()


def test_a_disk_that_somebody_takes_meanwhile_is_not_written_to(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    planned, read = bench.decide()
    plain_open = os.open

    def busy(path: str, flags: int, *rest: Any) -> int:
        if flags & os.O_EXCL and not flags & os.O_CREAT:
            raise OSError(16, "Device or resource busy")
        return plain_open(path, flags, *rest)

    monkeypatch.setattr(os, "open", busy)
    with pytest.raises(DiskError, match="could not be taken for exclusive use: something uses it"):
        claim.make_filesystem(bench.request, planned, read)

    assert not bench.formatted()


def test_the_filesystem_is_marked_only_when_it_is_the_one_just_made(bench: Bench) -> None:
    with pytest.raises(DiskError, match="does not carry the filesystem"):
        claim.write_marker(bench.request)

    assert [command[0] for command in bench.ran] == ["wipefs"]


def test_an_erase_clears_the_labels_and_says_in_the_journal_what_was_there(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.seen["wipefs"] = '{"signatures": [{"device": "nvme0n1", "offset": "0x438", "type": "ext4"}]}'
    bench.request = asked("EMPTY", by_id=str(bench.path), state_dir=bench.request.state_dir, erase_serial="EMPTY")
    cleared: list[list[tuple[int, int]]] = []
    monkeypatch.setattr(claim, "clear", lambda descriptor, spots: cleared.append(spots))
    monkeypatch.setattr(fcntl, "ioctl", lambda *arguments: 0)
    planned, read = bench.decide()

    claim.make_filesystem(bench.request, planned, read)

    assert cleared
    assert bench.journal_at_format is not None
    assert bench.journal_at_format["was"] != "empty"
    assert len(bench.formatted()) == 1


def test_the_serial_is_read_from_where_each_kind_of_disk_gives_it(tmp_path: Path) -> None:
    nvme, virtio, sata, none = (tmp_path / name for name in ("nvme", "virtio", "sata", "none"))
    for base in (nvme, sata, none):
        (base / "device").mkdir(parents=True)
    virtio.mkdir()
    (nvme / "device" / "serial").write_text("S675NX0T123456      \n")
    (virtio / "serial").write_text("lab-root")
    (sata / "device" / "vpd_pg80").write_bytes(b"\x00\x80\x00\x0fWD-WCC4E1234567")

    assert [collect._serial(base) for base in (nvme, virtio, sata, none)] == [
        "S675NX0T123456",
        "lab-root",
        "WD-WCC4E1234567",
        "",
    ]
