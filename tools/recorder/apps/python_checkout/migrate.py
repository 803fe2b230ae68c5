# mypy: ignore-errors
# ruff: noqa
# (an ordinary application under observation: it runs in an environment of its own and is not part of this project)
"""Brings the tables to the newest version: python migrate.py FOLDER"""

import logging
import os
import sys
from pathlib import Path

import psycopg

logging.basicConfig(format="%(asctime)s %(levelname)s [%(name)s] %(message)s", level="INFO", stream=sys.stdout)
log = logging.getLogger("checkout.migrate")


class MigrationError(Exception):
    """A migration could not be applied."""


def apply(connection, path):
    log.info("applying %s", path.name)
    try:
        with connection.transaction():
            connection.execute(path.read_text())
            connection.execute("INSERT INTO schema_versions (name) VALUES (%s)", (path.stem,))
    except psycopg.Error as error:
        raise MigrationError(f"migration {path.stem} failed and was rolled back") from error
    log.info("%s applied", path.name)


def main(folder):
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS schema_versions (name text PRIMARY KEY)")
        done = {row[0] for row in connection.execute("SELECT name FROM schema_versions")}
        pending = [path for path in sorted(Path(folder).glob("*.sql")) if path.stem not in done]
        log.info("%d migrations applied before, %d pending", len(done), len(pending))
        for path in pending:
            apply(connection, path)
    log.info("schema is up to date")


if __name__ == "__main__":
    main(sys.argv[1])
