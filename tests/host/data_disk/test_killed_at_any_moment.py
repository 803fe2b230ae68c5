"""A format that is killed at any moment is continued, on a loop device of this host's kernel, many times over."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk import collect, facts, plan
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk.standing import Standing

from tests.host.data_disk import on_loop
from tests.host.data_disk.machine import ROOT

SIZE = 304 << 20  # XFS takes no less than 300 MiB
KILLS = 24
STEP = 0.02  # seconds between one kill's moment and the next


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[str]:
    """A loop device over an empty sparse file."""
    if os.geteuid() != 0:
        pytest.skip("loop devices need root")
    (tmp_path / "disk").touch()
    os.truncate(tmp_path / "disk", SIZE)
    made = subprocess.run(
        ["losetup", "--find", "--show", str(tmp_path / "disk")], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no loop device can be made here: {made.stderr.strip()}")
    yield made.stdout.strip()
    subprocess.run(["losetup", "--detach", made.stdout.strip()], check=True)


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "GUARDS", plan.GUARDS)
    monkeypatch.setattr(collect, "_serial", collect._serial)
    on_loop.stand_in()


def empty_again(loop: str, tmp_path: Path) -> None:
    subprocess.run(["blkdiscard", "--zeroout", loop], check=True)
    for journal in tmp_path.glob("*.formatting.json"):
        journal.unlink()


def run(loop: str, tmp_path: Path, killed_after: float) -> None:
    path = os.pathsep.join([str(ROOT), str(ROOT / ".ansible" / "collections")])
    command = [sys.executable, "-m", "tests.host.data_disk.on_loop", loop, str(tmp_path), str(killed_after)]
    subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, start_new_session=True, cwd=ROOT, check=False, timeout=120
    )


def test_wherever_a_run_is_killed_the_next_one_ends_with_a_marked_filesystem(loop: str, tmp_path: Path) -> None:
    request = on_loop.asked(loop, tmp_path)
    found: Counter[Standing] = Counter()

    for number in range(KILLS):
        empty_again(loop, tmp_path)
        run(loop, tmp_path, killed_after=number * STEP)
        planned = on_loop.finish(request)
        found[planned.standing] += 1
        assert planned.refusals == (), (number, planned.refusals)
        settled, seen = on_loop.look(request)
        assert (settled.standing, seen.journal) == (Standing.OURS, None)

    print(f"after {KILLS} kills the disk was found: {dict(found)}")
    assert len(found) > 1


def test_every_block_that_mkfs_writes_bears_the_uuid(loop: str, tmp_path: Path) -> None:
    """What a half-made disk is recognised by; a release of mkfs.xfs that breaks it would only make runs refuse."""
    request = on_loop.asked(loop, tmp_path)
    subprocess.run(["mkfs.xfs", "-q", "-L", request.label, "-m", f"uuid={request.uuid}", loop], check=True)
    with Path(loop).open("r+b") as disk:
        disk.seek(126)
        disk.write(b"\x01")  # what the first superblock says until all the rest is written

    _, seen = on_loop.look(request)

    assert seen.content is not None
    assert seen.content.nonzero_blocks > 10
    assert seen.content.foreign_blocks == 0


def test_a_letter_written_after_the_kill_is_never_lost(loop: str, tmp_path: Path) -> None:
    request = on_loop.asked(loop, tmp_path)
    run(loop, tmp_path, killed_after=0)
    with Path(loop).open("r+b") as disk:
        disk.seek(SIZE // 3 + 5)
        disk.write(b"Dear reader")

    planned, seen = on_loop.look(request)

    assert isinstance(seen, facts.Facts)
    assert "no_content" in {refusal.guard for refusal in planned.refusals}
