"""Stand-ins for what stands behind the gateway: they say what they were asked, and behave as their name says."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class StandIn:
    """One server on a free port of 127.0.0.1 in the place of the Service `name`; `asked` holds its requests."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: list[dict[str, Any]] = []
        self.failures = 0
        self.stream_seconds = 4.0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


def _handler(owner: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_words: object) -> None:
            """Silent."""

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            headers = defaultdict(list)
            for key, value in self.headers.items():
                headers[key.lower()].append(value)
            asked = {"method": self.command, "path": self.path, "headers": dict(headers), "body": body}
            owner.asked.append(asked)
            _answer(self, owner, asked)

        do_GET = do_POST = do_HEAD = handle_any  # noqa: N815 - the names that the base class calls

    return Handler


def _answer(handler: BaseHTTPRequestHandler, owner: StandIn, asked: dict[str, Any]) -> None:
    headers, status = {"server-detail": "stand-in"}, 200
    if owner.name == "grafana" and asked["path"] == "/grafana":
        status, headers = 302, {"Location": "/grafana/login"}
    elif owner.name == "judge":
        passes = asked["headers"].get("x-pass") == ["yes"]
        status, headers = (200, {"x-user": "ada"}) if passes else (403, {})
    elif owner.failures > 0:
        owner.failures -= 1
        status = 503
    elif "stream" in asked["body"]:
        _stream(handler, owner.stream_seconds)
        return
    body = json.dumps({"server": owner.name, **asked}).encode()
    handler.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


def _stream(handler: BaseHTTPRequestHandler, seconds: float) -> None:
    """Server-sent events, as llama.cpp streams tokens: one every fifth of a second."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        _chunk(handler, b'data: {"token": "a"}\n\n')
        time.sleep(0.2)
    _chunk(handler, b"data: [DONE]\n\n")
    handler.wfile.write(b"0\r\n\r\n")


def _chunk(handler: BaseHTTPRequestHandler, data: bytes) -> None:
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
    handler.wfile.flush()


def shares(answers: list[dict[str, Any]]) -> Counter[str]:
    """How many of `answers` came from which server."""
    return Counter(str(one["server"]) for one in answers)
