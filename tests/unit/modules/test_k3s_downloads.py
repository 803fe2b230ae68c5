"""The program from the release, a mirror or a cache, over HTTP, with servers that lie, stop half-way or are away."""

from __future__ import annotations

import hashlib
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.module_door import run_module

PROGRAM = b"#!/bin/sh\necho k3s version v1.35.0+k3s1 '(test)'\n" + b"# filler\n" * 4000
SUM = hashlib.sha256(PROGRAM).hexdigest()
SUMS = f"{SUM}  k3s\n{'0' * 64}  k3s-airgap-images-amd64.tar.zst\n".encode()


@contextmanager
def releases() -> Iterator[tuple[str, list[str]]]:
    """A server with a right, a wrong and a broken-off file; yields its address and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = {"/right/k3s": PROGRAM, "/cut/k3s": PROGRAM, "/wrong/k3s": b"<html>sorry", "/sums.txt": SUMS}
            if self.path not in body:
                self.send_error(404)
                return
            content = body[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if self.path.startswith("/cut") else content)

        def log_message(self, *words: object) -> None:
            """Keeps the tests' output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


def bring(folder: Path, address: str, *paths: str, **more: Any) -> dict[str, Any]:
    wanted = {"path": str(folder / "k3s-v1.35.0+k3s1"), "sha256": SUM, "urls": [f"{address}{path}" for path in paths]}
    return run_module("k3s_binary", {**wanted, **more})


def test_the_first_address_that_gives_the_right_bytes_is_used(tmp_path: Path) -> None:
    with releases() as (address, asked):
        answer = bring(tmp_path, address, "/nowhere/k3s", "/wrong/k3s", "/cut/k3s", "/right/k3s")
    assert answer["source"] == f"{address}/right/k3s"
    assert asked == ["/nowhere/k3s", "/wrong/k3s", "/cut/k3s", "/right/k3s"]
    assert [path.name for path in tmp_path.iterdir()] == ["k3s-v1.35.0+k3s1"]


def test_what_is_there_and_right_is_not_downloaded_again(tmp_path: Path) -> None:
    with releases() as (address, asked):
        bring(tmp_path, address, "/right/k3s")
        again = bring(tmp_path, address, "/right/k3s")
    assert not again["changed"]
    assert asked == ["/right/k3s"]


def test_wrong_and_broken_off_files_are_named_and_nothing_is_left(tmp_path: Path) -> None:
    with releases() as (address, _asked):
        answer = bring(tmp_path, address, "/wrong/k3s", "/cut/k3s", "/nowhere/k3s")
    assert answer["failed"]
    assert f"{address}/wrong/k3s gave a file with the sha256" in answer["msg"]
    assert f"{address}/cut/k3s" in answer["msg"]
    assert "404" in answer["msg"]
    assert "k3s_binary_source" in answer["msg"]
    assert list(tmp_path.iterdir()) == []


def test_a_half_copied_file_under_the_right_name_is_replaced(tmp_path: Path) -> None:
    half = tmp_path / "k3s-v1.35.0+k3s1"
    half.write_bytes(PROGRAM[:1000])
    half.chmod(0o755)
    with releases() as (address, _asked):
        answer = bring(tmp_path, address, "/right/k3s")
    assert answer["changed"]
    assert hashlib.sha256(half.read_bytes()).hexdigest() == SUM


def test_without_a_sum_of_ones_own_the_releases_list_is_believed_and_checked(tmp_path: Path) -> None:
    with releases() as (address, _asked):
        given = {"sha256": "", "sums_url": f"{address}/sums.txt"}
        refused = bring(tmp_path, address, "/wrong/k3s", **given)
        taken = bring(tmp_path, address, "/right/k3s", **given)
        unlisted = bring(tmp_path / "other", address, "/right/k3s", **given, asset="k3s-arm64")
    assert refused["failed"] and SUM in refused["msg"]
    assert taken["sha256"] == SUM
    assert unlisted["failed"] and "no line for k3s-arm64" in unlisted["msg"]


def test_a_mirror_that_is_away_is_one_paragraph(tmp_path: Path) -> None:
    answer = bring(tmp_path, "http://127.0.0.1:9", "/k3s")
    assert answer["failed"]
    assert "refused" in answer["msg"].lower()


def test_a_copy_on_the_controller_needs_no_right_to_be_run(tmp_path: Path) -> None:
    copy = tmp_path / "k3s-v1.35.0+k3s1"
    copy.write_bytes(PROGRAM)
    copy.chmod(0o644)
    answer = run_module("k3s_binary", {"path": str(copy), "sha256": SUM})
    assert not answer.get("failed")
    assert not answer["changed"]


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_program_that_others_may_write_is_guarded_again(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "k3s-v1.35.0+k3s1"
    path.write_bytes(PROGRAM)
    path.chmod(mode)
    asked = {"path": str(path), "sha256": SUM, "link": str(tmp_path / "k3s")}

    answers = [run_module("k3s_binary", asked, check=check) for check in (True, False, False)]

    assert [answer["changed"] for answer in answers] == [True, True, False]
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
