"""The other side of a recorded program: an HTTP server whose manners a script changes, a client that never raises."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tools.recorder.certificates import Issued


@dataclass(frozen=True)
class Answer:
    """What the server does with a request: waits `delay` seconds, then answers, or resets the connection."""

    status: int = 200
    body: str | bytes = "{}"
    delay: float = 0.0
    reset: bool = False
    headers: tuple[tuple[str, str], ...] = ()


class Upstream:
    """An HTTP server on loopback, started at once. `answer` maps method and path to an `Answer` and may be replaced."""

    def __init__(
        self,
        port: int,
        answer: Callable[[str, str], Answer] = lambda _method, _path: Answer(),
        *,
        host: str = "127.0.0.1",
        tls: Issued | None = None,
    ) -> None:
        self.answer = answer
        self._connections: set[socket.socket] = set()
        self._server = ThreadingHTTPServer((host, port), self._handler())
        self._server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.certificate, tls.key)
            # The handshake is left to each connection's own thread, so that a refused one does not end the server.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a broken connection is wanted here
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop listening and drop the connections that were kept alive; later ones are refused."""
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Upstream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20
            wbufsize = 64 * 1024

            def setup(self) -> None:
                upstream._connections.add(self.request)
                super().setup()

            def finish(self) -> None:
                upstream._connections.discard(self.request)
                with contextlib.suppress(OSError):
                    super().finish()

            def _serve(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                if length:
                    self.rfile.read(length)
                answer = upstream.answer(self.command, self.path)
                time.sleep(answer.delay)
                if answer.reset:
                    with contextlib.suppress(OSError):
                        linger = struct.pack("ii", 1, 0)
                        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                        self.connection.close()
                    self.close_connection = True
                    return
                body = answer.body if isinstance(answer.body, bytes) else answer.body.encode()
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _serve  # noqa: N815 -- names of http.server

            def log_message(self, *_: Any) -> None:  # noqa: ANN401 -- the signature of http.server
                """Say nothing: this side is not recorded."""

        return Handler


def ask(  # noqa: PLR0913 -- the parts of a request
    url: str,
    *,
    method: str = "GET",
    body: object = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = 10,
    insecure: bool = False,
) -> int:
    """The status of an answer, 0 when there was none. A `body` that is not text or bytes goes as JSON."""
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else None
    if body is not None and data is None:
        data = json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=dict(headers or {}))  # noqa: S310 -- http(s)
    context = None
    if insecure:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        with urllib.request.urlopen(request, timeout=seconds, context=context) as answer:  # noqa: S310 -- as above
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with contextlib.suppress(OSError):
            error.read()
        return error.code
    except (OSError, ValueError, urllib.error.URLError):
        return 0
    except Exception:  # noqa: BLE001 -- http.client has a dozen errors for a broken answer, and all mean "none"
        return 0
