"""The two kinds of databases that the service has to behave the same on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests import postgresql_server
from tests.service_core import Kept, kept_in, sqlite_in

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """The address of a real server."""
    if postgresql_server.binaries() is None:
        pytest.skip("there is no PostgreSQL here (Debian package postgresql)")
    with postgresql_server.running() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return sqlite_in(tmp_path)
    server: str = request.getfixturevalue("postgresql")
    name = f"t{next(_numbers)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    engine.dispose()
    return f"{server}?options=-csearch_path%3D{name}"


@pytest.fixture
def kept(address: str) -> Iterator[Kept]:
    """Everything over an empty database of either kind."""
    with kept_in(address) as everything:
        yield everything
