"""The sandbox's name server knows what it was told and denies the rest."""

from __future__ import annotations

import struct

import pytest

from tools.recorder.nameserver import Nameserver


@pytest.fixture
def server() -> Nameserver:
    made = Nameserver("127.0.0.1", 0)
    made.names["postgres.shop.svc"] = "10.43.0.21"
    return made


def question(name: str, kind: int = 1) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


def code_and_answers(reply: bytes) -> tuple[int, int]:
    _, flags, _, answers, _, _ = struct.unpack(">HHHHHH", reply[:12])
    return flags & 15, answers


def test_a_known_name_has_its_address(server: Nameserver) -> None:
    reply = server.answer(question("Postgres.shop.svc"))

    assert code_and_answers(reply) == (0, 1)
    assert reply.endswith(bytes([10, 43, 0, 21]))


def test_an_unknown_name_does_not_exist(server: Nameserver) -> None:
    assert code_and_answers(server.answer(question("redis.shop.svc"))) == (3, 0)


def test_a_known_name_has_no_address_of_another_kind(server: Nameserver) -> None:
    assert code_and_answers(server.answer(question("postgres.shop.svc", kind=28))) == (0, 0)


def test_a_failing_server_says_so(server: Nameserver) -> None:
    server.failing = True

    assert code_and_answers(server.answer(question("postgres.shop.svc"))) == (2, 0)
