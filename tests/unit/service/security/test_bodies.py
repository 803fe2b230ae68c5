"""Against a real uvicorn, since what is bounded here is what arrives over a connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI, Request
from starlette.types import Message, Receive, Scope, Send

from k8s_log_agent.service import problems
from k8s_log_agent.service.security import BoundedHttp, harden
from k8s_log_agent.service.security.bodies import BoundedBodies
from k8s_log_agent.service.settings import Settings

MOST = 2048


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    app = FastAPI()
    problems.install(app)

    @app.post("/length")
    async def length(request: Request) -> int:
        return len(await request.body())

    harden(app, Settings(max_body_bytes=MOST))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            app,
            http=BoundedHttp,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=60,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(10)


def exchange(port: int, *parts: bytes) -> bytes:
    """What is answered until the connection ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except OSError:
            pass  # the service ended the connection
        said = b""
        try:
            while some := connection.recv(65_536):
                said += some
        except ConnectionError:
            pass
        return said


def head(*headers: bytes) -> bytes:
    lines = (b"POST /length HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close", *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def chunks(size: int, count: int) -> bytes:
    return (f"{size:x}\r\n".encode() + b"x" * size + b"\r\n") * count + b"0\r\n\r\n"


def test_a_body_that_fits_is_read_whole_in_whichever_way_it_comes(port: int) -> None:
    assert exchange(port, head(b"Content-Length: 2048"), b"x" * MOST).endswith(b"2048")
    assert exchange(port, head(b"Transfer-Encoding: chunked"), chunks(256, 8)).endswith(b"2048")


def test_a_body_that_says_it_is_too_long_is_not_waited_for(port: int) -> None:
    said = exchange(port, head(b"Content-Length: 2049"))

    assert said.startswith(b"HTTP/1.1 413") and b"application/problem+json" in said


def test_a_body_in_chunks_is_bounded_by_what_arrives(port: int) -> None:
    said = exchange(port, head(b"Transfer-Encoding: chunked"), *[chunks(1024, 1)[:-5]] * 50)

    assert said.startswith(b"HTTP/1.1 413")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the connections of one test, so that a slow machine breaks no other one."""
    monkeypatch.setattr(BoundedHttp, "head_seconds", 0.3)


@pytest.mark.usefixtures("impatient")
def test_a_head_that_comes_too_slowly_ends_the_connection(port: int) -> None:
    assert exchange(port, b"") == b""
    assert exchange(port, b"POST /length HTTP/1.1\r\nHost: 127") == b""


def test_a_head_that_is_slow_after_a_good_request_ends_it_too(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"POST /length HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\nx")
        said = b""
        while not said.endswith(b"\r\n\r\n1"):
            some = connection.recv(65_536)
            assert some
            said += some
        monkeypatch.setattr(BoundedHttp, "head_seconds", 0.3)
        connection.sendall(b"POST /len")

        assert said.startswith(b"HTTP/1.1 200")
        with contextlib.suppress(ConnectionResetError):  # as an aborted connection may end
            assert connection.recv(65_536) == b""


def test_a_body_that_comes_too_slowly_is_given_up() -> None:
    answers: list[Message] = []

    async def never() -> Message:
        await asyncio.sleep(60)
        raise AssertionError

    async def send(message: Message) -> None:
        answers.append(message)

    async def unreached(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError

    guard = BoundedBodies(unreached, most_bytes=MOST, seconds=0.05)
    scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-length", b"5")]}
    asyncio.run(guard(scope, never, send))

    assert answers[0]["status"] == 408


def test_more_slow_senders_than_the_memory_is_meant_for_are_sent_away() -> None:
    statuses: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def unreached(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError

    async def all_at_once() -> None:
        async def never() -> Message:
            await asyncio.sleep(60)
            raise AssertionError

        guard = BoundedBodies(unreached, most_bytes=MOST, seconds=0.05, at_once=2)
        scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-length", b"5")]}
        await asyncio.gather(*(guard(scope, never, send) for _ in range(3)))

    asyncio.run(all_at_once())
    assert sorted(statuses) == [408, 408, 503]
