"""The stage of etcd's recording: members, clusters of three and their clients."""

from __future__ import annotations

import random
from pathlib import Path

from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import client, wait_for_port

MEMBERS = 3


def start(pod: Pod, folder: str, *options: str, port: int = 2379, **how: object) -> RunningProgram:
    """One member by itself; does not wait."""
    name = Path(folder).name
    command = ["etcd", "--name", name, "--data-dir", folder, "--logger", "zap", "--log-outputs", "stderr"]
    command += [
        "--listen-client-urls",
        f"http://127.0.0.1:{port}",
        "--advertise-client-urls",
        f"http://127.0.0.1:{port}",
    ]
    command += [
        "--listen-peer-urls",
        f"http://127.0.0.1:{port + 1}",
        "--initial-advertise-peer-urls",
        f"http://127.0.0.1:{port + 1}",
    ]
    if "--initial-cluster" not in options:
        options = (*options, "--initial-cluster", f"{name}=http://127.0.0.1:{port + 1}")
    return pod.run([*command, *options], **how)  # type: ignore[arg-type]  # options of Pod.run, passed through


def ctl(*command: str, port: int = 2379, text: str | None = None, seconds: float = 10) -> str:
    """Etcdctl against one member."""
    return client(
        "etcdctl",
        "--endpoints",
        f"http://127.0.0.1:{port}",
        *command,
        text=text,
        seconds=seconds,
        env={"ETCDCTL_API": "3"},
    )


def write_some(dice: random.Random, count: int, port: int = 2379) -> None:
    """Puts, gets, deletes and leases."""
    for _ in range(count):
        key = f"/registry/configmaps/shop/{dice.choice(['web', 'api', 'jobs'])}-{dice.randrange(400)}"
        match dice.randrange(5):
            case 0:
                ctl("get", "--prefix", "--keys-only", key[:24], port=port)
            case 1:
                ctl("del", key, port=port)
            case 2:
                ctl("lease", "grant", str(dice.randrange(5, 60)), port=port)
            case _:
                ctl("put", key, "v" * dice.randrange(20, 4000), port=port)


def cluster(recording: Recording, run: int, *options: str) -> list[RunningProgram]:
    """Three members that know one another; their client ports answer."""
    ports = [2379 + 10 * index for index in range(MEMBERS)]
    members = ",".join(f"etcd-{index}=http://127.0.0.1:{port + 1}" for index, port in enumerate(ports))
    joined = ("--initial-cluster", members, "--initial-cluster-token", f"shop-{run}", *options)
    pods = [recording.pod(f"etcd-{index}", namespace="kube-system", container="etcd") for index in range(MEMBERS)]
    running = [
        start(pod, f"/data/run-{run}/etcd-{index}", *joined, port=ports[index]) for index, pod in enumerate(pods)
    ]
    for port in ports:
        wait_for_port(port)
    return running
