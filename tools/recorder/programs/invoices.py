"""The invoice worker: our own queue consumer with JSON logs, which charges at a payment service and keeps receipts."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from pathlib import Path

from tools.recorder.certificates import authority, issue
from tools.recorder.program import Program
from tools.recorder.programs.checkout_stage import (
    PACKAGES,
    Payment,
    install,
    payment_service,
    place,
    start_redis,
)
from tools.recorder.programs.invoices_stage import Scene
from tools.recorder.recording import Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import client

PROGRAM = Program(
    name="invoices",
    kind="worker",
    split="training",
    version="1.14.0",
    command=("python3", "/app/worker.py"),
    packages=("debian:redis-server", *(f"pypi:{name}" for name in PACKAGES)),
    prepare=install,
)
COMPONENT = ("worker", "invoices")


def record(recording: Recording) -> None:
    """Healthy runs, then every fault three times."""
    dice = random.Random(47)  # noqa: S311 -- traffic, not secrets
    place(recording)
    start_redis()
    payment_service()
    scene = Scene(recording, dice)
    for run in range(3):
        with recording.healthy(f"Invoices are charged, run {run + 1}"):
            running = scene.start(scene.pod())
            for _ in range(5):
                scene.invoices(24)
                time.sleep(1.1 if run else 2.2)
            scene.stop(running)
    _payment_faults(recording, scene)
    _certificate_faults(recording, scene)
    _disk_faults(recording, scene)
    _limit_faults(recording, scene)
    _death_faults(recording, scene)


def _payment_faults(recording: Recording, scene: Scene) -> None:
    moods = [
        ("external_api_failure", "WARN", ("429", "500", "502"), r'"error": "HTTPStatusError: (?:Client|Server) error'),
        ("token_invalid", "ERROR", ("401", "401", "401"), r"HTTPStatusError: Client error '401 Unauthorized'"),
        ("upstream_timeout", "ERROR", ("slow", "slow", "slow"), r'"error": "ReadTimeout: '),
        ("connection_reset", "ERROR", ("reset", "reset", "reset"), r'"error": "ReadError: .*reset by peer'),
    ]
    for cause, severity, values, evidence in moods:
        for index, mood in enumerate(values):
            with recording.fault(
                cause,
                severity=severity,
                component=COMPONENT,
                evidence=[evidence],
                description=f"The payment service answers: {mood}",
                values={"answer": mood, "token": f"tok-{index}"},
            ):
                running = scene.start(scene.pod(), {"PAYMENT_TOKEN": f"tok-{index}-expired"})
                scene.invoices(8 + index)
                Payment.mood = mood
                scene.invoices(2 + index)
                Payment.mood = "good"
                time.sleep(1.1)
                scene.invoices(5)
                scene.stop(running)
    targets = [
        (
            "upstream_refused",
            [f"http://127.0.0.1:{port}" for port in (9401, 9555, 8088)],
            r"ConnectError: .*Connection refused",
        ),
        (
            "dns_failure",
            [f"http://{name}" for name in ("payments", "pay.billing.svc", "api.payments.example")],
            r"ConnectError: .*Name or service not known",
        ),
        ("upstream_timeout", [f"http://10.99.{n}.7:9400" for n in (1, 2, 3)], r"ConnectTimeout"),
    ]
    for cause, urls, evidence in targets:
        for url in urls:
            if cause == "upstream_timeout":
                recording.sandbox.unreachable(url.split("/")[2].split(":")[0])
            with recording.fault(
                cause,
                severity="ERROR",
                component=COMPONENT,
                evidence=[evidence],
                description="The payment service is not reached",
                values={"url": url},
            ):
                running = scene.start(scene.pod("billing-staging"), {"PAYMENT_URL": url})
                scene.push("{half an invoice")
                scene.invoices(3)
                scene.stop(running)


def _certificate_faults(recording: Recording, scene: Scene) -> None:
    signer, other = authority(Path("/data/ca"), "Payments CA"), authority(Path("/data/ca"), "Former CA")
    port = 9600
    for days in (1, 45, 365):
        hosts = {name: f"pay{days}-{name}" for name in ("old", "strange", "misnamed")}
        scenes = [
            ("cert_expired", hosts["old"], hosts["old"], signer, days, r"certificate has expired"),
            ("cert_untrusted", hosts["strange"], hosts["strange"], other, None, r"unable to get local issuer"),
            ("cert_untrusted", hosts["misnamed"], "payments.example.org", signer, None, r"Hostname mismatch"),
        ]
        for cause, host, named, by, expired, evidence in scenes:
            port += 1
            recording.sandbox.name(host, "10.43.0.30")
            payment_service(port, issue(by, Path(f"/data/tls-{host}"), named, expired_days=expired))
            with recording.fault(
                cause,
                severity="CRITICAL" if cause == "cert_expired" else "ERROR",
                component=COMPONENT,
                evidence=[evidence],
                description="The worker refuses the payment service's certificate",
                values={"host": host, "certificate": named, "expired_days": str(expired or 0)},
            ):
                env = {"PAYMENT_URL": f"https://{host}:{port}", "PAYMENT_CA": str(signer.file)}
                running = scene.start(scene.pod(), env)
                scene.invoices(2)
                scene.stop(running)


def _disk_faults(recording: Recording, scene: Scene) -> None:
    for index, kib in enumerate((300, 600, 900)):
        folder = recording.sandbox.small_disk(f"/data/receipts-{index}", f"{kib}k")
        with recording.fault(
            "disk_full",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"\[Errno 28\] No space left on device"],
            description="The volume of receipts is full",
            values={"folder": str(folder), "size": f"{kib}k"},
        ):
            running = scene.start(scene.pod(), {"RECEIPTS": str(folder)})
            scene.invoices(9)
            scene.invoices(4, attachment=kib * 400)
            scene.stop(running)
    for index, owner in enumerate(("www-data", "redis", "mail")):
        folder = Path(f"/data/receipts-of-{owner}")
        folder.mkdir()
        shutil.chown(folder, owner)
        with recording.fault(
            "volume_permission",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"\[Errno 13\] Permission denied"],
            description="The worker's user may not write to the volume",
            values={"folder": str(folder), "owner": owner},
        ):
            running = scene.start(scene.pod(), {"RECEIPTS": str(folder)}, user="nobody")
            scene.invoices(3 + index)
            scene.stop(running)


def _limit_faults(recording: Recording, scene: Scene) -> None:
    limits = [
        (
            "fd_limit",
            "ERROR",
            [{"nofile": n} for n in (24, 32, 48)],
            {"kind": "bundle", "parts": 60},
            r"\[Errno 24\] Too many open files",
        ),
        (
            "heap_exhausted",
            "ERROR",
            [{"as": n << 20} for n in (300, 400, 500)],
            {"kind": "render", "pages": 700},
            r'"error": "MemoryError',
        ),
        (
            "pid_limit",
            "ERROR",
            [{"nproc": n} for n in (8, 12, 16)],
            {"kind": "parallel", "threads": 40},
            r"can't start new thread",
        ),
    ]
    for cause, severity, choices, invoice, evidence in limits:
        for limit in choices:
            with recording.fault(
                cause,
                severity=severity,
                component=COMPONENT,
                evidence=[evidence],
                description="An invoice needs more than the worker's limit",
                values={name: str(value) for name, value in limit.items()},
            ):
                user = "nobody" if cause == "pid_limit" else None
                env = {"RECEIPTS": f"/tmp/receipts-{cause}"}  # noqa: S108 -- the sandbox's own
                running = scene.start(scene.pod(), env, limits=limit, user=user)
                scene.invoices(7)
                scene.invoices(2, **invoice)
                scene.invoices(3)
                scene.stop(running)


def _worker_pid(running: RunningProgram) -> int:
    return int(client("pgrep", "-P", str(running.pid)).split()[0])


def _death_faults(recording: Recording, scene: Scene) -> None:
    for mib in (64, 96, 128):
        kernel = recording.pod("kernel-log-node-2", namespace="kube-system", container="kernel")
        with (
            recording.sandbox.memory_cgroup(f"invoices-{mib}", mib << 20) as group,
            recording.fault(
                "memory_limit_exceeded",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"Memory cgroup out of memory: Killed process", r"exited with status 137"],
                description="Rendering needs more than the container's memory limit; the kernel kills the worker",
                values={"limit_mib": str(mib)},
            ),
        ):
            dmesg = kernel.run(["dmesg", "--follow-new", "--time-format", "iso"])
            running = scene.start(scene.pod(), cgroups=(group,))
            scene.invoices(6)
            scene.push(json.dumps({"id": f"INV-{mib}", "amount": 1, "kind": "render", "pages": 4 * mib}))
            running.wait(15)
            kernel.wait_for("Killed process", 10)
            dmesg.end()
    for index in range(3):
        with recording.fault(
            "process_killed",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"Killed +\"?\$@|exited with status 137"],
            description="Somebody kills the worker",
            values={"invoices": str(6 + 3 * index)},
        ):
            running = scene.start(scene.pod())
            scene.invoices(6 + 3 * index)
            os.kill(_worker_pid(running), 9)
            running.wait(10)
    for address in (16, 4096, 0xDEAD000):
        with recording.fault(
            "segfault",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"Fatal Python error: Segmentation fault", r"exited with status 139"],
            description="Native code reads an address that is not mapped",
            values={"address": hex(address)},
        ):
            running = scene.start(scene.pod())
            scene.invoices(5)
            scene.push(json.dumps({"id": f"INV-{address}", "amount": 2, "kind": "native", "address": address}))
            running.wait(10)
