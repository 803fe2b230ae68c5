"""Redis: a cache with a replica, kept busy over redis-cli, then broken in its own and in its disk's ways."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from tools.recorder.certificates import authority, issue
from tools.recorder.program import Program
from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import client, port_held, write_file

PROGRAM = Program(
    name="redis",
    kind="cache",
    split="training",
    version=("redis-server", "--version"),
    command=("redis-server", "/data/redis.conf"),
    packages=("debian:redis-server",),
)
COMPONENT = ("cache", "redis")


def _server(pod: Pod, port: int, folder: Path, *options: str, **how: object) -> RunningProgram:
    folder.mkdir(parents=True, exist_ok=True)
    base = ["redis-server", "--port", str(port), "--dir", str(folder), "--loglevel", "verbose"]
    return pod.run([*base, *options], **how)  # type: ignore[arg-type]  # options of Pod.run, passed through


def _cli(port: int, *command: str, text: str | None = None) -> str:
    return client("redis-cli", "-p", str(port), *command, text=text)


def _traffic(port: int, dice: random.Random, rounds: int) -> None:
    for _ in range(rounds):
        user = dice.randrange(10_000)
        commands = [f"SET session:{user} {dice.random()}", f"INCR hits:{user % 7}", f"LPUSH jobs {user}", "RPOP jobs"]
        commands += [f"EXPIRE session:{user} {dice.randrange(1, 60)}", f"GET session:{dice.randrange(10_000)}"]
        _cli(port, text="\n".join(dice.sample(commands, dice.randrange(2, 6))) + "\n")


def _fill(port: int, count: int, size: int) -> None:
    _cli(port, "DEBUG", "POPULATE", str(count), "bulk", str(size))


def _work(recording: Recording, dice: random.Random) -> None:
    primary, replica = recording.pod("redis-0", namespace="shop"), recording.pod("redis-replica-0", namespace="shop")
    for day in range(3):
        with recording.healthy(f"Cache with a replica under sessions and jobs, run {day + 1}", {"port": "6379"}):
            first = _server(primary, 6379, Path("/data/a"), "--save", "5 20", "--enable-debug-command", "yes")
            first.wait_for("Ready to accept connections")
            second = _server(replica, 6380, Path("/data/b"), "--replicaof", "127.0.0.1 6379")
            second.wait_for("Finished with success|Partial Resynchronization")
            for _ in range(6):
                _traffic(6379, dice, 32)
                _cli(6379, "BGSAVE")
                _traffic(6379, dice, 6)
                time.sleep(0.4)
            _cli(6379, "CONFIG", "SET", "appendonly", "yes")
            time.sleep(1)
            _cli(6379, "BGREWRITEAOF")
            _traffic(6379, dice, 12)
            second.stop()
            first.stop()


def _start_faults(recording: Recording) -> None:
    for port in (6379, 6390, 7001):
        pod = recording.pod(f"redis-{port}", namespace="shop", container="redis")
        with (
            recording.fault(
                "address_in_use",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"bind: Address already in use"],
                description="Another process holds the port",
                values={"port": str(port)},
            ),
            port_held(port),
        ):
            _server(pod, port, Path(f"/data/used-{port}")).wait()
    for setting in ("maxmemory 100megs", "appendfsync sometimes", "save 900"):
        pod = recording.pod("redis-config-0", namespace="shop", container="redis")
        config = write_file("/data/redis.conf", f"port 6379\ndir /data\n{setting}\nloglevel verbose\n")
        with recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"FATAL CONFIG FILE ERROR", r"^>>> '"],
            description="A setting that Redis does not understand",
            values={"setting": setting},
        ):
            pod.run(["redis-server", str(config)]).wait()


def _disk_faults(recording: Recording, dice: random.Random) -> None:
    for index, size in enumerate((6, 8, 12)):
        folder = recording.sandbox.small_disk(f"/data/small-{index}", f"{size}m")
        pod = recording.pod(f"redis-{index}", namespace=("shop", "billing", "search")[index], container="redis")
        with recording.fault(
            "disk_full",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"No space left on device", r"Write error (?:saving DB|while saving)"],
            description="The volume fills up while the data set is saved",
            values={"size": f"{size}m", "folder": str(folder)},
        ):
            server = _server(
                pod, 6379, folder, "--save", "2 5", "--enable-debug-command", "yes", "--rdbcompression", "no"
            )
            server.wait_for("Ready to accept connections")
            _traffic(6379, dice, 8)
            _fill(6379, 3000 * (index + 1), 8000)
            server.wait_for("Background saving error", 15)
            _traffic(6379, dice, 5)
            server.stop(9)
    for place, owner in (("/data/cache", 1001), ("/data/sessions", 999), ("/data/queue", 2000)):
        pod = recording.pod("redis-perm-0", namespace="shop", container="redis")
        with recording.fault(
            "volume_permission",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"[Pp]ermission denied"],
            description="The data folder belongs to another user",
            values={"place": place, "owner": str(owner)},
        ):
            Path(place).mkdir(parents=True)
            os.chown(place, owner, owner)
            server = _server(pod, 6379, Path(place), "--save", "2 1", user="redis")
            server.wait_for("Ready to accept connections")
            _traffic(6379, dice, 6)
            server.wait_for("Permission denied", 15)
            _traffic(6379, dice, 3)
            server.stop(9)
    for index, damage in enumerate(("signature", "truncated", "checksum")):
        pod = recording.pod(f"redis-{index}", namespace="shop", container="redis")
        folder = Path(f"/data/broken-{damage}")
        with recording.fault(
            "data_corrupted",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"Internal error in RDB reading|Wrong signature|Short read or OOM|Wrong RDB checksum"],
            description="The snapshot on disk was damaged",
            values={"damage": damage},
        ):
            server = _server(pod, 6379, folder, "--enable-debug-command", "yes")
            server.wait_for("Ready to accept connections")
            _fill(6379, 60, 50)
            _traffic(6379, dice, 4)
            _cli(6379, "SAVE")
            server.stop()
            image = folder / "dump.rdb"
            data = image.read_bytes()
            damages = {"signature": b"\0" * 9 + data[9:], "truncated": data[: len(data) // 2]}
            image.write_bytes(damages.get(damage, data[:-8] + b"\1\2\3\4\5\6\7\10"))
            _server(pod, 6379, folder).wait(10)


def _death_faults(recording: Recording, dice: random.Random) -> None:
    for index, namespace in enumerate(("shop", "billing", "chat")):
        pod = recording.pod(f"redis-{index}", namespace=namespace, container="redis")
        with recording.fault(
            "process_killed",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"Background (?:saving|AOF rewrite) terminated by signal 9"],
            description="The child that saves the data set is killed",
            values={"signal": "9", "keys": str(9000 * (index + 1))},
        ):
            server = _server(
                pod, 6379, Path(f"/data/kill-{index}"), "--enable-debug-command", "yes", "--rdb-key-save-delay", "2000"
            )
            server.wait_for("Ready to accept connections")
            _traffic(6379, dice, 6)
            _fill(6379, 9000 * (index + 1), 20)
            _cli(6379, "BGSAVE" if index != 1 else "BGREWRITEAOF")
            child = pod.wait_for(r"(?:Background saving|Background append only file rewriting) started by pid (\d+)")
            os.kill(int(child.group(1)), 9)
            server.wait_for("terminated by signal 9")
            _cli(6379, "CONFIG", "SET", "rdb-key-save-delay", "0")
            _traffic(6379, dice, 3)
            server.stop()
    for index, port in enumerate((6379, 6380, 6400)):
        pod = recording.pod(f"redis-crash-{index}", namespace="shop", container="redis")
        with recording.fault(
            "segfault",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"crashed by signal: 11"],
            description="The server reads an address that is not mapped",
            values={"port": str(port)},
        ):
            server = _server(pod, port, Path(f"/data/crash-{index}"), "--enable-debug-command", "yes")
            server.wait_for("Ready to accept connections")
            _traffic(port, dice, 4 + index)
            _cli(port, "DEBUG", "SEGFAULT")
            server.wait(10)
    for index, mib in enumerate((192, 224, 288)):
        pod = recording.pod(f"redis-heap-{index}", namespace="search", container="redis")
        with recording.fault(
            "heap_exhausted",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"Out Of Memory allocating|aborting for OUT OF MEMORY"],
            description="The address space is limited and an allocation fails",
            values={"address_space_mib": str(mib)},
        ):
            server = _server(
                pod, 6379, Path(f"/data/heap-{index}"), "--enable-debug-command", "yes", limits={"as": mib << 20}
            )
            server.wait_for("Ready to accept connections")
            _traffic(6379, dice, 4)
            _fill(6379, 1, (mib - 20) << 20)
            server.wait(20)


def _link_faults(recording: Recording, dice: random.Random) -> None:
    for port in (6401, 6402, 16379):
        pod = recording.pod("redis-replica-0", namespace="shop")
        with recording.fault(
            "upstream_refused",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"Error condition on socket for SYNC: Connection refused"],
            description="The primary that a replica follows does not listen",
            values={"primary": f"127.0.0.1:{port}"},
        ):
            replica = _server(pod, 6380, Path(f"/data/lost-{port}"), "--replicaof", f"127.0.0.1 {port}")
            replica.wait_for("Connection refused")
            time.sleep(2.5)
            replica.stop()
    for password in ("s3cret-old", "changeme", "wrong-pass"):
        main, pod = recording.pod("redis-0", namespace="shop"), recording.pod("redis-replica-0", namespace="shop")
        with recording.fault(
            "auth_failed",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"Unable to AUTH to MASTER"],
            description="A replica signs in at its primary with an old password",
            values={"password": password},
        ):
            primary = _server(main, 6379, Path(f"/data/auth-{password}"), "--requirepass", "right-pass")
            primary.wait_for("Ready to accept connections")
            options = ("--replicaof", "127.0.0.1 6379", "--masterauth", password)
            replica = _server(pod, 6380, Path(f"/data/auth-b-{password}"), *options)
            replica.wait_for("Unable to AUTH")
            time.sleep(1.5)
            replica.stop()
            primary.stop()
    signer = authority(Path("/data/tls"), "Shop CA")
    for days in (2, 30, 400):
        main, pod = recording.pod("redis-0", namespace="shop"), recording.pod("redis-replica-0", namespace="shop")
        issued = issue(signer, Path(f"/data/tls-{days}"), "redis.shop.svc", expired_days=days)
        with recording.fault(
            "cert_expired",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"certificate (?:has )?expired"],
            description="The certificate of the encrypted port has expired",
            values={"days": str(days)},
        ):
            tls: tuple[str, ...] = ("--tls-cert-file", str(issued.certificate), "--tls-key-file", str(issued.key))
            tls += ("--tls-ca-cert-file", str(signer.file))
            primary = _server(main, 6379, Path(f"/data/tls-a{days}"), "--tls-port", "6390", *tls)
            primary.wait_for("Ready to accept connections")
            _traffic(6379, dice, 3)
            follow = ("--replicaof", "127.0.0.1 6390", "--tls-replication", "yes")
            replica = _server(pod, 6380, Path(f"/data/tls-b{days}"), *follow, *tls)
            main.wait_for(r"certificate (?:has )?expired|Error accepting")
            time.sleep(1.5)
            replica.stop()
            primary.stop()


def record(recording: Recording) -> None:
    """Healthy runs, then every fault three times."""
    dice = random.Random(7)  # noqa: S311 -- traffic, not secrets
    _work(recording, dice)
    _start_faults(recording)
    _disk_faults(recording, dice)
    _death_faults(recording, dice)
    _link_faults(recording, dice)
