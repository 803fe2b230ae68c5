"""systemd: a service manager of a node in namespaces of its own, its journal in the short form that syslog has."""

from __future__ import annotations

import os
import random
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.recorder.program import Program
from tools.recorder.programs import systemd_faults
from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import client

PROGRAM = Program(
    name="systemd",
    kind="node",
    split="training",
    version=("/lib/systemd/systemd", "--version"),
    command=("/lib/systemd/systemd", "--unit=lab.target"),
    packages=("debian:systemd", "debian:busybox-static"),
)
GROUPS = tuple(
    Path(f"/sys/fs/cgroup/{controller}/recorder-systemd")
    for controller in ("systemd", "memory", "pids", "devices", "cpu", "cpuacct", "blkio", "unified")
    if Path(f"/sys/fs/cgroup/{controller}").is_dir()
)
BOOT = """set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir -p /run/lock /run/systemd/system /run/systemd/journald.conf.d /run/upper /run/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work /etc
umount -R /sys/fs/cgroup
mount -t tmpfs tmpfs /sys/fs/cgroup
mkdir /sys/fs/cgroup/systemd
mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
hostname node-2
echo node-2 > /etc/hostname
tr -d - < /proc/sys/kernel/random/uuid > /etc/machine-id
for unit in udevd.service udevd-kernel.socket udevd-control.socket udev-trigger.service; do
  ln -s /dev/null /run/systemd/system/systemd-$unit
done
printf '[Journal]\\nStorage=volatile\\nReadKMsg=no\\nRateLimitIntervalSec=0\\n' > /run/systemd/journald.conf.d/lab.conf
cat > /run/systemd/system/lab.target <<X
[Unit]
Description=Services of the node
DefaultDependencies=no
Wants=systemd-journald.service
X
exec /lib/systemd/systemd --unit=lab.target --show-status=no
"""
UNIT = """[Unit]
Description={description}
StartLimitIntervalSec=10
StartLimitBurst=3
[Service]
{service}
"""
ORDINARY = {
    "shop-web": ("Web server of the shop", "ExecStart=/bin/busybox httpd -f -vv -p 127.0.0.1:8080 -h /usr/share/doc"),
    "cleanup": (
        "Remove old temporary files",
        "Type=oneshot\nExecStart=/usr/bin/find /tmp -mindepth 1 -mmin +60 -print",
    ),
    "backup": ("Back up the configuration", "Type=oneshot\nExecStart=/bin/tar -czvf /run/backup.tgz /etc/ld.so.conf.d"),
    "report": ("Report on disk usage", "Type=oneshot\nExecStart=/bin/df -h /run /dev"),
    "queue": (
        "Worker of the queue",
        "ExecStart=/bin/sh -c 'echo polling; while sleep 1; do echo \"0 jobs, 0 failed\"; done'",
    ),
}


class Manager:
    """The manager under one recording; between `boot` and the end of its block units can be started."""

    component = ("node", "systemd")

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.dice = random.Random(73)  # noqa: S311 -- traffic, not secrets
        self._pid = 0

    @contextmanager
    def boot(self, number: int = 1) -> Iterator[Pod]:
        """Start the manager and follow its journal; everything is ended and its groups are removed."""
        pod = self.recording.pod(f"node-journal-{number}", namespace="kube-system", container="journal")
        for group in GROUPS:
            group.mkdir(exist_ok=True)
        spaces = ["--pid", "--fork", "--mount", "--uts", "--ipc", "--cgroup", "--kill-child"]
        program = pod.run(["unshare", *spaces, "sh", "-c", BOOT], env={"container": "podman"}, cgroups=GROUPS)
        try:
            self._pid = self._child(program)
            self._until_running()
            pod.run([*self._enter(), "journalctl", "--follow", "--no-tail", "--quiet", "--output=short"])
            pod.wait_for("Startup finished", 20)
            for name, (description, service) in ORDINARY.items():
                self.unit(name, description, service)
            self.do("systemctl daemon-reload")
            yield pod
            self.do("systemctl stop shop-web queue")
            time.sleep(0.5)
        finally:
            program.end()
            time.sleep(0.3)
            _remove_groups()

    def do(self, script: str) -> str:
        """Run a shell command in the manager's world; its output is not part of the recording."""
        return client(*self._enter(), "sh", "-c", script, seconds=30)

    def unit(self, name: str, description: str, service: str) -> None:
        """Write a unit file."""
        text = UNIT.format(description=description, service=service)
        self.do(f"printf %s {shlex.quote(text)} > /run/systemd/system/{name}.service")

    def main_pid(self, name: str) -> int:
        """The main process of a service, as it is numbered outside."""
        inner = self.do(f"systemctl show --property=MainPID --value {name}").strip()
        for path in Path("/proc").glob("[0-9]*/status"):
            with suppress(OSError):
                lines = path.read_text().splitlines()
                if any(
                    line.startswith("NSpid:") and line.split()[-1] == inner and len(line.split()) > 2 for line in lines
                ):
                    return int(path.parent.name)
        return 0

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Signal a service's main process from outside."""
        if pid := self.main_pid(name):
            os.kill(pid, number)

    def traffic(self, rounds: int) -> None:
        """An ordinary day of a node."""
        self.do("systemctl start shop-web queue")
        for _ in range(rounds):
            action = self.dice.choice(
                [
                    "start cleanup",
                    "start report",
                    "restart shop-web",
                    "start backup",
                    "restart queue",
                    "reset-failed",
                    "start report",
                ]
            )
            self.do(f"systemctl {action}")
            self.do("for i in 1 2; do /bin/busybox wget -q -O /dev/null http://127.0.0.1:8080/base-files/README; done")

    def _enter(self) -> list[str]:
        return ["nsenter", "--target", str(self._pid), "--all", "--root", "--wd", "--"]

    def _child(self, program: RunningProgram) -> int:
        for _ in range(100):
            with suppress(OSError, IndexError):
                child = int(Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()[0])
                if "systemd" in Path(f"/proc/{child}/comm").read_text():
                    return child
            time.sleep(0.1)
        return 0

    def _until_running(self) -> None:
        for _ in range(80):
            if self.do("systemctl is-system-running").strip() in ("running", "degraded"):
                return
            time.sleep(0.15)


def _healthy(manager: Manager) -> None:
    for run in range(3):
        with (
            manager.recording.healthy(
                f"Services of a node start, work and restart, run {run + 1}", {"run": str(run + 1)}
            ),
            manager.boot(run + 1),
        ):
            manager.traffic(14)


def record(recording: Recording) -> None:
    """Healthy runs, then every fault three times."""
    manager = Manager(recording)
    _healthy(manager)
    systemd_faults.record(manager)


def _remove_groups() -> None:
    for group in GROUPS:
        for folder in [*sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True), group]:
            with suppress(OSError):
                folder.rmdir()
