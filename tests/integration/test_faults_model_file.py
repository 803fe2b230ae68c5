"""The model file on real small disks, over a connection that dies, and by a process that is killed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.gguf_files import gguf_bytes
from tests.module_door import ROOT, run_module

pytestmark = pytest.mark.integration
CONTENT = gguf_bytes(values=65536)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB, less than the model."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small disk needs root and mount")
    place = tmp_path / "disk"
    place.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)):
        pytest.skip("this container may not mount")
    yield place
    subprocess.run(["umount", str(place)], check=True)


class Server:
    """Gives the model without telling its length, as a proxy may; `hold` keeps an answer from being finished."""

    def __init__(self) -> None:
        self.hold = threading.Event()
        self.content = CONTENT
        self.ranges: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers.get("Range", "")
                outer.ranges.append(asked)
                start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
                self.send_response(206 if start else 200)
                self.send_header("ETag", '"one"')
                self.end_headers()
                half = len(outer.content) // 2
                try:
                    self.wfile.write(outer.content[start : start + half])
                    self.wfile.flush()
                    outer.hold.wait(timeout=60)
                    self.wfile.write(outer.content[start + half :])
                except OSError:
                    pass  # the client is gone, which is what some tests are about

            def log_message(self, *arguments: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/model.gguf"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever)
    thread.start()
    made.hold.set()
    yield made
    made.hold.set()
    made.http.shutdown()
    thread.join()
    made.http.server_close()


def wanted(folder: Path, **source: str) -> dict[str, Any]:
    return {"dest": str(folder / "model.gguf"), "sha256": SHA256, "sources": [source]}


def test_a_disk_that_fills_up_is_told_left_clean_and_mended_by_room(disk: Path, server: Server) -> None:
    full = run_module("gguf_model", wanted(disk, url=server.url))

    assert full["failed"] and "\n" not in full["msg"]
    assert "the disk became full" in full["msg"] and f"Make room in {disk}" in full["msg"]
    assert list(disk.iterdir()) == []

    assert mount("-o", "remount,size=1m", str(disk))
    assert run_module("gguf_model", wanted(disk, url=server.url))["changed"]
    assert (disk / "model.gguf").read_bytes() == CONTENT


def test_a_disk_without_the_room_is_not_written_to_at_all(disk: Path, tmp_path: Path) -> None:
    (tmp_path / "origin.gguf").write_bytes(CONTENT)

    refused = run_module("gguf_model", wanted(disk, path=str(tmp_path / "origin.gguf")))

    assert refused["failed"] and f"needs {len(CONTENT):,} bytes" in refused["msg"]
    assert "Nothing was written" in refused["msg"]
    assert list(disk.iterdir()) == []


def test_a_read_only_disk_is_told_and_the_next_run_recovers(disk: Path, tmp_path: Path) -> None:
    assert mount("-o", "remount,ro,size=1m", str(disk))
    (tmp_path / "origin.gguf").write_bytes(CONTENT)
    arguments = wanted(disk, path=str(tmp_path / "origin.gguf"))

    refused = run_module("gguf_model", arguments)

    assert refused["failed"] and "\n" not in refused["msg"]
    assert "Read-only file system" in refused["msg"] and f"Make {disk} writable" in refused["msg"]

    assert mount("-o", "remount,rw,size=1m", str(disk))
    assert run_module("gguf_model", arguments)["changed"]


def test_a_download_whose_process_was_killed_is_continued(tmp_path: Path, server: Server) -> None:
    server.hold.clear()
    server.content = gguf_bytes(values=1 << 20)  # bytes arrive in blocks of a mebibyte
    arguments = {**wanted(tmp_path, url=server.url), "sha256": hashlib.sha256(server.content).hexdigest()}
    partial = tmp_path / "model.gguf.partial"
    process = subprocess.Popen(
        [sys.executable, "-m", "ansible_collections.homelab.log_intelligence.plugins.modules.gguf_model"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT / ".ansible" / "collections")},
    )
    with process:
        assert process.stdin
        process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
        process.stdin.close()
        deadline = time.monotonic() + 30
        while not (partial.exists() and partial.stat().st_size):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        process.kill()
    server.hold.set()
    assert not (tmp_path / "model.gguf").exists()

    answer = run_module("gguf_model", arguments)

    assert answer["changed"], answer
    assert server.ranges[1].startswith("bytes=")
    assert (tmp_path / "model.gguf").read_bytes() == server.content
    assert [path.name for path in tmp_path.iterdir()] == ["model.gguf"]


@pytest.mark.parametrize("damage", ["cut short", "another file", "one byte"])
def test_a_model_file_that_was_damaged_in_place_is_replaced(tmp_path: Path, server: Server, damage: str) -> None:
    arguments = wanted(tmp_path, url=server.url)
    run_module("gguf_model", arguments)
    model = tmp_path / "model.gguf"
    model.write_bytes({"cut short": CONTENT[:-50], "another file": b"GGUF?", "one byte": CONTENT[:-1] + b"?"}[damage])

    assert run_module("gguf_model", arguments)["changed"]
    assert model.read_bytes() == CONTENT
