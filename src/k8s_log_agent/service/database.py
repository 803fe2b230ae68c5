"""Opens the database: SQLite in WAL mode, held by one process at a time, or PostgreSQL; and brings its tables up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from k8s_log_agent.service.file_lock import FileLock
from k8s_log_agent.service.storage_errors import DatabaseError, said

NEWEST = "head"
EMPTY = "base"
_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_MILLISECONDS = 10_000
_MIGRATING = 0x6C6F6761  # any number, the same for every replica


class Database:
    """One open database. `close` it, so that another process may take the SQLite file."""

    def __init__(self, url: str) -> None:
        """Opens what `url` names and touches no table. Raises `DatabaseError`."""
        self._lock: FileLock | None = None
        try:
            parsed = make_url(url)
            self.engine = self._sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)
        except (ArgumentError, ImportError) as error:
            raise DatabaseError(
                f"The database's address cannot be used: {type(error).__name__}. Write sqlite:///FILE or "
                "postgresql+psycopg://USER@HOST/NAME, and install `k8s-log-agent[postgresql]` for the latter."
            ) from error

    @property
    def is_sqlite(self) -> bool:
        """Whether this process alone holds the database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database and changes nothing."""
        with said("read"), Session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes are kept together at its end, or not at all when it raises."""
        with said("written"), Session(self.engine.execution_options(writes=True)) as session, session.begin():
            yield session

    def migrate(self, revision: str = NEWEST) -> None:
        """Brings the tables to `revision`, up or down. Raises `DatabaseError`."""
        with said("migrated"), self.engine.execution_options(writes=True).begin() as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _MIGRATING})
            step = command.downgrade if revision == EMPTY or self._is_back(connection, revision) else command.upgrade
            step(_config(connection), revision)

    def check(self) -> None:
        """Raises `DatabaseError` when it does not answer."""
        with self.reading() as session:
            session.execute(text("SELECT 1 FROM alembic_version"))

    def close(self) -> None:
        """Closes all connections and gives the file free."""
        self.engine.dispose()
        if self._lock:
            self._lock.release()

    @staticmethod
    def _is_back(connection: Connection, revision: str) -> bool:
        if revision == NEWEST or not connection.dialect.has_table(connection, "alembic_version"):
            return False
        now = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return now is not None and revision < now

    def _sqlite(self, url: URL) -> Engine:
        if not url.database or url.database == ":memory:":
            raise DatabaseError("The database has to be a file, so that jobs survive: write sqlite:////folder/file.db.")
        file = Path(url.database)
        self._lock = FileLock(file.with_name(file.name + ".lock"))
        self._lock.take()
        engine = create_engine(url, pool_size=16, max_overflow=48, connect_args={"timeout": _BUSY_MILLISECONDS / 1000})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT count(*) FROM sqlite_master"))
        except DBAPIError as error:
            self.close_quietly(engine)
            raise DatabaseError(
                f"{file} cannot be used as a database: {error.orig}. Name a file in a folder that can be written, "
                "and not on a network share."
            ) from error
        return engine

    def close_quietly(self, engine: Engine) -> None:
        """Gives everything free after a failed start."""
        engine.dispose()
        if self._lock:
            self._lock.release()


def _postgresql(url: URL) -> Engine:
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url, pool_size=8, max_overflow=16, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except OperationalError as error:
        engine.dispose()
        raise DatabaseError(
            f"PostgreSQL at {url.host or 'localhost'} does not let this program in: "
            f"{str(error.orig).splitlines()[0]}. Check its address, user and password."
        ) from error
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None  # transactions are begun below, where it is known whether they write
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # what was accepted is there after a power cut
        "foreign_keys = ON",
        f"busy_timeout = {_BUSY_MILLISECONDS}",
        "cache_size = -8000",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Writers wait for each other at their start, where waiting helps, and not in the middle."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
