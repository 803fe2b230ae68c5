"""CoreDNS: the cluster's name server, with zones of its own, a forwarder, and the API server that it watches."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from tools.recorder.pod_log import RecordingFailedError
from tools.recorder.program import Program
from tools.recorder.programs import coredns_faults
from tools.recorder.programs.coredns_stage import ZONE, Names
from tools.recorder.recording import Recording
from tools.recorder.steps import write_file

VERSION = "v1.15.0"


def _build(cache: Path) -> None:
    """Build it from the module mirror, which takes some minutes the first time."""
    if (cache / "coredns").exists():
        return
    if shutil.which("go") is None:
        raise RecordingFailedError("CoreDNS is built from source, and there is no `go`. Install Go 1.25 or newer.")
    command = ["go", "install", "-trimpath", f"github.com/coredns/coredns@{VERSION}"]
    subprocess.run(command, env={**os.environ, "GOBIN": str(cache), "GOFLAGS": "-p=1"}, check=True)


PROGRAM = Program(
    name="coredns",
    kind="dns",
    split="training",
    version=VERSION.removeprefix("v"),
    command=("coredns", "-conf", "/etc/coredns/Corefile"),
    packages=(f"go:github.com/coredns/coredns@{VERSION}", "debian:bind9-dnsutils"),
    prepare=_build,
)


def _healthy(names: Names) -> None:
    for run, port in enumerate((1053, 5353, 1054)):
        write_file("/etc/coredns/lab.zone", ZONE.format(serial=2026112400))
        pod = names.pod(("8rq2k", "tz6mw", "v4xcl")[run])
        more = ("prometheus 127.0.0.1:9153", "loadbalance", "reload 2s")[run]
        with names.recording.healthy(
            f"Questions of a cluster, run {run + 1}; denials of unknown names are ordinary", {"port": str(port)}
        ):
            program = names.started(pod, names.corefile(port, more=more, health="health 127.0.0.1:8085"))
            for serial in range(3):
                names.traffic(38, port)
                write_file("/etc/coredns/lab.zone", ZONE.format(serial=2026112401 + serial))
                time.sleep(1.1)
            program.stop(seconds=20)


def record(recording: Recording) -> None:
    """Healthy runs, then every fault at least three times."""
    shutil.copy(recording.cache / "coredns", "/app/coredns")
    Path("/etc/coredns").mkdir(parents=True, exist_ok=True)
    names = Names(recording)
    _healthy(names)
    coredns_faults.record(names)
