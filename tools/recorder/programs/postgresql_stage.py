"""The stage of PostgreSQL's recording: a cluster on disk, a shop's tables, its visitors."""
# ruff: noqa: S608 -- the statements of a scene are put together from its own values

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

from tools.recorder.recording import Pod
from tools.recorder.running import RunningProgram
from tools.recorder.steps import client

BINARIES = "/usr/lib/postgresql/15/bin"
PASSWORD = "pw"  # noqa: S105 -- of a database that lives for a minute
SETTINGS = {
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_checkpoints": "on",
    "log_lock_waits": "on",
    "log_autovacuum_min_duration": "0",
    "autovacuum_naptime": "2",
    "autovacuum_vacuum_threshold": "20",
    "log_min_duration_statement": "15",
    "log_temp_files": "0",
    "shared_buffers": "32MB",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
SCHEMA = """
CREATE TABLE customers (id serial PRIMARY KEY, email text UNIQUE NOT NULL, city text);
CREATE TABLE orders (id serial PRIMARY KEY, customer int REFERENCES customers(id),
 total numeric NOT NULL CHECK (total >= 0), placed timestamptz DEFAULT now());
CREATE TABLE stock (item text PRIMARY KEY, amount int CHECK (amount >= 0));
INSERT INTO stock SELECT 'item-' || i, 1000 FROM generate_series(1, 400) i;
INSERT INTO customers (email, city)
 SELECT 'c' || i || '@example.org', 'city-' || i % 37 FROM generate_series(1, 3000) i;
"""


class Server:
    """A cluster on disk and, while it runs, its postmaster."""

    def __init__(self, folder: Path, port: int = 5432) -> None:
        self.folder, self.port = folder, port

    def create(self) -> None:
        """Make the cluster; its superuser has the password of /data/pw."""
        self.folder.mkdir(parents=True)
        shutil.chown(self.folder, "postgres", "postgres")
        self.folder.chmod(0o700)
        options = ["-A", "scram-sha-256", "-U", "postgres", "--pwfile=/data/pw", "--no-sync"]
        client(f"{BINARIES}/initdb", "-D", str(self.folder), *options, user="postgres", seconds=60)

    def copy(self, folder: str) -> Server:
        """A second cluster with the same content; this one is stopped."""
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["cp", "-a", str(self.folder), folder], check=True)
        return Server(Path(folder), self.port)

    def start(self, pod: Pod, *options: str, **how: object) -> RunningProgram:
        """Start the postmaster with `options` such as `-c work_mem=1MB`; does not wait."""
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [f"{BINARIES}/postgres", "-D", str(self.folder), "-p", str(self.port), *settings, *options]
        return pod.run(command, user="postgres", **how)  # type: ignore[arg-type]  # options of Pod.run, passed through

    def sql(self, text: str, *, user: str = "postgres", password: str = PASSWORD, database: str = "postgres") -> str:
        """Run statements over TCP; the client's output is returned and not recorded."""
        base = ["psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", user, "-d", database, "-q", "-f", "-"]
        return client(*base, text=text, env={"PGPASSWORD": password, "PGCONNECT_TIMEOUT": "5"})


def session(dice: random.Random) -> str:
    """The statements of one visitor: some fast, some slow, a few that the database rightly refuses."""
    customer, item, total = dice.randrange(1, 3000), dice.randrange(1, 400), dice.randrange(1, 900)
    choices = [
        f"INSERT INTO orders (customer, total) SELECT {customer}, {total} FROM generate_series(1, {item % 60 + 1});",
        f"UPDATE stock SET amount = amount - 1 WHERE item = 'item-{item}';",
        f"SELECT count(*) FROM orders WHERE customer = {customer};",
        "SELECT city, sum(total) FROM orders JOIN customers c ON c.id = customer GROUP BY city "
        f"ORDER BY 2 DESC LIMIT {item};",
        f"SELECT pg_sleep(0.0{dice.randrange(16, 60)});",
        "BEGIN; DELETE FROM orders WHERE id IN (SELECT id FROM orders ORDER BY id LIMIT 30); COMMIT;",
        "VACUUM ANALYZE orders;",
        "SET work_mem = '64kB'; SELECT count(*) FROM (SELECT * FROM customers a ORDER BY md5(a.email)) b;",
    ]
    return "\n".join(dice.sample(choices, dice.randrange(2, 5)))


def busy(server: Server, dice: random.Random, visitors: int) -> None:
    """Ordinary sessions of three users."""
    for _ in range(visitors):
        server.sql(session(dice), user=dice.choice(["shop", "billing", "reports"]), database="shop")


def prepare(server: Server) -> None:
    """Users, database and tables of the shop; the server runs."""
    roles = " ".join(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD 'pw';" for role in ("shop", "billing", "reports"))
    server.sql(f"{roles} CREATE ROLE web LOGIN PASSWORD 'web-pw'; CREATE DATABASE shop;")
    server.sql(SCHEMA, database="shop")
