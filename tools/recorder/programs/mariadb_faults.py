"""What breaks a database: its settings, its clients, its files."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from tools.recorder.programs.mariadb_stage import COMPONENT, Database
from tools.recorder.steps import client, port_held


def record(database: Database) -> None:
    """Every fault at least three times."""
    _starts(database)
    _clients(database)
    _files(database)


def _starts(database: Database) -> None:
    recording = database.recording
    for port in (3306, 3320, 3399):
        with (
            recording.fault(
                "address_in_use",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"Can't start server: Bind on TCP/IP port.*Address already in use"],
                description="Another process listens on the port",
                values={"port": str(port)},
            ),
            port_held(port, "127.0.0.1"),
        ):
            database.start(database.pod(), Path("/data/used"), port=port).wait(40)
    for option in ("--innodb-bufer-pool-size=1G", "--max-conections=400", "--query-cache-kind=on"):
        with recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"\[ERROR\].*unknown (variable|option)"],
            description="An option that the server does not know",
            values={"option": option},
        ):
            database.start(database.pod(), Path("/data/option"), option).wait(40)
    for folder in ("/data/owned", "/srv/mysql", "/data/pv-7/mysql"):
        with recording.fault(
            "volume_permission",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"\(Errcode: 13 \"Permission denied\"\)", r"Operating system error number 13"],
            description="The volume belongs to another user",
            values={"folder": folder},
        ):
            Path(folder).parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            client("cp", "-a", str(database.template), folder)
            client("chown", "-R", "root:root", folder)
            client("chmod", "-R", "go-rwx", folder)
            database.start(database.pod(), Path(folder), fresh=False).wait(40)


def _clients(database: Database) -> None:
    recording = database.recording
    for user, word in (("shop", "lanterne"), ("report", "port"), ("admin", "admin")):
        with recording.fault(
            "db_auth_failed",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[rf"Access denied for user '{user}'@"],
            description="A client has the wrong password, or no account",
            values={"user": user},
        ):
            program = database.started(database.pod(), Path("/data/auth"))
            database.traffic(6)
            for _ in range(5):
                database.sql("SELECT 1", user=user, password=word)
            database.traffic(3)
            program.stop()
    for limit in (10, 14, 20):
        with recording.fault(
            "db_pool_exhausted",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"Too many connections"],
            description="Clients keep their connections until no more are accepted",
            values={"max_connections": str(limit)},
        ):
            program = database.started(database.pod(), Path("/data/many"), f"--max-connections={limit}")
            database.traffic(4)
            sessions = _together(database, ["SELECT SLEEP(10);"] * (limit + 6))
            _until_full(database, limit)
            job = recording.pod("sales-report-29401260-k7w2q", namespace="shop", container="report")
            address = ["--protocol=tcp", "-h127.0.0.1", "-ureport", "-pharbour"]
            for query in ("SELECT count(*) FROM orders", "SELECT max(id) FROM orders"):
                job.run(["mariadb", "--no-defaults", *address, "-e", query, "shop"]).wait()
            for session in sessions:
                session.join()
            database.traffic(3)
            program.stop()
    for first, second in ((3, 9), (12, 40), (5, 58)):
        with recording.fault(
            "db_lock_contention",
            severity="WARN",
            component=COMPONENT,
            evidence=[r"Transactions deadlock detected", r"WE ROLL BACK TRANSACTION"],
            description="Two transactions take the same rows in opposite order",
            values={"rows": f"{first},{second}"},
        ):
            program = database.started(database.pod(), Path("/data/locks"))
            database.traffic(6)
            _deadlock(database, first, second)
            database.traffic(3)
            program.stop()


def _together(database: Database, texts: Sequence[str]) -> list[threading.Thread]:
    threads = [threading.Thread(target=database.sql, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    return threads


def _until_full(database: Database, limit: int) -> None:
    """Wait until every connection is taken; the administrator has one of his own."""
    for _ in range(60):
        if database.sql("SHOW PROCESSLIST", user="root", password="").count("SLEEP") >= limit:
            return
        time.sleep(0.1)


def _deadlock(database: Database, first: int, second: int) -> None:
    change = "UPDATE items SET stock = stock + 1 WHERE id = {};"
    texts = [
        f"BEGIN; {change.format(a)} SELECT SLEEP(0.7); {change.format(b)} COMMIT;"
        for a, b in ((first, second), (second, first))
    ]
    for thread in _together(database, texts):
        thread.join()


def _files(database: Database) -> None:
    recording = database.recording
    for number, size in enumerate(("140m", "150m", "160m")):
        place = Path(f"/data/small-{number}")
        recording.sandbox.small_disk(place, size)
        with recording.fault(
            "disk_full",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"failed with error 28", r"Out of disk space"],
            description="The volume has no space left",
            values={"size": size},
        ):
            pod = database.pod()
            program = database.started(pod, place / "mysql")
            database.traffic(5)
            free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
            with (place / "dump.sql").open("wb") as dump:
                dump.write(b"-" * max(0, free - 512 * 1024))
            for round_number in range(30):
                text = f"REPEAT('note {round_number} ', 9000)"
                insert = f"INSERT INTO orders (item, note) SELECT 1, {text} FROM seq_1_to_20;"  # noqa: S608 -- own numbers
                database.sql(insert, force=True)
                if pod.log.find(r"failed with error 28", program.started):
                    break
            database.traffic(2)
            (place / "dump.sql").unlink()
            program.stop(seconds=40)
        recording.sandbox.unmount(place)
    for table, page, query in (
        ("shop/items.ibd", 3, "SELECT * FROM items"),
        ("shop/orders.ibd", 3, "SELECT * FROM orders"),
        ("shop/orders.ibd", 4, "SELECT item FROM orders"),
    ):
        with recording.fault(
            "data_corrupted",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"(Database page corruption|checksum mismatch|page .*corrupt|corrupted)"],
            description="A page is overwritten on disk while the server is down",
            values={"file": table, "page": str(page)},
        ):
            pod, folder = database.pod(), Path(f"/data/corrupt-{Path(table).stem}-{page}")
            program = database.started(pod, folder)
            database.traffic(6)
            program.stop()
            with (folder / table).open("r+b") as file:
                file.seek(page * 4096 + 60)
                file.write(os.urandom(1000))
            program = database.start(pod, folder, fresh=False)
            program.wait_for("ready for connections", 30)
            database.sql(query)
            program.stop(seconds=30)
    for rounds in (6, 9, 12):
        with recording.fault(
            "process_killed",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"Starting crash recovery", r"was not (shut down|closed) (properly|normally)"],
            description="The server is killed, and recovers at its next start",
            values={"statements": str(rounds)},
        ):
            pod, folder = database.pod(), Path("/data/killed")
            program = database.started(pod, folder)
            database.traffic(rounds)
            program.stop(signal.SIGKILL)
            program = database.start(pod, folder, fresh=False)
            database.wait(program, 3306)
            database.traffic(4)
            program.stop()
    for rounds in (4, 7, 10):
        with recording.fault(
            "segfault",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"got signal 11"],
            description="The server gets a segmentation fault",
            values={"statements": str(rounds)},
        ):
            pod = database.pod()
            program = database.started(pod, Path("/data/crash"))
            database.traffic(rounds)
            program.send_signal(signal.SIGSEGV)
            program.wait(30)
