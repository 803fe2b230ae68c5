"""What keeps the server itself from coming up."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tools.recorder.programs import k3s as program_of
from tools.recorder.steps import port_held

if TYPE_CHECKING:
    from tools.recorder.programs.k3s import Cluster


def record(cluster: Cluster) -> None:
    """Every fault three times."""
    _config(cluster)
    _token(cluster)
    _port(cluster)
    _datastore(cluster)
    _disk(cluster)


def _fails(cluster: Cluster, seconds: float = 60) -> None:
    """A start that ends by itself, or is ended."""
    process = cluster.start(cluster.pod())
    deadline = time.monotonic() + seconds
    while process.running and time.monotonic() < deadline:
        time.sleep(0.2)
    if process.running:
        process.stop(signal.SIGKILL)
    cluster.end_pods()


def _config(cluster: Cluster) -> None:
    good = program_of.CONFIG
    broken = {
        "unclosed list": good.replace("coredns]", "coredns"),
        "tab": good + "\tbind-address: 0.0.0.0\n",
        "no number": good + "https-listen-port: six\n",
    }
    for mistake, text in broken.items():
        with cluster.recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=cluster.component,
            evidence=[r"yaml:|flag provided but not defined|invalid value|level=fatal|Incorrect Usage"],
            description="config.yaml cannot be used",
            values={"mistake": mistake},
        ):
            cluster.configure(text)
            _fails(cluster, 20)
    cluster.configure()


def _token(cluster: Cluster) -> None:
    for token in ("0f3e9ab1c2d4", "another-secret", "K3s-lab-2026"):
        with cluster.recording.fault(
            "token_invalid",
            severity="CRITICAL",
            component=cluster.component,
            evidence=[r"different token|bootstrap data already found|failed to normalize|token"],
            description="The server is started with another token than its datastore was made with",
            values={},
        ):
            Path(f"{program_of.DATA}/server/token").unlink(missing_ok=True)
            cluster.configure(token=token)
            _fails(cluster, 25)
    cluster.configure()


def _port(cluster: Cluster) -> None:
    for port in (6443, 7443, 8443):
        cluster.configure(program_of.CONFIG + f"https-listen-port: {port}\n")
        with (
            cluster.recording.fault(
                "address_in_use",
                severity="CRITICAL",
                component=cluster.component,
                evidence=[rf"listen tcp.*:{port}: bind: address already in use"],
                description="Another program listens on the API server's port",
                values={"port": str(port)},
            ),
            port_held(port),
        ):
            _fails(cluster, 40)
    cluster.configure()


def _datastore(cluster: Cluster) -> None:
    database = Path(f"{program_of.DATA}/server/db/state.db")
    kept = database.read_bytes()
    for number, (offset, rubbish) in enumerate(
        ((0, b"\0" * 4096), (0, b"not a database, " * 64), (100, b"\xff" * 8192))
    ):
        with cluster.recording.fault(
            "data_corrupted",
            severity="CRITICAL",
            component=("database", "sqlite"),
            evidence=[r"file is not a database|malformed|database disk image"],
            description="The datastore's file was overwritten",
            values={"offset": str(offset), "run": str(number + 1)},
        ):
            for rest in database.parent.glob("state.db-*"):
                rest.unlink()
            database.write_bytes(kept[:offset] + rubbish + kept[offset + len(rubbish) :])
            _fails(cluster, 25)
    for rest in database.parent.glob("state.db*"):
        rest.unlink()
    database.write_bytes(kept)


def _disk(cluster: Cluster) -> None:
    for size in ("40m", "90m", "160m"):
        shutil.rmtree("/data/small", ignore_errors=True)
        place = cluster.recording.sandbox.small_disk("/data/small", size)
        cluster.configure(program_of.CONFIG.replace(program_of.DATA, "/data/small"))
        with cluster.recording.fault(
            "disk_full",
            severity="CRITICAL",
            component=cluster.component,
            evidence=[r"no space left on device|disk is full"],
            description="The disk of the data directory has no space left",
            values={"size": size},
        ):
            _fails(cluster, 40)
        cluster.recording.sandbox.unmount(place)
    cluster.configure()
