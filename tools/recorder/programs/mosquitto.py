"""Mosquitto: an MQTT broker with sensors and readers, then refused, encrypted wrongly, full and damaged."""

from __future__ import annotations

import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from tools.recorder.certificates import authority, issue
from tools.recorder.program import Program
from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import background, client, port_held, wait_for_port, write_file

PROGRAM = Program(
    name="mosquitto",
    kind="queue",
    split="held_out",
    version=("mosquitto", "-h"),
    command=("mosquitto", "-c", "/etc/mosquitto/mosquitto.conf", "-v"),
    packages=("debian:mosquitto", "debian:mosquitto-clients"),
)
COMPONENT = ("queue", "mosquitto")


def start(pod: Pod, *lines: str, port: int = 1883, wait: bool = True, **how: object) -> RunningProgram:
    """Start the broker with these lines in its configuration, which others may read."""
    text = (
        "\n".join((f"listener {port} 0.0.0.0", "log_dest stderr", "log_timestamp_format %Y-%m-%dT%H:%M:%S", *lines))
        + "\n"
    )
    path = write_file("/etc/mosquitto/mosquitto.conf", text)
    running = pod.run(["mosquitto", "-c", str(path), "-v"], **how)  # type: ignore[arg-type]  # options of Pod.run, passed through
    if wait:
        wait_for_port(port)
    return running


def publish(dice: random.Random, count: int, *options: str, size: int = 0) -> None:
    """Messages of sensors, some kept by the broker."""
    for _ in range(count):
        sensor = f"sensor-{dice.randrange(40)}"
        more = ["-r"] if dice.random() < 0.3 else []
        topic = f"site/{dice.choice('abc')}/{sensor}/{dice.choice(['temp', 'hum', 'door'])}"
        value = "x" * size or f"{dice.random():.3f}"
        client(
            "mosquitto_pub",
            "-i",
            sensor,
            "-t",
            topic,
            "-m",
            value,
            "-q",
            str(dice.randrange(3)),
            *more,
            *options,
            seconds=8,
        )


def readers(dice: random.Random, count: int) -> list[subprocess.Popen[bytes]]:
    """Clients that stay."""
    topics = ("site/#", "site/+/+/temp", "$SYS/broker/uptime", "site/b/#")
    return [
        background("mosquitto_sub", "-i", f"reader-{n}", "-t", dice.choice(topics), "-q", "1") for n in range(count)
    ]


def _pod(recording: Recording, number: int = 0) -> Pod:
    return recording.pod(f"mosquitto-{number}", namespace="iot", container="broker")


def record(recording: Recording) -> None:
    """Healthy runs, then every fault three times."""
    dice = random.Random(83)  # noqa: S311 -- traffic, not secrets
    recording.sandbox.cover("/etc/mosquitto")
    for run in range(3):
        with recording.healthy(f"Sensors and readers, run {run + 1}"):
            running = start(
                _pod(recording, run), "allow_anonymous true", "persistence true", f"persistence_location /data/m{run}/"
            )
            listening = readers(dice, 3)
            publish(dice, 30)
            running.send_signal(signal.SIGHUP)
            publish(dice, 12)
            for reader in listening:
                reader.terminate()
            time.sleep(0.3)
            running.stop()
    _start_faults(recording)
    _client_faults(recording, dice)
    _certificate_faults(recording, dice)
    _disk_faults(recording, dice)


def _start_faults(recording: Recording) -> None:
    for port in (1883, 8883, 1884):
        with (
            recording.fault(
                "address_in_use",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"Error: Address already in use"],
                description="Another process holds the port",
                values={"port": str(port)},
            ),
            port_held(port),
        ):
            for _ in range(2):
                start(_pod(recording), port=port, wait=False).wait()
    for text in ("max_connectons 40", "persistence maybe", "log_type loudly", "bind_interface"):
        with recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"Error: (?:Unknown configuration variable|Invalid|Empty)|Error found at"],
            description="A mistake in mosquitto.conf",
            values={"text": text},
        ):
            for _ in range(2):
                start(_pod(recording), text, wait=False).wait()


def _client_faults(recording: Recording, dice: random.Random) -> None:
    for user, password in (("sensor", "wrong"), ("reader", "letmein"), ("ghost", "sensor-pw")):
        passwords = write_file("/data/passwords", "")
        for known in ("sensor", "reader"):
            client("mosquitto_passwd", "-b", str(passwords), known, f"{known}-pw")
        passwords.chmod(0o644)
        with recording.fault(
            "auth_failed",
            severity="WARN",
            component=COMPONENT,
            evidence=[r"disconnected, not authori[sz]ed"],
            description="A client signs in with a wrong password or an unknown user",
            values={"user": user},
        ):
            running = start(_pod(recording), "allow_anonymous false", f"password_file {passwords}")
            publish(dice, 8, "-u", "sensor", "-P", "sensor-pw")
            publish(dice, 3, "-u", user, "-P", password)
            publish(dice, 4, "-u", "reader", "-P", "reader-pw")
            running.stop()
    for index in range(3):
        with recording.fault(
            "bad_request_data",
            severity="WARN",
            component=COMPONENT,
            evidence=[r"[Pp]rotocol error"],
            description="Clients send bytes that are not MQTT",
            values={"clients": str(4 + index)},
        ):
            running = start(_pod(recording, index), "allow_anonymous true")
            publish(dice, 8)
            for number in range(4 + index):
                with socket.create_connection(("127.0.0.1", 1883), 2) as connection:
                    connection.sendall(
                        b"\x10\x12\x00\x04MQTX\x09\x02\x00\x3c\x00\x02id" if number % 2 else b"GET / HTTP/1.1\r\n\r\n"
                    )
                    time.sleep(0.1)
            publish(dice, 4)
            running.stop()


def _certificate_faults(recording: Recording, dice: random.Random) -> None:
    signer, other = authority(Path("/data/ca"), "Site CA"), authority(Path("/data/ca"), "Vendor CA")
    for days in (6, 66, 666):
        for cause, severity, by, expired, evidence in (
            ("cert_expired", "CRITICAL", signer, days, r"certificate (?:has )?expired"),
            (
                "cert_untrusted",
                "ERROR",
                other,
                None,
                r"unknown ca|unable to get local issuer|certificate verify failed",
            ),
        ):
            issued = issue(by, Path(f"/data/tls-{cause}-{days}"), "localhost", expired_days=expired)
            with recording.fault(
                cause,
                severity=severity,
                component=COMPONENT,
                evidence=[evidence],
                description="Clients refuse the broker's certificate",
                values={"days": str(expired or 0), "signer": by.name},
            ):
                tls = (f"certfile {issued.certificate}", f"keyfile {issued.key}", "allow_anonymous true")
                running = start(_pod(recording), *tls, port=8883)
                publish(dice, 4, "-h", "localhost", "-p", "8883", "--cafile", str(signer.file))
                running.stop()


def _disk_faults(recording: Recording, dice: random.Random) -> None:
    for index, kib in enumerate((40, 60, 80)):
        folder = recording.sandbox.small_disk(f"/data/full-{index}", f"{kib}k")
        shutil.chown(folder, "mosquitto")
        with recording.fault(
            "disk_full",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"No space left on device"],
            description="The volume of the broker's persistence is full",
            values={"size": f"{kib}k"},
        ):
            lines: tuple[str, ...] = (
                "allow_anonymous true",
                "persistence true",
                f"persistence_location {folder}/",
                "autosave_on_changes true",
            )
            running = start(_pod(recording, index), *lines, "autosave_interval 4")
            publish(dice, 6)
            publish(dice, 12, "-r", size=kib * 250)
            running.stop()
    for index, size in enumerate((40, 400, 4000)):
        folder = Path(f"/data/damaged-{index}")
        folder.mkdir()
        (folder / "mosquitto.db").write_bytes(bytes(dice.randrange(256) for _ in range(size)))
        shutil.chown(folder, "mosquitto")
        with recording.fault(
            "data_corrupted",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"(?i)unable to restore persistent|corrupt|Unrecognised file format|unsupported persistent"],
            description="The persistence file holds garbage",
            values={"bytes": str(size)},
        ):
            for _ in range(2):
                lines = ("allow_anonymous true", "persistence true", f"persistence_location {folder}/")
                start(_pod(recording, index), *lines, wait=False).wait(5)
    for owner in ("www-data", "mail", "news"):
        folder = Path(f"/data/of-{owner}")
        folder.mkdir()
        shutil.chown(folder, owner)
        with recording.fault(
            "volume_permission",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"Permission denied"],
            description="The broker's user may not write to the volume",
            values={"folder": str(folder), "owner": owner},
        ):
            settings = (
                "allow_anonymous true",
                "persistence true",
                f"persistence_location {folder}/",
                "autosave_on_changes true",
            )
            running = start(_pod(recording), *settings, "autosave_interval 3")
            publish(dice, 8)
            running.stop()
