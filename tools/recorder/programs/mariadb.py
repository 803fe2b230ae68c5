"""MariaDB: a shop's database under ordinary statements, then broken in its files, its locks and its connections."""

from __future__ import annotations

from pathlib import Path

from tools.recorder.program import Program
from tools.recorder.programs import mariadb_faults
from tools.recorder.programs.mariadb_stage import Database
from tools.recorder.recording import Recording
from tools.recorder.steps import write_file

PROGRAM = Program(
    name="mariadb",
    kind="database",
    split="held_out",
    version=("mariadbd", "--version"),
    command=("mariadbd", "--defaults-file=/etc/shop-my.cnf"),
    packages=("debian:mariadb-server",),
)


def _healthy(database: Database) -> None:
    for run, port in enumerate((3306, 3307, 3310, 3306, 3316, 3308)):
        options = (
            ("--log-bin=shop-bin", "--server-id=7"),
            ("--performance-schema",),
            ("--event-scheduler=ON",),
            ("--general-log", "--general-log-file=/data/general.log"),
            ("--slow-query-log",),
            ("--general-log", "--general-log-file=/data/general-b.log", "--log-bin=b"),
        )[run]
        pod = database.pod(run)
        follow = Path("/data/general-b.log" if run == 5 else "/data/general.log") if run in (3, 5) else None
        with database.recording.healthy(f"A shop's statements and two restarts, run {run + 1}", {"port": str(port)}):
            folder = Path(f"/data/shop-{run}")
            if follow:
                write_file(follow, "", 0o666)
                pod.tail(follow)
            for restart in range(2):
                program = database.start(pod, folder, *options, port=port, fresh=restart == 0)
                database.wait(program, port)
                database.traffic(40 if follow else 28, port)
                program.stop()


def record(recording: Recording) -> None:
    """Healthy runs, then every fault three times."""
    database = Database(recording)
    database.prepare()
    _healthy(database)
    mariadb_faults.record(database)
