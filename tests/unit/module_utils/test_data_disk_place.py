"""The directory below the mount, seen and protected without disturbing the mount. Needs root, as the module does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk import place
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk.apart import apart, detach
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk.request import DiskError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mount namespaces and immutable flags need root")


@pytest.fixture
def point(tmp_path: Path) -> Iterator[Path]:
    """A mount point with a file in it, and a filesystem in memory mounted over it."""
    path = tmp_path / "storage"
    path.mkdir()
    (path / "below").touch()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "none", str(path)], check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.strip()}")
    (path / "above").touch()
    yield path
    subprocess.run(["umount", str(path)], check=False)
    subprocess.run(["chattr", "-i", str(path)], check=False, capture_output=True)


def test_what_lies_below_a_mount_is_seen_and_the_mount_stays(point: Path) -> None:
    told = place.look_below(str(point), mounted=1)

    assert (told["exists"], told["plain"], told["entries"]) == (True, True, ["below"])
    assert os.path.ismount(point)
    assert [entry.name for entry in point.iterdir()] == ["above"]


def test_the_directory_below_a_mount_is_protected_and_released(point: Path) -> None:
    if place.look_below(str(point), mounted=1)["protected"] is None:
        pytest.skip("the filesystem of the temporary directory knows no immutable flag")

    place.protect(str(point), mounted=1)

    assert place.look_below(str(point), mounted=1)["protected"] is True
    subprocess.run(["umount", str(point)], check=True)
    with pytest.raises(PermissionError):
        (point / "stray").touch()
    place.release(str(point), listed=False)
    assert (point / "below").exists(), "what is not empty is never removed"


def test_a_missing_mount_point_is_made_and_an_empty_one_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "new" / "storage"

    place.protect(str(path), mounted=0)
    assert path.is_dir()
    place.release(str(path), listed=True)

    assert not path.exists()


def test_an_empty_directory_that_somebody_else_made_is_left(tmp_path: Path) -> None:
    place.release(str(tmp_path), listed=False)

    assert tmp_path.is_dir()


def test_a_mount_point_that_was_filled_meanwhile_is_not_protected(tmp_path: Path) -> None:
    (tmp_path / "letter").touch()

    with pytest.raises(DiskError, match="has been filled since"):
        place.protect(str(tmp_path), mounted=0)


def test_a_link_is_not_a_mount_point(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    assert place.look_below(str(tmp_path / "link"), mounted=0)["plain"] is False


def test_what_fails_apart_is_told_here(point: Path) -> None:
    with pytest.raises(DiskError, match="umount2: Invalid argument"):
        apart(lambda: detach(str(point / "above")))
