"""Chroma: the project's own vector index, filled and asked, then broken in its settings, its disk and its files."""

from __future__ import annotations

import json
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from tools.recorder.program import Program
from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import client, port_held, wait_for_port, write_file

CHROMA = str(Path(sys.prefix) / "bin" / "chroma")
PROGRAM = Program(
    name="chroma",
    kind="vector-index",
    split="training",
    version=(CHROMA, "--version"),
    command=("chroma", "run", "--path", "/data/index"),
    packages=("pypi:chromadb",),
    rewrites=(
        ("/home/runner/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f", "/build/cargo"),
        ("/home/runner/_work/chroma/chroma", "/build/chroma"),
        ("/home/runner", "/build"),
    ),
)
COMPONENT = ("vector-index", "chroma")
API = "http://127.0.0.1:8000/api/v2/tenants/default_tenant/databases/default_database/collections"


def start(
    pod: Pod, folder: str, *, wait: bool = True, level: str = "info", port: int = 8000, **how: object
) -> RunningProgram:
    """Start the server on `folder`."""
    env = {"RUST_LOG": level, "RUST_BACKTRACE": "1"}
    command = [CHROMA, "run", "--path", folder, "--host", "127.0.0.1", "--port", str(port)]
    running = pod.run(command, env=env, cwd="/data", **how)  # type: ignore[arg-type]  # options of Pod.run, passed through
    if wait:
        wait_for_port(port, seconds=40)
        time.sleep(0.3)
    return running


def call(path: str, body: object = None, method: str = "POST") -> str:
    """One request; the answer's text."""
    command = ["curl", "-s", "-m", "10", "-X", method, f"{API}{path}"]
    if body is not None:
        command += ["-H", "Content-Type: application/json", "--data-binary", "@-"]
    return client(*command, text=json.dumps(body) if body is not None else None)


def collection(name: str) -> str:
    """The id of a collection that is made when it is missing."""
    found = json.loads(call("", {"name": name, "get_or_create": True}) or "{}")
    return str(found.get("id", "00000000-0000-0000-0000-000000000000"))


def fill(dice: random.Random, place: str, count: int, width: int = 48, size: int = 200) -> str:
    """Add records with random vectors; the answer's text."""
    vectors = [[dice.random() for _ in range(width)] for _ in range(count)]
    ids = [f"r-{dice.randrange(10**9)}" for _ in range(count)]
    documents = [f"event {number} " + "x" * size for number in ids]
    return call(f"/{place}/add", {"ids": ids, "embeddings": vectors, "documents": documents})


def ask(dice: random.Random, place: str, width: int = 48) -> str:
    """A nearest-neighbour question."""
    return call(f"/{place}/query", {"query_embeddings": [[dice.random() for _ in range(width)]], "n_results": 3})


def _pod(recording: Recording, number: int = 0) -> Pod:
    return recording.pod(f"chroma-{number}", namespace="observability", container="chroma")


def record(recording: Recording) -> None:
    """Healthy runs, then every fault three times."""
    dice = random.Random(61)  # noqa: S311 -- traffic, not secrets
    for run, level in enumerate(("info", "info,sqlx=debug", "debug,hyper=info,h2=info")):
        with recording.healthy(f"Records are added and asked for, run {run + 1}", {"RUST_LOG": level}):
            running = start(_pod(recording, run), "/data/index", level=level)
            for step in range((8, 1, 2)[run]):
                place = collection(f"events-{run}-{step}")
                fill(dice, place, 20)
                for _ in range(2):
                    ask(dice, place)
                call(f"/{place}/count", method="GET")
                call(f"/events-{run}-{step}", method="DELETE")
            running.stop()
    _start_faults(recording)
    _storage_faults(recording, dice)


def _start_faults(recording: Recording) -> None:
    for port in (8000, 8001, 18080):
        with (
            recording.fault(
                "address_in_use",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"Address 127\.0\.0\.1:\d+ is not available"],
                description="Another process holds the port",
                values={"port": str(port)},
            ),
            port_held(port, "127.0.0.1"),
        ):
            start(_pod(recording), f"/data/used-{port}", wait=False, port=port).wait(30)
    for text in (
        "cors_allow_origins: 7\n",
        "max_payload_size_bytes: large\n",
        "sqlite_filename: [a\n",
        "open_telemetry: yes please\n",
    ):
        with recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"Error loading config"],
            description="A mistake in the YAML file",
            values={"text": text.strip()},
        ):
            config = write_file("/data/chroma.yaml", f"port: 8000\npersist_path: /data/typo\n{text}")
            _pod(recording).run([CHROMA, "run", str(config)], env={"RUST_LOG": "info"}, cwd="/data").wait(30)


def _storage_faults(recording: Recording, dice: random.Random) -> None:
    for index, kib in enumerate((700, 900, 1200)):
        folder = recording.sandbox.small_disk(f"/data/small-{index}", f"{kib}k")
        with recording.fault(
            "disk_full",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"(?i)database or disk is full|no space left|disk I/O error|StorageFull"],
            description="The volume of the index is full",
            values={"size": f"{kib}k"},
        ):
            running = start(_pod(recording, index), f"{folder}/index", level="debug,sqlx=info,hyper=info")
            place = collection("events")
            for _ in range(6):
                fill(dice, place, 30, size=9000)
            running.stop(signal.SIGKILL)
    for index, damage in enumerate(("garbage", "head", "truncated")):
        folder = Path(f"/data/broken-{index}")
        with recording.fault(
            "data_corrupted",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"file is not a database|malformed|database disk image"],
            description="The SQLite file of the index was damaged",
            values={"damage": damage},
        ):
            pod = _pod(recording, index)
            running = start(pod, str(folder))
            fill(dice, collection("events"), 20)
            running.stop()
            file = folder / "chroma.sqlite3"
            content = file.read_bytes()
            noise = bytes(dice.randrange(256) for _ in range(5000))
            damaged = {"garbage": noise, "head": noise[:90] + content[90:]}
            file.write_bytes(damaged.get(damage, content[: len(content) // 3]))
            for rest in folder.glob("chroma.sqlite3-*"):
                rest.unlink()
            again = start(pod, str(folder), wait=False)
            again.wait(30)
    for owner in ("www-data", "mail", "news"):
        folder = Path(f"/data/of-{owner}")
        folder.mkdir()
        shutil.chown(folder, owner)
        with recording.fault(
            "volume_permission",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"PermissionDenied"],
            description="The server's user may not write to the volume",
            values={"folder": str(folder), "owner": owner},
        ):
            start(_pod(recording), f"{folder}/index", wait=False, user="nobody").wait(30)
