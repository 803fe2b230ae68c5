"""The stage of the monitoring recordings: targets and receivers whose mood a script sets."""

from __future__ import annotations

import random
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tools.recorder.certificates import Issued


class Answers(ThreadingHTTPServer):
    """An HTTP server that answers as its `mood` says: good, slow, hangs, broken (bad text), or a status such as 503."""

    daemon_threads = True

    def __init__(self, port: int, issued: Issued | None = None, *, mood: str = "good") -> None:
        super().__init__(("0.0.0.0", port), _Handler)  # noqa: S104 -- the sandbox has only loopback
        self.mood = mood
        self.dice = random.Random(port)  # noqa: S311 -- traffic, not secrets
        if issued:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(issued.certificate, issued.key)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_: object) -> None:
        """A client that ends a connection is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Answers

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer()

    def _answer(self) -> None:
        mood = self.server.mood
        if mood in ("slow", "hangs"):
            time.sleep(3 if mood == "slow" else 12)
        self.send_response(int(mood) if mood.isdigit() else 200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(self._text(mood).encode())

    def _text(self, mood: str) -> str:
        lines = [f'http_requests_total{{path="/p{n}"}} {self.server.dice.randrange(10_000)}' for n in range(120)]
        if mood == "broken":
            lines.insert(7, 'http_requests_total{path="/p" 12 twelve')
        return "\n".join(lines) + "\n"

    def log_message(self, *_: object) -> None:
        """Say nothing."""
