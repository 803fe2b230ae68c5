"""Alertmanager: alerts come, are grouped and sent to a receiver, which then fails in every way."""

from __future__ import annotations

import json
import random
import shutil
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tools.recorder.certificates import authority, issue
from tools.recorder.program import Program
from tools.recorder.programs.prometheus_stage import Answers
from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import client, port_held, write_file

PROGRAM = Program(
    name="alertmanager",
    kind="alerting",
    split="held_out",
    version=("prometheus-alertmanager", "--version"),
    command=("prometheus-alertmanager", "--config.file", "/etc/alertmanager/alertmanager.yml"),
    packages=("debian:prometheus-alertmanager",),
)
COMPONENT = ("alerting", "alertmanager")
NAMES = ("HighLatency", "TargetDown", "DiskWillFill", "PodRestarting", "QueueGrows", "CertificateSoonInvalid")


def configure(url: str = "http://127.0.0.1:9800/hook", tls: str = "", more: str = "") -> None:
    """Write a configuration with one web hook."""
    write_file(
        "/etc/alertmanager/alertmanager.yml",
        "route: {receiver: team, group_by: [alertname, namespace], group_wait: 200ms, group_interval: 1s, "
        "repeat_interval: 2s}\n"
        f"receivers:\n- name: team\n  webhook_configs:\n  - url: {url}\n    http_config: {{{tls}}}\n{more}",
    )


def start(pod: Pod, folder: str, *options: str, wait: bool = True, port: int = 9093, **how: object) -> RunningProgram:
    """Start it with its data below `folder`."""
    command = [
        "prometheus-alertmanager",
        "--config.file=/etc/alertmanager/alertmanager.yml",
        f"--storage.path={folder}",
    ]
    command += [f"--web.listen-address=:{port}", "--cluster.listen-address=", "--log.level=debug"]
    running = pod.run([*command, *options], cwd="/scratch", **how)  # type: ignore[arg-type]  # options of Pod.run, passed through
    if wait:
        running.wait_for(r"Listening|address=")
        time.sleep(0.3)
    return running


def send(dice: random.Random, count: int, *, broken: bool = False) -> None:
    """Alerts as Prometheus posts them, some of them resolved."""
    for _ in range(count):
        now = datetime.now(UTC)
        alert: dict[str, object] = {
            "labels": {
                "alertname": dice.choice(NAMES),
                "namespace": dice.choice(["shop", "billing"]),
                "pod": f"p-{dice.randrange(30)}",
            },
            "annotations": {"summary": f"value is {dice.randrange(100)}"},
            "startsAt": now.isoformat(),
        }
        if dice.random() < 0.3:
            alert["endsAt"] = (now + timedelta(milliseconds=300)).isoformat()
        if broken:
            alert |= dice.choice([{"labels": {}}, {"startsAt": "yesterday"}, {"labels": {"0bad name": "x"}}])
        url = "http://127.0.0.1:9093/api/v2/alerts"
        client("curl", "-s", "-m", "3", "-H", "Content-Type: application/json", "-d", json.dumps([alert]), url)


def _pod(recording: Recording, number: int = 0) -> Pod:
    return recording.pod(f"alertmanager-main-{number}", namespace="monitoring", container="alertmanager")


def record(recording: Recording) -> None:
    """Healthy runs, then every fault three times."""
    dice = random.Random(23)  # noqa: S311 -- traffic, not secrets
    hook = Answers(9800)
    for run, form in enumerate(("logfmt", "json", "logfmt")):
        with recording.healthy(f"Alerts come and are sent, run {run + 1}", {"format": form}):
            configure()
            running = start(_pod(recording, run), "/data/am", f"--log.format={form}", "--data.maintenance-interval=3s")
            for _ in range(6):
                send(dice, 10)
                time.sleep(1)
            running.send_signal(signal.SIGHUP)
            send(dice, 6)
            time.sleep(1)
            running.stop()
    _start_faults(recording)
    _receiver_faults(recording, dice)
    _certificate_faults(recording, dice)
    _storage_faults(recording, dice)
    hook.shutdown()


def _start_faults(recording: Recording) -> None:
    for port in (9093, 9193, 8093):
        configure()
        with (
            recording.fault(
                "address_in_use",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"bind: address already in use"],
                description="Another process holds the web port",
                values={"port": str(port)},
            ),
            port_held(port),
        ):
            start(_pod(recording), f"/data/used-{port}", wait=False, port=port).wait(30)
    for text in ("templates: none\n", "route2: {}\n", "inhibit_rules:\n- equal: alertname\n  sources: []\n"):
        configure(more=text)
        with recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"Loading configuration file failed"],
            description="A mistake in alertmanager.yml",
            values={"text": text.strip()},
        ):
            start(_pod(recording), "/data/typo", wait=False).wait()


def _receiver_faults(recording: Recording, dice: random.Random) -> None:
    scenes = [
        (
            "upstream_refused",
            "ERROR",
            [f"http://127.0.0.1:{port}/hook" for port in (9810, 8065, 9999)],
            "",
            r"connection refused",
        ),
        (
            "dns_failure",
            "ERROR",
            [f"http://{name}/hook" for name in ("pager", "chat.ops.svc", "hooks.example.org")],
            "",
            r"no such host",
        ),
        (
            "upstream_timeout",
            "ERROR",
            [f"http://127.0.0.1:{port}/hook" for port in (9821, 9822, 9823)],
            "hangs",
            r"context deadline exceeded",
        ),
        (
            "external_api_failure",
            "WARN",
            [f"http://127.0.0.1:{port}/hook" for port in (9831, 9832, 9833)],
            "status",
            r"unexpected status code (?:429|500|503)",
        ),
        (
            "token_invalid",
            "ERROR",
            [f"http://127.0.0.1:{port}/hook" for port in (9841, 9842, 9843)],
            "401",
            r"unexpected status code 401",
        ),
    ]
    for cause, severity, urls, mood, evidence in scenes:
        for index, url in enumerate(urls):
            answer = ("429", "500", "503")[index] if mood == "status" else mood
            server = Answers(int(url.split(":")[2].split("/")[0]), mood=answer) if answer else None
            configure(url)
            with recording.fault(
                cause,
                severity=severity,
                component=COMPONENT,
                evidence=[rf"(?:Notify|notify).*{evidence}"],
                description="The receiver of notifications fails",
                values={"url": url, "answer": answer or "none"},
            ):
                running = start(_pod(recording, index), f"/data/{cause}-{index}")
                send(dice, 6)
                running.wait_for(evidence, 25)
                time.sleep(1)
                running.stop(signal.SIGKILL)
            if server:
                server.shutdown()
                server.server_close()
    for index in range(3):
        configure()
        with recording.fault(
            "bad_request_data",
            severity="WARN",
            component=COMPONENT,
            evidence=[r"(?:Failed to (?:create|validate|parse)|bad_data|parsing|invalid|at least one label)"],
            description="A client posts alerts that do not validate",
            values={"alerts": str(8 + index)},
        ):
            running = start(_pod(recording, index), f"/data/bad-{index}")
            send(dice, 6)
            send(dice, 8 + index, broken=True)
            send(dice, 3)
            running.stop()


def _certificate_faults(recording: Recording, dice: random.Random) -> None:
    signer, other = authority(Path("/data/ca"), "Ops CA"), authority(Path("/data/ca"), "Guest CA")
    port = 9850
    for days in (5, 55, 555):
        for cause, severity, by, expired, evidence in (
            ("cert_expired", "CRITICAL", signer, days, r"certificate has expired"),
            ("cert_untrusted", "ERROR", other, None, r"unknown authority"),
        ):
            port += 1
            host = f"hooks-{days}.ops"
            server = Answers(port, issue(by, Path(f"/data/t-{port}"), host, expired_days=expired))
            configure(f"https://127.0.0.1:{port}/hook", f"tls_config: {{ca_file: {signer.file}, server_name: {host}}}")
            with recording.fault(
                cause,
                severity=severity,
                component=COMPONENT,
                evidence=[evidence],
                description="The receiver's certificate is refused",
                values={"host": host, "port": str(port), "days": str(expired or 0)},
            ):
                running = start(_pod(recording), f"/data/tls-{port}")
                send(dice, 5)
                running.wait_for(evidence, 15)
                running.stop(signal.SIGKILL)
            server.shutdown()
            server.server_close()


def _storage_faults(recording: Recording, dice: random.Random) -> None:
    for index, seconds in enumerate((1, 2, 3)):
        folder = recording.sandbox.small_disk(f"/data/small-{index}", "4k")  # one page: the second file finds no room
        configure()
        with recording.fault(
            "disk_full",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"no space left on device"],
            description="The volume of the notification log is full",
            values={"folder": str(folder), "interval_s": str(seconds)},
        ):
            running = start(_pod(recording, index), str(folder), f"--data.maintenance-interval={seconds}s", wait=False)
            time.sleep(1)
            send(dice, 12 + 4 * index)
            running.wait_for("no space left on device", 12)
            running.stop(signal.SIGKILL)
    for owner in ("www-data", "mail", "news"):
        folder = Path(f"/data/of-{owner}")
        folder.mkdir()
        shutil.chown(folder, owner)
        configure()
        with recording.fault(
            "volume_permission",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"permission denied"],
            description="Alertmanager's user may not write to the volume",
            values={"folder": str(folder), "owner": owner},
        ):
            running = start(
                _pod(recording), f"{folder}/am" if owner == "mail" else str(folder), "--data.maintenance-interval=1s",
                wait=False, user="nobody",
            )  # fmt: skip
            running.wait_for("permission denied", 15)
            running.stop(signal.SIGKILL)
    for index, size in enumerate((64, 300, 2000)):
        folder = Path(f"/data/corrupt-{index}")
        folder.mkdir()
        name = "nflog" if index != 1 else "silences"
        (folder / name).write_bytes(bytes(dice.randrange(256) for _ in range(size)))
        configure()
        with recording.fault(
            "data_corrupted",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"level=error.*(?:unexpected EOF|illegal|proto|corrupt|too large|unexpected)"],
            description="A snapshot on disk holds garbage",
            values={"file": name, "bytes": str(size)},
        ):
            for _ in range(2):
                start(_pod(recording, index), str(folder), wait=False).wait(15)
