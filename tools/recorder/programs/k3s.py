"""K3s: a one-node cluster whose control plane, kubelet and events are watched while workloads come and go."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.recorder.pod_log import RecordingFailedError
from tools.recorder.program import Program
from tools.recorder.programs import k3s_faults, k3s_manifests, k3s_server_faults
from tools.recorder.programs.containerd_images import Registry
from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import client, write_file


def _keep(cache: Path) -> None:
    """Take the program from where the variable K3S_BINARY says."""
    binary = os.environ.get("K3S_BINARY", "")
    if not Path(binary).is_file():
        raise RecordingFailedError(
            "K3s is one file that no package index ships. Download a release's `k3s` and name it: K3S_BINARY=/path/k3s."
        )
    shutil.copy(binary, cache / "k3s")


PROGRAM = Program(
    name="k3s",
    kind="control_plane",
    split="held_out",
    version=("/app/k3s", "--version"),
    command=("k3s", "server", "--config", "/etc/rancher/k3s/config.yaml"),
    packages=("debian:iptables", "debian:conntrack", "debian:busybox-static"),
    prepare=_keep,
)
ADDRESS = "10.0.0.102"
KUBECONFIG = "/etc/rancher/k3s/k3s.yaml"
DATA = "/data/k3s"
CONFIG = f"""data-dir: {DATA}
node-name: node-1
node-ip: {ADDRESS}
token: {{token}}
pause-image: registry.lab:5000/pause:3.9
disable: [traefik, servicelb, metrics-server, local-storage, coredns]
disable-helm-controller: true
disable-cloud-controller: true
disable-network-policy: true
flannel-backend: host-gw
egress-selector-mode: disabled
kubelet-arg: [fail-cgroupv1=false]
"""
REGISTRIES = "mirrors:\n  registry.lab:5000:\n    endpoint: [http://registry.lab:5000]\n"
CONTAINERD = 'imports = ["/etc/containerd-recorder.toml"]\n{{ template "base" . }}\n'
CONTAINERD_MORE = "version = 3\n[plugins.'io.containerd.cri.v1.runtime']\n  restrict_oom_score_adj = true\n"


class Cluster:
    """The cluster under one recording: its server, the stream of its events, and a registry."""

    component = ("control_plane", "k3s")

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.registry = Registry(5000)
        recording.sandbox.name("registry.lab", "10.43.255.50")
        self._number = 0
        self.events: Pod = recording.pod("events-collector-0", namespace="logging", container="events")

    def pod(self) -> Pod:
        """The server's own log, as the node's journal shows it."""
        self._number += 1
        return self.recording.pod(f"k3s-node-{self._number}", namespace="kube-system", container="k3s")

    def configure(self, text: str = CONFIG, token: str = "b7c1f0e2a94d4d1c") -> None:  # noqa: S107 -- of a cluster that lives for minutes
        """Write what the server reads."""
        write_file("/etc/rancher/k3s/config.yaml", text.replace("{token}", token))
        write_file("/etc/rancher/k3s/registries.yaml", REGISTRIES)
        write_file(f"{DATA}/agent/etc/containerd/config-v3.toml.tmpl", CONTAINERD)
        write_file("/etc/containerd-recorder.toml", CONTAINERD_MORE)

    def start(self, pod: Pod) -> RunningProgram:
        """A server that has just been started."""
        return pod.run(["/app/k3s", "server", "--config", "/etc/rancher/k3s/config.yaml"], env={"HOME": "/srv"})

    @contextmanager
    def running(self, pod: Pod) -> Iterator[RunningProgram]:
        """A server whose node is ready, with its events followed."""
        server = self.start(pod)
        self.wait_until(["get", "node", "node-1"], " Ready", seconds=120)
        self.wait_until(["get", "serviceaccount", "default"], "default")
        watch = [*_KUBECTL, "get", "events", "--all-namespaces", "--watch-only", "--no-headers"]
        watcher = self.events.run(watch, env={"KUBECONFIG": KUBECONFIG})
        time.sleep(0.5)
        try:
            yield server
        finally:
            watcher.stop()
            server.stop(seconds=40)
            self.end_pods()

    def kubectl(self, *command: str, text: str | None = None, seconds: float = 20) -> str:
        """What kubectl answered, whatever its status."""
        return client(*_KUBECTL, *command, text=text, seconds=seconds, env={"KUBECONFIG": KUBECONFIG})

    def apply(self, *objects: Mapping[str, object]) -> str:
        """Bring objects to the cluster."""
        return self.kubectl("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def delete(self, *objects: Mapping[str, object]) -> None:
        """Take objects away, without grace."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self.kubectl("delete", "--ignore-not-found", "--grace-period=1", "-f", "-", text=text, seconds=60)

    def wait_until(self, command: Sequence[str], text: str, seconds: float = 60) -> None:
        """Wait until kubectl's answer holds a text."""
        deadline = time.monotonic() + seconds
        while text not in self.kubectl(*command):
            if time.monotonic() > deadline:
                raise RecordingFailedError(f"`kubectl {' '.join(command)}` did not show {text!r} within {seconds:g} s.")
            time.sleep(0.3)

    def rolled_out(self, name: str, namespace: str) -> None:
        """Wait until a deployment's pods are the new ones."""
        self.wait_until(["rollout", "status", f"deployment/{name}", "-n", namespace, "--timeout=15s"], "successfully")

    @staticmethod
    def end_pods() -> None:
        """Kill what the stopped server left running."""
        subprocess.run(["sh", "-c", "pkill -9 -f containerd-shim-runc-v2; true"], check=False)


_KUBECTL = ("/app/k3s", "kubectl")


def record(recording: Recording) -> None:
    """Healthy days first, then every fault at least three times."""
    shutil.copy(recording.cache / "k3s", "/app/k3s")
    recording.sandbox.interface("eth0", f"{ADDRESS}/24")
    cluster = Cluster(recording)
    try:
        cluster.configure()
        _healthy(cluster)
        k3s_faults.record(cluster)
        k3s_server_faults.record(cluster)
    finally:
        cluster.end_pods()
        _remove_groups()


def _healthy(cluster: Cluster) -> None:
    """Start, deploy, scale, roll out, run jobs, clean up, stop: on three days."""
    days = (("shop", "shop/web:1.0"), ("blog", "shop/cart:2.4"), ("home", "tools/debug:latest"))
    for day, (namespace, image) in enumerate(days, start=1):
        with (
            cluster.recording.healthy(
                f"A server starts, runs a workload and stops, day {day}", {"namespace": namespace}
            ),
            cluster.running(cluster.pod()),
        ):
            cluster.apply(*k3s_manifests.workload(namespace, f"registry.lab:5000/{image}"))
            cluster.rolled_out("web", namespace)
            cluster.kubectl("scale", "deployment/web", "-n", namespace, "--replicas=3")
            cluster.rolled_out("web", namespace)
            cluster.kubectl("set", "env", "deployment/web", "-n", namespace, f"RELEASE={day}")
            cluster.rolled_out("web", namespace)
            cluster.wait_until(["get", "job", "report", "-n", namespace], "Complete")
            cluster.kubectl("delete", "namespace", namespace, "--wait=false")
            time.sleep(20)


def _remove_groups() -> None:
    """Pods leave their empty parent groups behind, and groups outlive the sandbox."""
    for group in Path("/sys/fs/cgroup").glob("*/kubepods*"):
        for folder in [*sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True), group]:
            with suppress(OSError):
                folder.rmdir()
