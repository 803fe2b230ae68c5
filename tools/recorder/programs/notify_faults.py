"""What breaks the notification service."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path

from tools.recorder.programs.notify_stage import COMPONENT, order, serve, traffic
from tools.recorder.recording import Recording
from tools.recorder.steps import port_held, wait_for_port, write_file
from tools.recorder.upstream import Answer, Upstream, ask


def record(recording: Recording, dice: random.Random) -> None:
    """Every fault at least three times."""
    _starts(recording)
    _relay_faults(recording, dice)
    _own_faults(recording, dice)
    _workers(recording, dice)


def _starts(recording: Recording) -> None:
    for port in (3000, 3105, 8443):
        pod = recording.pod("notify-5d4f77c6b-bq8zn", namespace="shop")
        with (
            recording.fault(
                "address_in_use",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"EADDRINUSE"],
                description="Another process listens on the port",
                values={"port": str(port)},
            ),
            port_held(port, "127.0.0.1"),
        ):
            serve(pod, port).wait()
    for name, value in (
        ("NOTIFY_PORT", "http"),
        ("NOTIFY_RELAY_URL", ""),
        ("NOTIFY_RELAY_TOKEN", ""),
        ("NOTIFY_PORT", "99999"),
    ):
        pod = recording.pod("notify-6f8b9d5c4-m7k2p", namespace="shop")
        with recording.fault(
            "invalid_env",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"environment variable \w+ (is|must)"],
            description="A variable is missing or has no sense",
            values={name: value},
        ):
            for _ in range(2):  # the kubelet starts it again
                serve(pod, 3000, env={name: value}).wait()
    for broken in ('{"welcome": {"text": "Hi"}', "welcome: text", '{"welcome": {"text": "Hi",}}'):
        write_file("/app/broken.json", broken)
        pod = recording.pod("notify-6f8b9d5c4-z5w9d", namespace="shop")
        with recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"SyntaxError: .*JSON"],
            description="The file of templates is no JSON",
            values={"content": broken},
        ):
            serve(pod, 3000, env={"NOTIFY_TEMPLATES": "/app/broken.json"}).wait()
    for module in ("relay", "log", "settings"):
        folder = Path(f"/app/release-{module}")
        shutil.copytree("/app/full", folder)
        (folder / f"{module}.mjs").unlink()
        pod = recording.pod("notify-58c7d9f6f-hx6tj", namespace="shop")
        with recording.fault(
            "unhandled_exception",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"ERR_MODULE_NOT_FOUND"],
            description="A file of the release is missing",
            values={"module": module},
        ):
            serve(pod, 3000, script=f"release-{module}/server.mjs").wait()


def _relay_faults(recording: Recording, dice: random.Random) -> None:
    cases = (
        ("upstream_refused", "ERROR", r'"ECONNREFUSED"', "The relay is not running", None),
        ("upstream_timeout", "ERROR", r"TimeoutError", "The relay answers too late", Answer(200, "{}", delay=1.2)),
        ("external_api_failure", "WARN", r"relay answered (429|503)", "The relay turns requests away", None),
        (
            "token_invalid",
            "ERROR",
            r"relay answered 401",
            "The relay does not accept the token",
            Answer(401, '{"error":"invalid_token","error_description":"token expired"}'),
        ),
        (
            "connection_reset",
            "WARN",
            r'"(ECONNRESET|UND_ERR_SOCKET)"',
            "The relay drops the connection",
            Answer(reset=True),
        ),
    )
    for cause, severity, evidence, description, answer in cases:
        for turn, port in enumerate((3000, 3031, 3077)):
            pod = recording.pod("notify-7c9d8f6b5-n4vds", namespace="shop")
            relay_port = 8025 + turn
            answered = answer
            if cause == "external_api_failure":
                answered = (
                    Answer(429, "rate limit of 60/min exceeded"),
                    Answer(503, "maintenance"),
                    Answer(429, "quota used up until 00:00"),
                )[turn]
            with recording.fault(
                cause,
                severity=severity,
                component=COMPONENT,
                evidence=[evidence],
                description=description,
                values={"port": str(port), "relay": str(relay_port)},
            ):
                relay = Upstream(relay_port, lambda *_: Answer(202, '{"queued": true}'))
                program = serve(pod, port, env={"NOTIFY_RELAY_URL": f"http://127.0.0.1:{relay_port}"})
                program.wait_for("listening on port")
                traffic(port, dice, 8 + 4 * turn)
                if answered is None:
                    relay.close()
                else:
                    relay.answer = lambda *_, now=answered: now
                for index in range(3):
                    ask(
                        f"http://127.0.0.1:{port}/notify",
                        method="POST",
                        body=order("shipped", f"eve{index}@example.org"),
                    )
                    ask(f"http://127.0.0.1:{port}/status")
                program.stop()
                if answered is not None:
                    relay.close()


def _own_faults(recording: Recording, dice: random.Random) -> None:
    base = "http://127.0.0.1:3000"
    with Upstream(8025, lambda *_: Answer(202, "{}")):
        for template in ("goodbye", "invoice", "Welcome"):
            pod = recording.pod("notify-7c9d8f6b5-2m8rl", namespace="shop")
            with recording.fault(
                "unhandled_exception",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"^TypeError: Cannot read properties of undefined"],
                description="A broadcast of a template that does not exist ends the process",
                values={"template": template},
            ):
                program = serve(pod, 3000)
                program.wait_for("listening on port")
                traffic(3000, dice, 10)
                ask(f"{base}/broadcast?template={template}", method="POST")
                program.wait()
                program = serve(pod, 3000)
                program.wait_for("listening on port")
                traffic(3000, dice, 4)
                program.stop()
        for megabytes, entries in ((24, 20000), (32, 30000), (48, 45000)):
            pod = recording.pod("notify-7c9d8f6b5-9kq7f", namespace="shop")
            with recording.fault(
                "heap_exhausted",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"JavaScript heap out of memory"],
                description="Digests are kept until the heap is full",
                values={"max-old-space-size": str(megabytes), "entries": str(entries)},
            ):
                program = serve(pod, 3000, options=(f"--max-old-space-size={megabytes}",))
                program.wait_for("listening on port")
                traffic(3000, dice, 6)
                for _ in range(40):
                    if not program.running or ask(f"{base}/digest?entries={entries}") == 0:
                        break
                program.wait()
        for bad in ('{"to": "ada@example.org", "template": ', "to=ada&template=welcome", '{"to": 17}'):
            pod = recording.pod("notify-7c9d8f6b5-t6c2w", namespace="shop")
            with recording.fault(
                "bad_request_data",
                severity="WARN",
                component=COMPONENT,
                evidence=[r"request rejected"],
                description="A client sends bodies that are no orders",
                values={"body": bad},
            ):
                program = serve(pod, 3000)
                program.wait_for("listening on port")
                for _ in range(9):
                    traffic(3000, dice, 1)
                    ask(f"{base}/notify", method="POST", body=bad)
                program.stop()
        for folder in ("/data/spool", "/data/mail/spool", "/srv/notify"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            Path(folder).chmod(0o755)
            pod = recording.pod("notify-7c9d8f6b5-w8p5g", namespace="shop")
            with recording.fault(
                "volume_permission",
                severity="ERROR",
                component=COMPONENT,
                evidence=[r"EACCES: permission denied"],
                description="The spool belongs to root, the service runs as another user",
                values={"folder": folder, "user": "www-data"},
            ):
                program = serve(pod, 3000, env={"NOTIFY_SPOOL": folder}, user="www-data")
                program.wait_for("listening on port")
                traffic(3000, dice, 9)
                program.stop()
        for size in ("64k", "128k", "256k"):
            recording.sandbox.small_disk("/data/full", size)
            pod = recording.pod("notify-7c9d8f6b5-c3d8s", namespace="shop")
            with recording.fault(
                "disk_full",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"ENOSPC"],
                description="The volume of the spool has no space left",
                values={"size": size},
            ):
                program = serve(pod, 3000, env={"NOTIFY_SPOOL": "/data/full"})
                program.wait_for("listening on port")
                traffic(3000, dice, 8)
                Path("/data/full/archive.bin").write_bytes(b"x" * (int(size[:-1]) - 8) * 1024)
                for index in range(60):
                    message = order("shipped", f"{'long.name.' * 60}{index}@example.org")
                    if ask(f"{base}/notify", method="POST", body=message) == 500 and index > 3:
                        break
                traffic(3000, dice, 4)
                program.stop()
            recording.sandbox.unmount("/data/full")


def _workers(recording: Recording, dice: random.Random) -> None:
    with Upstream(8025, lambda *_: Answer(202, "{}")):
        for workers in (2, 3, 4):
            pod = recording.pod("notify-workers-0", namespace="shop")
            with recording.fault(
                "process_killed",
                severity="ERROR",
                component=COMPONENT,
                evidence=[r"died \(SIGKILL\)"],
                description="A worker is killed from outside",
                values={"workers": str(workers)},
            ):
                program = serve(pod, 3000, script="cluster.mjs", env={"NOTIFY_WORKERS": str(workers)})
                pod.wait_for("listening on port", since=program.started)
                wait_for_port(3000)
                traffic(3000, dice, 8)
                children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
                os.kill(int(children[workers % len(children)]), signal.SIGKILL)
                program.wait_for(r"died \(SIGKILL\)")
                time.sleep(0.6)
                traffic(3000, dice, 5)
                program.stop()
