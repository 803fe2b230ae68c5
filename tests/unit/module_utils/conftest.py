"""An HTTP server with range requests, for downloads that break off and continue."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class FileServer:
    """Serves `content`; breaks off after `break_after` bytes of a body when that is set."""

    url: str
    content: bytes = b""
    etag: str = '"one"'
    break_after: int | None = None
    ranges: list[str] = field(default_factory=list)


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    served = FileServer(url="")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            served.ranges.append(asked)
            same = self.headers.get("If-Range") == served.etag
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and same else 0
            body = served.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("ETag", served.etag)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if served.break_after is None else body[: served.break_after])

        def log_message(self, *args: object) -> None:
            """Keeps the test's output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}/model.gguf"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield served
    server.shutdown()
    server.server_close()
