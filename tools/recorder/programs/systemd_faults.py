"""What goes wrong with the services of a node, in the words of their manager."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tools.recorder.programs.systemd import Manager

RESTARTS = "Restart=on-failure\nRestartSec=200ms\n"


class Fault(NamedTuple):
    """A cause, its evidence, and the three services that show it."""

    cause: str
    severity: str
    evidence: str
    description: str
    services: dict[str, str]


FAULTS = (
    Fault(
        "command_not_found",
        "CRITICAL",
        r"status=203/EXEC",
        "The program of a service does not exist",
        {
            "checkout": RESTARTS + "ExecStart=/opt/checkout/serve --port 80",
            "exporter": RESTARTS + "ExecStart=/usr/local/bin/node-exporter",
            "agent": "ExecStart=/opt/agent-2.1/bin/agent -c /etc/agent.toml",
        },
    ),
    Fault(
        "volume_permission",
        "CRITICAL",
        r"Changing to the requested working directory failed: Permission denied",
        "A service may not enter its folder",
        {
            "uploads": RESTARTS + "User=www-data\nWorkingDirectory=/run/private/uploads\nExecStart=/bin/sleep 60",
            "mailer": "User=daemon\nWorkingDirectory=/run/private/mail\nExecStart=/bin/sleep 60",
            "indexer": RESTARTS + "User=games\nWorkingDirectory=/run/private/index\nExecStart=/bin/sleep 60",
        },
    ),
    Fault(
        "missing_config_object",
        "CRITICAL",
        r"Failed to load environment files: No such file",
        "A file of settings is missing",
        {
            "billing": RESTARTS + "EnvironmentFile=/etc/billing/env\nExecStart=/bin/sleep 60",
            "gateway": RESTARTS + "EnvironmentFile=/run/secrets/gateway.env\nExecStart=/bin/sleep 60",
            "sync": "EnvironmentFile=/etc/default/sync-worker\nExecStart=/bin/sleep 60",
        },
    ),
    Fault(
        "config_parse_error",
        "ERROR",
        r"(Refusing|Failed to parse|Unbalanced quoting|bad unit file setting|fatal error)",
        "A unit file is not valid",
        {
            "cart": "Type=simple\nRestart=always",
            "search": "Type=simpel\nRestart=sometimes\nExecStart=/bin/sleep '60",
            "images": "ExecStart=bin/images serve\nRestartSec=soon",
        },
    ),
    Fault(
        "liveness_probe_failed",
        "ERROR",
        r"Watchdog timeout \(limit",
        "A service stops to tell its watchdog that it lives",
        {
            "stream": RESTARTS + "Type=notify\nNotifyAccess=all\nWatchdogSec=1s\n"
            "ExecStart=/bin/sh -c 'systemd-notify --ready; echo serving; exec sleep 60'",
            "broker": RESTARTS + "Type=notify\nNotifyAccess=all\nWatchdogSec=700ms\n"
            "ExecStart=/bin/sh -c 'systemd-notify --ready; echo 4 queues open; exec sleep 60'",
            "sensor": "Type=notify\nNotifyAccess=all\nWatchdogSec=1500ms\n"
            "ExecStart=/bin/sh -c 'systemd-notify --ready; echo reading; exec sleep 60'",
        },
    ),
    Fault(
        "readiness_probe_failed",
        "ERROR",
        r"[Ss]tart operation timed out",
        "A service never says that it is ready",
        {
            "ledger": "Type=notify\nTimeoutStartSec=1s\nExecStart=/bin/sh -c 'echo loading 4 accounts; exec sleep 60'",
            "matcher": "Type=notify\nTimeoutStartSec=1500ms\nExecStart=/bin/sh -c 'echo warming up; exec sleep 60'",
            "pricing": "Type=forking\nPIDFile=/run/pricing.pid\nTimeoutStartSec=1s\nExecStart=/bin/sleep 60",
        },
    ),
    Fault(
        "init_failed",
        "ERROR",
        r"Control process exited, code=exited, status=\d+",
        "The step before the start of a service fails",
        {
            "api": RESTARTS + "ExecStartPre=/bin/ls /run/schema/current\nExecStart=/bin/sleep 60",
            "wiki": RESTARTS + "ExecStartPre=/bin/cp /run/seed/pages.tar /run/wiki\nExecStart=/bin/sleep 60",
            "photos": "ExecStartPre=/usr/bin/test -f /run/photos/ready\nExecStart=/bin/sleep 60",
        },
    ),
    Fault(
        "segfault",
        "CRITICAL",
        r"status=11/SEGV",
        "A service dies of a segmentation fault",
        {
            "resize": RESTARTS + "ExecStart=/bin/sh -c 'echo 3 images; sleep 0.2; kill -SEGV $$$$'",
            "codec": RESTARTS + "ExecStart=/bin/sh -c 'echo decoding; sleep 0.4; kill -SEGV $$$$'",
            "render": "ExecStart=/bin/sh -c 'echo page 1 of 9; kill -SEGV $$$$'",
        },
    ),
    Fault(
        "unknown",
        "ERROR",
        r"Main process exited, code=exited, status=\d+",
        "A service ends with a status and says nothing about why",
        {
            "nightly": RESTARTS + "ExecStart=/bin/sh -c 'sleep 0.2; exit 1'",
            "import": RESTARTS + "ExecStart=/bin/sh -c 'echo started; sleep 0.3; exit 3'",
            "feed": "ExecStart=/bin/false",
        },
    ),
)


def record(manager: Manager) -> None:
    """Every fault three times, all in one run of the manager."""
    with manager.boot(4) as pod:
        manager.do("mkdir -p -m 700 /run/private/uploads /run/private/mail /run/private/index")
        for fault in FAULTS:
            for turn, (name, service) in enumerate(fault.services.items()):
                evidence = rf"{name}.*{fault.evidence}"
                with manager.recording.fault(
                    fault.cause,
                    severity=fault.severity,
                    component=("service", name),
                    evidence=[evidence],
                    description=fault.description,
                    values={"unit": f"{name}.service"},
                ):
                    manager.traffic(2 + turn)
                    manager.unit(name, f"The {name} service", service)
                    manager.do(f"systemctl daemon-reload; systemctl start {name}")
                    pod.wait_for(evidence, 12)
                    time.sleep(1.2)
                    manager.traffic(1)
                manager.do(f"systemctl stop {name}; rm /run/systemd/system/{name}.service; systemctl daemon-reload")
        for turn, name in enumerate(("shop-web", "queue", "shop-web")):
            with manager.recording.fault(
                "process_killed",
                severity="ERROR",
                component=("service", name),
                evidence=[rf"{name}.*code=killed, status=9/KILL"],
                description="A service's process is killed from outside",
                values={"unit": f"{name}.service", "turn": str(turn)},
            ):
                manager.traffic(3 + turn)
                since = time.time_ns()
                manager.kill(name)
                pod.wait_for(rf"{name}.*status=9/KILL", 12, since)
                manager.traffic(2)
