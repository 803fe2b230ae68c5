"""A real Kubernetes API without any node: K3s' server with its agent off. Everything but running pods is real.

`python -m tests.api_server start DIRECTORY` starts one and prints its kubeconfig; `stop DIRECTORY` ends and removes it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

START_SECONDS = 120
LEFT_OUT = "coredns,servicelb,traefik,local-storage,metrics-server"


def missing() -> str:
    """Why no API can be started here; empty when one can."""
    named = os.environ.get("K3S_BINARY", "")
    if not named:
        return "K3S_BINARY does not name a K3s"
    if not os.access(named, os.X_OK):
        return f"K3S_BINARY names {named}, which cannot be run"
    return "" if os.geteuid() == 0 else "K3s' server runs as root only"


def start(directory: Path) -> Path:
    """Starts an API whose files lie below `directory`, unless one runs there; returns its kubeconfig."""
    directory.mkdir(parents=True, exist_ok=True)
    kubeconfig = directory / "kubeconfig"
    if _pid(directory) and _answers(kubeconfig):
        return kubeconfig
    port = _free_port()
    command = [os.environ["K3S_BINARY"], "server", "--disable-agent", "--data-dir", str(directory / "data")]
    command += ["--https-listen-port", str(port), "--bind-address", "127.0.0.1", "--disable", LEFT_OUT]
    command += ["--disable-helm-controller", "--disable-cloud-controller", "--disable-network-policy"]
    command += ["--flannel-backend", "none", "--egress-selector-mode", "disabled", "--node-name", "api-only"]
    for part in (
        "kube-controller-manager",
        "kube-scheduler",
    ):  # whose own ports are fixed, and may be taken by another K3s
        command += [f"--{part}-arg", f"secure-port={_free_port()}"]
    command += ["--write-kubeconfig", str(kubeconfig), "--write-kubeconfig-mode", "600"]
    with (directory / "server.log").open("wb") as log:
        started = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    (directory / "pid").write_text(str(started.pid), encoding="ascii")
    deadline = time.monotonic() + START_SECONDS
    while not _answers(kubeconfig):
        if started.poll() is not None or time.monotonic() > deadline:
            last = (directory / "server.log").read_text(errors="replace").splitlines()[-5:]
            raise RuntimeError(f"K3s did not start: {last}")
        time.sleep(0.5)
    return kubeconfig


def stop(directory: Path) -> None:
    """Ends the API started by this file in `directory`, and removes its files."""
    pid = _pid(directory)
    if pid:
        os.kill(pid, signal.SIGTERM)
        for _attempt in range(100):
            if not _pid(directory):
                break
            time.sleep(0.1)
        else:
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(directory, ignore_errors=True)


def _pid(directory: Path) -> int:
    try:
        pid = int((directory / "pid").read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except (OSError, ValueError):
        return 0
    return pid if state != "Z" and b"k3s" in command else 0


def _answers(kubeconfig: Path) -> bool:
    if not kubeconfig.exists():
        return False
    from kubernetes import client, config  # noqa: PLC0415 - a second of loading, wanted only when a server is there

    try:
        loaded = config.new_client_from_config(config_file=str(kubeconfig))  # type: ignore[no-untyped-call] # as it ships
        core = client.CoreV1Api(loaded)
        core.api_client.rest_client.pool_manager.connection_pool_kw["retries"] = False
        core.read_namespace("default", _request_timeout=2)
        core.read_namespaced_service_account("default", "default", _request_timeout=2)
    except Exception:  # noqa: BLE001 - whatever it is, the server is not ready
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    if sys.argv[1] == "start":
        sys.stdout.write(f"{start(Path(sys.argv[2]))}\n")
    else:
        stop(Path(sys.argv[2]))
