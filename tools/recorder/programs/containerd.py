"""containerd: the container runtime, asked over the CRI to pull images from a registry on loopback and to run pods."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tools.recorder.pod_log import RecordingFailedError
from tools.recorder.privacy import CHECKOUT
from tools.recorder.program import Program
from tools.recorder.programs import containerd_faults
from tools.recorder.programs.containerd_images import Registry
from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import client, write_file


def _build(cache: Path) -> None:
    """Build the client that speaks to the runtime as a kubelet does."""
    if shutil.which("go") is None:
        raise RecordingFailedError("The CRI client is written in Go, and there is no `go`. Install Go 1.24 or newer.")
    source = CHECKOUT / "tools" / "recorder" / "apps" / "go_cri"
    command = ["go", "build", "-trimpath", "-ldflags=-s", "-o", str(cache / "cri"), "."]
    subprocess.run(command, cwd=source, env={**os.environ, "CGO_ENABLED": "0"}, check=True)


PROGRAM = Program(
    name="containerd",
    kind="runtime",
    split="training",
    version=("containerd", "--version"),
    command=("containerd", "--config", "/etc/containerd/config.toml"),
    packages=(
        "debian:containerd",
        "debian:runc",
        "debian:containernetworking-plugins",
        "debian:busybox-static",
        "go:k8s.io/cri-api",
        "go:google.golang.org/grpc",
    ),
    prepare=_build,
)
SOCKET = "/run/containerd/containerd.sock"
CONFIG = """version = 2
root = "{root}"
state = "/run/containerd/state"
[grpc]
  address = "/run/containerd/containerd.sock"
[debug]
  level = "info"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.lab:5000/pause:3.9"
  restrict_oom_score_adj = true
  disable_apparmor = true
  max_concurrent_downloads = 2
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".registry.mirrors."registry.lab:5000"]
    endpoint = ["http://registry.lab:5000"]
"""
NETWORK = {
    "cniVersion": "0.4.0",
    "name": "podnet",
    "plugins": [
        {"type": "ptp", "ipam": {"type": "host-local", "dataDir": "/run/cni", "ranges": [[{"subnet": "10.42.5.0/24"}]]}}
    ],
}


class Runtime:
    """The runtime under one recording, with its registry."""

    component = ("runtime", "containerd")

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.dice = random.Random(71)  # noqa: S311 -- traffic, not secrets
        self.registry = Registry(5000)
        recording.sandbox.name("registry.lab", "10.43.0.50")

    def pod(self, suffix: str) -> Pod:
        """The runtime's own log, as a node's log collector shows it."""
        return self.recording.pod(f"containerd-node-{suffix}", namespace="kube-system", container="containerd")

    def start(self, pod: Pod, root: str = "/data/containerd", text: str = CONFIG) -> RunningProgram:
        """A runtime on a data folder."""
        path = write_file("/etc/containerd/config.toml", text.replace("{root}", root))
        return pod.run(["containerd", "--config", str(path)])

    def started(self, pod: Pod, root: str = "/data/containerd") -> RunningProgram:
        """A runtime that answers."""
        program = self.start(pod, root)
        program.wait_for("containerd successfully booted")
        for _ in range(50):
            if "not initialized" not in self.do(do="status"):
                break
            time.sleep(0.1)
        return program

    def network(self, value: object = NETWORK) -> None:
        """The network of pods."""
        write_file("/etc/cni/net.d/10-pod.conflist", json.dumps(value))

    def do(self, **step: object) -> str:
        """One step of a kubelet; what the runtime answered."""
        return client("/app/cri", SOCKET, json.dumps(step), seconds=40)

    def run_pod(self, image: str = "shop/web:1.0", **step: object) -> str:
        """Pull an image and run a pod from it."""
        full = f"registry.lab:5000/{image}"
        self.do(do="pull", image=full)
        name = f"web-{self.dice.randrange(10_000)}"
        return self.do(**{"do": "run", "image": full, "name": name, "command": ["/bin/busybox", "true"], **step})


def _healthy(runtime: Runtime) -> None:
    for run in range(3):
        pod = runtime.pod(str(run + 1))
        with runtime.recording.healthy(
            f"A node that pulls images and runs pods, run {run + 1}", {"node": str(run + 1)}
        ):
            program = runtime.started(pod, f"/data/node-{run}")
            for index in range(9):
                image = runtime.registry.names[(index + run) % len(runtime.registry.names)]
                runtime.run_pod(image, seconds=int(index == 3))
            for image in runtime.registry.names[:3]:
                runtime.do(do="remove", image=f"registry.lab:5000/{image}")
            program.stop()


def record(recording: Recording) -> None:
    """Healthy runs, then every fault at least three times."""
    shutil.copy(recording.cache / "cri", "/app/cri")
    runtime = Runtime(recording)
    runtime.network()
    _healthy(runtime)
    try:
        containerd_faults.record(runtime)
    finally:
        _remove_groups()


def _remove_groups() -> None:
    """The runtime leaves its empty parent group behind, and groups outlive the sandbox."""
    for group in Path("/sys/fs/cgroup").glob("*/k8s.io"):
        for folder in [*sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True), group]:
            with suppress(OSError):
                folder.rmdir()
