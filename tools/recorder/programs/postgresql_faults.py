"""The faults of PostgreSQL's recording."""
# ruff: noqa: S608 -- the statements of a scene are put together from its own values

from __future__ import annotations

import random
import signal
import subprocess
import threading
import time
from pathlib import Path

from tools.recorder.programs.postgresql_stage import Server, busy
from tools.recorder.recording import Pod, Recording
from tools.recorder.steps import port_held

COMPONENT = ("database", "postgresql")
FULL = r"No space left on device|wrote only \d+ of \d+ bytes"
READY = "ready to accept connections"


def client_faults(recording: Recording, server: Server, pod: Pod, dice: random.Random) -> None:
    """Wrong passwords, too many clients, failing migrations, statements that time out, bad requests."""
    running = server.start(pod, "-c", "max_connections=12", "-c", "superuser_reserved_connections=3")
    running.wait_for(READY)
    for user, password in (("web", "web-old"), ("billing", "changeme"), ("reporting", "pw")):
        with recording.fault(
            "db_auth_failed",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[rf'password authentication failed for user "{user}"'],
            description="An application signs in with a wrong password or an unknown user",
            values={"user": user},
        ):
            busy(server, dice, 3)
            for _ in range(4):
                server.sql("SELECT 1;", user=user, password=password, database="shop")
            busy(server, dice, 2)
    for count in (14, 18, 24):
        with recording.fault(
            "db_pool_exhausted",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"too many clients already|remaining connection slots are reserved"],
            description="More sessions than the server allows",
            values={"sessions": str(count)},
        ):
            busy(server, dice, 2)
            holders = [
                threading.Thread(
                    target=server.sql, args=("SELECT pg_sleep(3);",), kwargs={"user": "web", "password": "web-pw"}
                )
                for _ in range(count)
            ]
            for holder in holders:
                holder.start()
            time.sleep(1.5)
            busy(server, dice, 3)
            for holder in holders:
                holder.join(20)
    migrations = {
        "0042_total_not_null": "ALTER TABLE orders ADD COLUMN currency text NOT NULL;",
        "0043_add_city": "ALTER TABLE customers ADD COLUMN city text;",
        "0044_unique_city": "CREATE UNIQUE INDEX customers_city ON customers (city);",
        "0045_drop_legacy": "ALTER TABLE legacy_orders DROP COLUMN note;",
    }
    for name, statement in migrations.items():
        with recording.fault(
            "migration_failed",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"contains null values|already exists|could not create unique index|does not exist"],
            description="A migration does not fit the tables",
            values={"migration": name},
        ):
            busy(server, dice, 2)
            server.sql(f"/* migration {name} */ BEGIN; {statement} COMMIT;", user="shop", database="shop")
            busy(server, dice, 1)
    for table in ("coupons", "shipments", "reviews"):
        with recording.fault(
            "bad_request_data",
            severity="WARN",
            component=COMPONENT,
            evidence=[
                r"invalid input syntax|violates (?:check|foreign key|unique|not-null)|value too long|out of range"
            ],
            description="A client sends values that break the tables' rules",
            values={"table": table},
        ):
            busy(server, dice, 2)
            for _ in range(6):
                bad = [
                    f"INSERT INTO orders (customer, total) VALUES ({dice.randrange(90_000, 99_000)}, 5);",
                    f"INSERT INTO orders (customer, total) VALUES ({dice.randrange(1, 9)}, -{dice.randrange(1, 99)});",
                    f"SELECT * FROM orders WHERE id = 'A-{dice.randrange(1000)}-{table}';",
                    f"INSERT INTO customers (email) VALUES ('c{dice.randrange(1, 900)}@example.org');",
                    f"SELECT {dice.randrange(3, 9)}000000000::int;",
                ]
                server.sql("\n".join(dice.sample(bad, 2)), user="shop", database="shop")
            busy(server, dice, 1)
    running.stop(signal.SIGINT)


def lock_faults(recording: Recording, server: Server, pod: Pod) -> None:
    """Deadlocks and lock time-outs between two sessions."""
    running = server.start(pod, "-c", "deadlock_timeout=300ms")
    running.wait_for(READY)
    for first, second in (("item-1", "item-2"), ("item-30", "item-7"), ("item-99", "item-211")):
        with recording.fault(
            "db_lock_contention",
            severity="WARN",
            component=COMPONENT,
            evidence=[r"deadlock detected", r"still waiting for .*Lock"],
            description="Two sessions lock the same rows in opposite order",
            values={"rows": f"{first}, {second}"},
        ):
            orders = [(first, second), (second, first)]
            texts = [
                f"BEGIN; UPDATE stock SET amount = amount - 1 WHERE item = '{a}'; SELECT pg_sleep(0.5); "
                f"UPDATE stock SET amount = amount - 1 WHERE item = '{b}'; COMMIT;"
                for a, b in orders
            ]
            _together([(server, text) for text in texts])
    for milliseconds in (400, 700, 900):
        with recording.fault(
            "db_lock_contention",
            severity="WARN",
            component=COMPONENT,
            evidence=[r"canceling statement due to lock timeout", r"still waiting for .*Lock"],
            description="A schema change waits for a long transaction and gives up",
            values={"lock_timeout_ms": str(milliseconds)},
        ):
            wait = f"SELECT pg_sleep(0.4); SET lock_timeout = '{milliseconds}ms';"
            change = f"{wait} ALTER TABLE stock ADD COLUMN c{milliseconds} int;"
            _together([(server, "BEGIN; SELECT count(*) FROM stock; SELECT pg_sleep(2); COMMIT;"), (server, change)])
    running.stop(signal.SIGINT)


def _together(statements: list[tuple[Server, str]]) -> None:
    threads = [
        threading.Thread(target=server.sql, args=(text,), kwargs={"user": "shop", "database": "shop"})
        for server, text in statements
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)


def disk_faults(recording: Recording, server: Server, dice: random.Random) -> None:
    """A full volume, a folder with wrong rights, a damaged table and a damaged control file."""
    for index, size in enumerate((120, 150, 180)):
        place = recording.sandbox.small_disk(f"/data/volume-{index}", f"{size}m")
        pod = recording.pod("postgres-0", namespace=("shop", "billing", "reports")[index])
        small = server.copy(f"{place}/pg")
        with recording.fault(
            "disk_full",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[FULL],
            description="A table grows until its volume is full",
            values={"size": f"{size}m"},
        ):
            running = small.start(pod)
            running.wait_for(READY)
            busy(small, dice, 4)
            for _ in range(3):
                small.sql(
                    "CREATE TABLE IF NOT EXISTS archive AS SELECT * FROM orders; INSERT INTO archive "
                    f"SELECT i, 1, i, now() FROM generate_series(1, {2_500_000 + 1_000_000 * index}) i;",
                    user="shop",
                    database="shop",
                )
            running.wait_for(FULL, 5)
            busy(small, dice, 2)
            running.stop(signal.SIGINT)
        recording.sandbox.unmount(place)
    for index, relation in enumerate(("customers", "stock", "orders")):
        damaged = server.copy(f"/data/damaged-{index}")
        pod = recording.pod("postgres-0", namespace="shop")
        with recording.fault(
            "data_corrupted",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"invalid page in block"],
            description="A page of a table was overwritten on disk",
            values={"table": relation},
        ):
            running = damaged.start(pod)
            running.wait_for(READY)
            busy(damaged, dice, 2)
            found = damaged.sql(f"CHECKPOINT; SELECT 'file=' || pg_relation_filepath('{relation}');", database="shop")
            running.stop(signal.SIGINT)
            path = damaged.folder / found.split("file=")[1].split()[0]
            content = bytearray(path.read_bytes())
            content[:400] = bytes(dice.randrange(1, 256) for _ in range(400))
            path.write_bytes(bytes(content))
            again = damaged.start(pod)
            pod.wait_for(READY, since=again.started)
            for _ in range(2):
                damaged.sql(f"SELECT count(*), max(ctid) FROM {relation};", user="reports", database="shop")
            again.wait_for("invalid page")
            again.stop(signal.SIGINT)
    for name in ("pg_hba.conf", "global/pg_control", "PG_VERSION"):
        locked = server.copy(f"/data/locked-{Path(name).name}")
        pod = recording.pod("postgres-0", namespace="shop")
        with recording.fault(
            "volume_permission",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"Permission denied"],
            description="A file of the data folder belongs to root",
            values={"file": name},
        ):
            subprocess.run(["chown", "root:root", str(locked.folder / name)], check=True)
            (locked.folder / name).chmod(0o600)
            locked.start(pod).wait()


def start_faults(recording: Recording, server: Server) -> None:
    """A port that is taken and settings with mistakes."""
    for port in (5432, 5433, 6432):
        pod = recording.pod("postgres-0", namespace="shop")
        moved = server.copy(f"/data/port-{port}")
        moved.port = port
        with (
            recording.fault(
                "address_in_use",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"could not bind IPv4 address .*Address already in use"],
                description="Another server holds the port",
                values={"port": str(port)},
            ),
            port_held(port, "127.0.0.1"),
        ):
            moved.start(pod).wait()
    mistakes = ("max_connections = many", "shared_bufers = 128MB", "wal_level = 'sometimes'", "work_mem = 64 megabytes")
    for mistake in mistakes:
        broken = server.copy("/data/typo")
        with (broken.folder / "postgresql.conf").open("a", encoding="utf-8") as handle:
            handle.write(f"{mistake}\n")
        pod = recording.pod("postgres-0", namespace="shop")
        with recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"syntax error in file|unrecognized configuration parameter|invalid value for parameter"],
            description="A mistake in postgresql.conf",
            values={"setting": mistake},
        ):
            broken.start(pod).wait()


def death_faults(recording: Recording, server: Server, pod: Pod, dice: random.Random) -> None:
    """Server processes that are killed or crash."""
    for number, cause, severity in (
        (signal.SIGKILL, "process_killed", "ERROR"),
        (signal.SIGSEGV, "segfault", "CRITICAL"),
    ):
        for seconds in (20, 30, 40):
            with recording.fault(
                cause,
                severity=severity,
                component=COMPONENT,
                evidence=[rf"was terminated by signal {int(number)}"],
                description=f"A server process ends by signal {int(number)}; the server restarts them all",
                values={"signal": str(int(number)), "statement": f"SELECT pg_sleep({seconds})"},
            ):
                running = server.start(pod)
                running.wait_for(READY)
                busy(server, dice, 3)
                sleeper = threading.Thread(
                    target=server.sql,
                    args=(f"SELECT pg_sleep({seconds});",),
                    kwargs={"user": "reports", "database": "shop"},
                )
                sleeper.start()
                time.sleep(0.8)
                found = server.sql(
                    "SELECT 'pid=' || pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                    f"AND query = 'SELECT pg_sleep({seconds});';"
                )
                subprocess.run(["kill", f"-{int(number)}", found.split("pid=")[1].split()[0]], check=True)
                running.wait_for("all server processes terminated; reinitializing")
                running.wait_for(f"reinitializing[\\s\\S]*|{READY}")
                time.sleep(1)
                sleeper.join(20)
                busy(server, dice, 2)
                running.stop(signal.SIGINT)
