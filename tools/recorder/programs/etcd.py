"""etcd: three members that hold configuration and leases, watched, compacted and snapshotted, then broken."""

from __future__ import annotations

import random
import shutil
import signal
import threading
import time
from pathlib import Path

from tools.recorder.certificates import authority, issue
from tools.recorder.program import Program
from tools.recorder.programs.etcd_stage import cluster, ctl, start, write_some
from tools.recorder.recording import Recording
from tools.recorder.steps import client, port_held, wait_for_port, write_file

PROGRAM = Program(
    name="etcd",
    kind="datastore",
    split="training",
    version=("etcd", "--version"),
    command=("etcd", "--name", "etcd-0", "--data-dir", "/data/etcd-0"),
    packages=("debian:etcd-server", "debian:etcd-client"),
)
COMPONENT = ("datastore", "etcd")


def record(recording: Recording) -> None:
    """Healthy clusters, then every fault three times."""
    dice = random.Random(3)  # noqa: S311 -- traffic, not secrets
    for run in range(3):
        with recording.healthy(f"A cluster of three keeps configuration, run {run + 1}"):
            options = (
                "--auto-compaction-mode",
                "revision",
                "--auto-compaction-retention",
                "20",
                "--snapshot-count",
                "60",
            )
            members = cluster(recording, run, *options)
            for _ in range(3):
                write_some(dice, 60)
                ctl("snapshot", "save", f"/scratch/{run}.db")
                ctl("defrag")
                ctl("compact", ctl("get", "x", "-w", "fields").split('"Revision" : ')[1].split()[0])
            ctl("move-leader", "8e9e05c52164694d")
            for member in members:
                member.stop()
    _start_faults(recording)
    _storage_faults(recording, dice)
    _cluster_faults(recording, dice)
    _tls_faults(recording, dice)


def _start_faults(recording: Recording) -> None:
    for port in (2379, 3379, 4001):
        pod = recording.pod("etcd-0", namespace="kube-system", container="etcd")
        with (
            recording.fault(
                "address_in_use",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"bind: address already in use"],
                description="Another process holds a port of the member",
                values={"port": str(port)},
            ),
            port_held(port, "127.0.0.1"),
        ):
            start(pod, f"/data/used-{port}/etcd-0", port=port).wait()
    mistakes = {
        "heartbeat": "heartbeat-interval: fast\n",
        "yaml": "name: etcd-0\n  data-dir: /data/x\n: bad\n",
        "url": "listen-client-urls: http//127.0.0.1:2379\n",
        "state": "initial-cluster-state: fresh\nname: etcd-0\n",
    }
    for name, text in mistakes.items():
        pod = recording.pod("etcd-0", namespace="kube-system", container="etcd")
        path = write_file(f"/data/{name}.yaml", text)
        with recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[
                r"error verifying flags|error unmarshaling JSON|error converting YAML|unexpected error setting up"
            ],
            description="A mistake in the member's configuration file",
            values={"file": str(path)},
        ):
            for _ in range(2):
                pod.run(["etcd", "--config-file", str(path)]).wait()


def _storage_faults(recording: Recording, dice: random.Random) -> None:
    for index, quota in enumerate((2, 3, 4)):
        pod = recording.pod("etcd-0", namespace="kube-system", container="etcd")
        size = quota << 20
        with recording.fault(
            "disk_full",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"alarm raised|NOSPACE|database space exceeded"],
            description="The data set reaches its quota and the member refuses writes",
            values={"quota_bytes": str(size)},
        ):
            member = start(pod, f"/data/quota-{index}/etcd-0", "--quota-backend-bytes", str(size))
            wait_for_port(2379)
            write_some(dice, 10)
            for step in range(14):
                ctl("put", f"/big/{step}", text="x" * 400_000)
            ctl("alarm", "list")
            member.stop()
    for index, damage in enumerate(("wal", "db", "magic")):
        pod = recording.pod("etcd-0", namespace="kube-system", container="etcd")
        folder = Path(f"/data/broken-{damage}/etcd-0")
        with recording.fault(
            "data_corrupted",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"crc mismatch|failed to open database"],
            description="A file of the data folder was overwritten",
            values={"damage": damage},
        ):
            member = start(pod, str(folder))
            wait_for_port(2379)
            write_some(dice, 12 + index)
            member.stop()
            target = next(folder.glob("member/wal/*.wal")) if damage == "wal" else folder / "member/snap/db"
            content = bytearray(target.read_bytes())
            place = 200 if damage == "wal" else 0
            length = 60 if damage != "magic" else 9000
            content[place : place + length] = bytes(dice.randrange(256) for _ in range(length))
            target.write_bytes(bytes(content[:3000] if damage == "db" else content))
            start(pod, str(folder)).wait(20)
    for owner in ("www-data", "mail", "news"):
        pod = recording.pod("etcd-0", namespace="kube-system", container="etcd")
        folder = Path(f"/data/of-{owner}")
        folder.mkdir()
        folder.chmod(0o700)
        shutil.chown(folder, owner)
        with recording.fault(
            "volume_permission",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"permission denied"],
            description="The member's user may not use the volume",
            values={"folder": str(folder), "owner": owner},
        ):
            for _ in range(2):
                start(pod, f"{folder}/etcd-0", user="nobody").wait()


def _cluster_faults(recording: Recording, dice: random.Random) -> None:
    for index in range(3):
        with recording.fault(
            "leader_lost",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"lost leader|lost the TCP streaming connection|no leader"],
            description="Two of three members are killed; the rest has no leader",
            values={"killed": "2"},
        ):
            members = cluster(recording, 10 + index)
            write_some(dice, 8)
            members[(index + 1) % 3].stop(signal.SIGKILL)
            members[(index + 2) % 3].stop(signal.SIGKILL)
            writers = threading.Thread(target=ctl, args=("put", "a", "b"), kwargs={"port": 2379 + 10 * index})
            writers.start()
            time.sleep(3)
            writers.join(15)
            members[index].stop(signal.SIGKILL)
    for index, milliseconds in enumerate((900, 1400, 2100)):
        with recording.fault(
            "etcd_degraded",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"took too long"],
            description="Two members stall again and again, so that requests of the third take too long",
            values={"stall_ms": str(milliseconds)},
        ):
            members = cluster(recording, 20 + index, "--election-timeout", "6000")
            write_some(dice, 8)
            for _ in range(3):
                readers = [threading.Thread(target=ctl, args=("get", f"key-{n}")) for n in range(3)]
                for number in (signal.SIGSTOP, signal.SIGCONT):
                    for member in members[1:]:
                        member.send_signal(number)
                    if number == signal.SIGSTOP:
                        for reader in readers:
                            reader.start()
                        time.sleep(milliseconds / 1000)
                for reader in readers:
                    reader.join(20)
                write_some(dice, 3)
            for member in members:
                member.stop(signal.SIGKILL)


def _tls_faults(recording: Recording, dice: random.Random) -> None:
    signer = authority(Path("/data/ca"), "etcd CA")
    other = authority(Path("/data/ca"), "Other CA")
    for days in (3, 33, 333):
        for cause, severity, by, expired, evidence in (
            ("cert_expired", "CRITICAL", signer, days, r"certificate has expired"),
            (
                "cert_untrusted",
                "ERROR",
                other,
                None,
                r"unknown authority|unknown certificate authority|bad certificate",
            ),
        ):
            issued = issue(by, Path(f"/data/tls-{cause}-{days}"), f"etcd-{days}", expired_days=expired)
            good = issue(signer, Path(f"/data/good-{days}"), f"etcd-{days}")
            pod = recording.pod("etcd-0", namespace="kube-system", container="etcd")
            with recording.fault(
                cause,
                severity=severity,
                component=COMPONENT,
                evidence=[evidence],
                description="A client shows a certificate that the member refuses",
                values={"days": str(days), "signer": by.name},
            ):
                tls: tuple[str, ...] = (
                    "--cert-file",
                    str(good.certificate),
                    "--key-file",
                    str(good.key),
                    "--client-cert-auth",
                )
                tls += ("--trusted-ca-file", str(signer.file), "--listen-client-urls", "https://127.0.0.1:2379")
                tls += ("--advertise-client-urls", "https://127.0.0.1:2379")
                member = start(pod, f"/data/{cause}-{days}/etcd-0", *tls)
                wait_for_port(2379)
                shown = ["--cert", str(issued.certificate), "--key", str(issued.key), "--cacert", str(signer.file)]
                shown += [
                    "--endpoints",
                    "https://127.0.0.1:2379",
                    "--insecure-skip-tls-verify",
                    "--command-timeout",
                    "2s",
                ]
                for _ in range(2):
                    client("etcdctl", *shown, "get", f"key-{dice.randrange(99)}", env={"ETCDCTL_API": "3"})
                member.stop()
