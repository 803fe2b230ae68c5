"""Prometheus: scrapes, rules and alerts, then broken targets, certificates, disks and settings."""

from __future__ import annotations

import random
import shutil
import signal
import time
from pathlib import Path

from tools.recorder.certificates import authority, issue
from tools.recorder.program import Program
from tools.recorder.programs.prometheus_stage import Answers
from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import client, port_held, write_file

PROGRAM = Program(
    name="prometheus",
    kind="monitoring",
    split="training",
    version=("prometheus", "--version"),
    command=("prometheus", "--config.file", "/etc/prometheus/prometheus.yml"),
    packages=("debian:prometheus",),
)
COMPONENT = ("monitoring", "prometheus")
RULES = """groups:
- name: shop
  interval: 1s
  rules:
  - {record: job:requests:rate, expr: "sum by (job) (rate(http_requests_total[5s]))"}
  - {alert: TargetDown, expr: "up == 0", labels: {severity: page}}
"""


def configure(
    path: str = "/etc/prometheus/prometheus.yml",
    *,
    targets: str = "127.0.0.1:9101",
    more: str = "",
    interval: str = "1s",
) -> None:
    """Write a configuration with one job for `targets`; `more` is put below it."""
    write_file("/etc/prometheus/rules.yml", RULES)
    write_file(
        path,
        f"global: {{scrape_interval: {interval}, scrape_timeout: {interval}, evaluation_interval: 1s}}\n"
        "rule_files: [/etc/prometheus/rules.yml]\n"
        "alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:9093']}]}]}\n"
        f"scrape_configs:\n- job_name: shop\n  static_configs: [{{targets: [{targets}]}}]\n{more}",
    )


def start(pod: Pod, folder: str, *options: str, wait: bool = True, port: int = 9090, **how: object) -> RunningProgram:
    """Start Prometheus with its data below `folder`."""
    command = ["prometheus", "--config.file=/etc/prometheus/prometheus.yml", f"--storage.tsdb.path={folder}"]
    command += [f"--web.listen-address=0.0.0.0:{port}", "--web.enable-lifecycle", "--log.level=debug", *options]
    running = pod.run(command, cwd="/scratch", **how)  # type: ignore[arg-type]  # options of Pod.run, passed through
    if wait:
        running.wait_for("Server is ready to receive web requests")
    return running


def _pod(recording: Recording, number: int = 0) -> Pod:
    return recording.pod(f"prometheus-k8s-{number}", namespace="monitoring", container="prometheus")


def _ask(dice: random.Random, count: int) -> None:
    queries = ("up", "job:requests:rate", "sum(http_requests_total)", "rate(http_requests_total[1m])", "topk(3, up")
    for _ in range(count):
        client(
            "curl",
            "-s",
            "-m",
            "3",
            "-G",
            "--data-urlencode",
            f"query={dice.choice(queries)}",
            "http://127.0.0.1:9090/api/v1/query",
        )


def record(recording: Recording) -> None:
    """Healthy runs, then every fault three times."""
    dice = random.Random(19)  # noqa: S311 -- traffic, not secrets
    recording.sandbox.cover("/etc/prometheus")
    good = Answers(9101)
    Answers(9093)
    for run, form in enumerate(("logfmt", "json", "logfmt")):
        more = "".join(
            f"- {{job_name: job-{n}, static_configs: [{{targets: ['127.0.0.1:9101']}}]}}\n" for n in range(4 + run)
        )
        with recording.healthy(f"Scrapes, rules and queries, run {run + 1}", {"format": form}):
            configure(more=more)
            running = start(_pod(recording, run), "/data/prom", f"--log.format={form}")
            for round_ in range(12):
                time.sleep(1.2)
                _ask(dice, 6)
                if round_ > 1:
                    configure(
                        more=more
                        + f"- {{job_name: extra-{run}-{round_}, static_configs: [{{targets: ['127.0.0.1:9101']}}]}}\n"
                    )
                    running.send_signal(signal.SIGHUP)
                client("curl", "-s", "-XPOST", "http://127.0.0.1:9090/api/v1/admin/tsdb/snapshot")
            running.stop()
    _start_faults(recording)
    _target_faults(recording)
    _certificate_faults(recording)
    _storage_faults(recording, dice)
    good.shutdown()


def _start_faults(recording: Recording) -> None:
    for port in (9090, 9091, 19090):
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
    mistakes = {
        "interval": "- {job_name: a, scrape_interval: 5 sec}\n",
        "field": "- {job_name: b, static_config: [{targets: ['x:1']}]}\n",
        "yaml": "- job_name: 'c\n",
        "twice": "- {job_name: shop}\n",
    }
    for name, text in mistakes.items():
        with recording.fault(
            "config_parse_error",
            severity="CRITICAL" if name != "twice" else "ERROR",
            component=COMPONENT,
            evidence=[r"Error loading config|Error reloading config|couldn't load configuration"],
            description="A mistake in prometheus.yml, met at a reload and at the next start",
            values={"mistake": text.strip()},
        ):
            configure()
            pod = _pod(recording)
            running = start(pod, f"/data/typo-{name}")
            time.sleep(1)
            configure(more=text)
            running.send_signal(signal.SIGHUP)
            running.wait_for("rror (?:re)?loading config")
            running.stop()
            if name != "twice":
                start(pod, f"/data/typo-{name}", wait=False).wait()


def _target_faults(recording: Recording) -> None:
    scenes: list[tuple[str, str, list[tuple[str, str]], str]] = [
        (
            "upstream_refused",
            "ERROR",
            [(f"127.0.0.1:{port}", "") for port in (9200, 9333, 8181)],
            r"connection refused",
        ),
        (
            "dns_failure",
            "ERROR",
            [(f"{host}:9100", "") for host in ("node-exporter", "kube-state.monitoring", "db-7.example")],
            r"no such host",
        ),
        (
            "upstream_timeout",
            "ERROR",
            [(f"127.0.0.1:{port}", "slow") for port in (9301, 9302, 9303)],
            r"context deadline exceeded",
        ),
        ("token_invalid", "ERROR", [(f"127.0.0.1:{port}", "401") for port in (9311, 9312, 9313)], r"HTTP status 401"),
        (
            "bad_request_data",
            "WARN",
            [(f"127.0.0.1:{port}", "broken") for port in (9321, 9322, 9323)],
            r"Append failed|expected",
        ),
    ]
    for cause, severity, targets, evidence in scenes:
        for index, (target, mood) in enumerate(targets):
            server = Answers(int(target.split(":")[1]), mood=mood) if mood else None
            with recording.fault(
                cause,
                severity=severity,
                component=COMPONENT,
                evidence=[rf"Scrape failed.*{evidence}" if cause != "bad_request_data" else evidence],
                description="A target cannot be scraped",
                values={"target": target, "answers": mood or "no connection"},
            ):
                configure(targets=f"'127.0.0.1:9101', '{target}'")
                running = start(_pod(recording, index), f"/data/{cause}-{index}")
                running.wait_for(evidence, 15)
                time.sleep(2)
                running.stop()
            if server:
                server.shutdown()
                server.server_close()


def _certificate_faults(recording: Recording) -> None:
    signer, other = authority(Path("/data/ca"), "Cluster CA"), authority(Path("/data/ca"), "Lab CA")
    port = 9400
    for days in (4, 40, 400):
        for cause, severity, by, expired, evidence in (
            ("cert_expired", "CRITICAL", signer, days, r"certificate has expired"),
            ("cert_untrusted", "ERROR", other, None, r"unknown authority"),
        ):
            port += 1
            server = Answers(
                port, issue(by, Path(f"/data/t-{port}"), f"exporter-{days}.monitoring", expired_days=expired)
            )
            with recording.fault(
                cause,
                severity=severity,
                component=COMPONENT,
                evidence=[rf"Scrape failed.*{evidence}"],
                description="The certificate of a target is refused",
                values={"port": str(port), "days": str(days), "signer": by.name},
            ):
                tls = f"{{ca_file: {signer.file}, server_name: exporter-{days}.monitoring}}"
                configure(
                    more=f"- job_name: secure\n  scheme: https\n  tls_config: {tls}\n"
                    f"  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
                )
                running = start(_pod(recording), f"/data/tls-{port}")
                running.wait_for(evidence, 15)
                time.sleep(2)
                running.stop()
            server.shutdown()
            server.server_close()


def _storage_faults(recording: Recording, dice: random.Random) -> None:
    for index, kib in enumerate((240, 270, 300)):
        folder = recording.sandbox.small_disk(f"/data/tsdb-{index}", f"{kib}k")
        jobs = "".join(f"- {{job_name: j{n}, static_configs: [{{targets: ['127.0.0.1:9101']}}]}}\n" for n in range(12))
        with recording.fault(
            "disk_full",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"no space left on device"],
            description="The volume of the time series is full",
            values={"size": f"{kib}k", "folder": str(folder)},
        ):
            configure(more=jobs)
            running = start(_pod(recording, index), str(folder), wait=False)
            running.wait_for("no space left on device", 30)
            time.sleep(1.5)
            running.stop(signal.SIGKILL)
    for index, length in enumerate((200, 2000, 9000)):
        folder = Path(f"/data/wal-{index}")
        with recording.fault(
            "data_corrupted",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"WAL read error|corruption|unexpected (?:checksum|non-zero|record)"],
            description="Bytes of the write-ahead log were overwritten",
            values={"bytes": str(length)},
        ):
            configure()
            pod = _pod(recording, index)
            running = start(pod, str(folder))
            time.sleep(7 + index)
            running.stop()
            segment = next((folder / "wal").glob("0*"))
            content = bytearray(segment.read_bytes())
            content[3000 : 3000 + length] = bytes(dice.randrange(256) for _ in range(length))
            segment.write_bytes(bytes(content))
            start(pod, str(folder)).stop()
    for owner in ("www-data", "mail", "news"):
        folder = Path(f"/data/of-{owner}")
        folder.mkdir()
        folder.chmod(0o755)
        shutil.chown(folder, owner)
        with recording.fault(
            "volume_permission",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"permission denied"],
            description="Prometheus' user may not write to the volume",
            values={"folder": str(folder), "owner": owner},
        ):
            configure()
            start(_pod(recording), str(folder), wait=False, user="nobody").wait(20)
