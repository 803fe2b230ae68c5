"""PostgreSQL: a shop's database under pgbench-like sessions, then broken by its clients, its disk and its settings."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

from tools.recorder.program import Program
from tools.recorder.programs import postgresql_faults as faults
from tools.recorder.programs.postgresql_stage import BINARIES, Server, busy, prepare
from tools.recorder.recording import Recording

PROGRAM = Program(
    name="postgresql",
    kind="database",
    split="training",
    version=(f"{BINARIES}/postgres", "--version"),
    command=(f"{BINARIES}/postgres", "-D", "/data/pg"),
    packages=("debian:postgresql-15",),
)


def record(recording: Recording) -> None:
    """Healthy days, then every fault at least three times."""
    dice = random.Random(11)  # noqa: S311 -- traffic, not secrets
    Path("/data/pw").write_text("pw\n", encoding="ascii")
    server = Server(Path("/data/pg"))
    server.create()
    pod = recording.pod("postgres-0", namespace="shop")
    for day in range(3):
        with recording.healthy(f"The shop's database at work, run {day + 1}", {"port": "5432"}):
            running = server.start(pod)
            running.wait_for("ready to accept connections")
            if day == 0:
                prepare(server)
            for _ in range(5):
                busy(server, dice, 24)
                server.sql("CHECKPOINT;")
            time.sleep(3)
            running.stop(signal.SIGINT)
    faults.client_faults(recording, server, pod, dice)
    faults.lock_faults(recording, server, pod)
    faults.disk_faults(recording, server, dice)
    faults.start_faults(recording, server)
    faults.death_faults(recording, server, pod, dice)
