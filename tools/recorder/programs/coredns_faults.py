"""What breaks a name server: its Corefile, its upstream, the API server."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tools.recorder.certificates import authority, issue
from tools.recorder.programs.coredns_stage import COMPONENT, ZONE, Names
from tools.recorder.steps import port_held, write_file
from tools.recorder.upstream import Answer, Upstream


def record(names: Names) -> None:
    """Every fault at least three times."""
    _starts(names)
    _forwarding(names)
    _cluster(names)


def _starts(names: Names) -> None:
    recording = names.recording
    for port in (1053, 53, 9053):
        with (
            recording.fault(
                "address_in_use",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"bind: address already in use"],
                description="Another process listens on the port",
                values={"port": str(port)},
            ),
            port_held(port),
        ):
            for _ in range(2):
                names.start(names.pod("b5t7x"), names.corefile(port)).wait()
    good = names.corefile()
    broken = {
        "unknown directive": good.replace("errors", "erors"),
        "no number": good.replace("max_fails 2", "max_fails two"),
        "unknown property": good.replace("health_check 500ms", "healthcheck 500ms"),
        "bad duration": good.replace("reload 1s", "reload soon"),
    }
    for mistake, text in broken.items():
        with recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"Corefile:\d+ - Error during parsing", r"plugin/\w+: ", r"[Uu]nknown directive"],
            description="The Corefile is not valid",
            values={"mistake": mistake},
        ):
            pod = names.pod("d9w3f")
            for _ in range(3):  # the kubelet starts it again
                names.start(pod, text).wait()
    for turn, line in enumerate(("db IN A 10.42.1.999", "shop IN MX shop", "db IN MXX mail")):
        write_file("/etc/coredns/lab.zone", ZONE.format(serial=1) + line + "\n")
        with recording.fault(
            "config_parse_error",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"plugin/file: .*(lab\.zone|dns:)", r"Failed to parse"],
            description="A line of the zone file is no record",
            values={"line": line},
        ):
            pod = names.pod(f"f2k{turn}h")
            for _ in range(2):
                names.start(pod, names.corefile()).wait()
    write_file("/etc/coredns/lab.zone", ZONE.format(serial=2026112400))


def _forwarding(names: Names) -> None:
    recording = names.recording
    cases = {
        "upstream_timeout": ("ERROR", r"plugin/errors: 2 .*i/o timeout", "The upstream name server does not answer"),
        "upstream_refused": ("ERROR", r"plugin/errors: 2 .*connection refused", "No upstream name server is running"),
    }
    for cause, (severity, evidence, description) in cases.items():
        for turn in range(3):
            upstream = "127.0.0.9" if cause == "upstream_timeout" else f"127.0.0.{40 + turn}"
            with recording.fault(
                cause,
                severity=severity,
                component=COMPONENT,
                evidence=[evidence],
                description=description,
                values={"upstream": upstream, "turn": str(turn)},
            ):
                program = names.started(names.pod(f"h6p{turn}s"), names.corefile(upstream=upstream))
                if cause == "upstream_timeout":
                    names.traffic(8 + 3 * turn)
                    names.upstream.silent = True
                    time.sleep(0.2)
                    names.ask([(f"api{turn}{index}.example.net", "A") for index in range(4)], wait=7)
                    names.upstream.silent = False
                else:
                    names.traffic(8 + 2 * turn)
                    names.ask([(f"cdn{turn}{index}.example.net", "A") for index in range(4)])
                program.stop(seconds=20)
    for turn, domain in enumerate(("example.net", "corp.example.net", "registry.example.net")):
        with recording.fault(
            "dns_failure",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r" SERVFAIL qr"],
            description="The upstream name server fails for every name",
            values={"domain": domain},
        ):
            program = names.started(names.pod(f"j7c{turn}w"), names.corefile())
            names.traffic(9)
            names.upstream.failing = True
            names.ask([(f"svc{turn}{index}.{domain}", "A") for index in range(12)])
            names.upstream.failing = False
            names.traffic(3)
            program.stop(seconds=20)
    for port in (1053, 1055, 1153):
        with recording.fault(
            "dns_failure",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"plugin/loop: Loop .* detected"],
            description="The forwarder forwards to itself",
            values={"port": str(port)},
        ):
            pod = names.pod("m3z8d")
            for _ in range(2):
                names.start(pod, names.corefile(port, upstream=f"127.0.0.1:{port}", more="loop")).wait(30)


def _cluster(names: Names) -> None:
    """The kubernetes plugin in front of an API server that turns it away, in that server's own words."""
    recording = names.recording
    folder = Path("/etc/coredns/tls")
    company, stranger = authority(folder, "cluster CA"), authority(folder, "old CA")
    account = "system:serviceaccount:kube-system:coredns"
    resources = {"services": "", "namespaces": "", "endpointslices": "discovery.k8s.io"}

    def forbidden(_method: str, path: str) -> Answer:
        kind = path.split("?", 1)[0].rsplit("/", 1)[1]
        group = resources.get(kind, "")
        message = (
            f'{kind}{"." + group if group else ""} is forbidden: User "{account}" cannot list resource '
            f'"{kind}" in API group "{group}" at the cluster scope'
        )
        return _status(403, "Forbidden", message)

    cases = (
        ("rbac_forbidden", "ERROR", r"is forbidden: User|forbidden", forbidden, company),
        ("token_invalid", "ERROR", r"Unauthorized", lambda *_: _status(401, "Unauthorized", "Unauthorized"), company),
        ("cert_untrusted", "ERROR", r"x509: certificate signed by unknown authority", forbidden, stranger),
        ("cert_expired", "CRITICAL", r"x509: certificate has expired", forbidden, company),
    )
    recording.sandbox.name("api.cluster", "127.0.0.1")
    served, mine = issue(company, folder, "api.cluster"), issue(company, folder, "client")
    expired = issue(company, folder / "old", "api.cluster", expired_days=5)
    for cause, severity, evidence, answer, trusted in cases:
        for turn, port in enumerate((6443, 7443, 16443)):
            plugin = (
                f"kubernetes cluster.local {{\n        endpoint https://api.cluster:{port}\n"
                f"        tls {mine.certificate} {mine.key} {trusted.file}\n    }}"
            )
            with (
                recording.fault(
                    cause,
                    severity=severity,
                    component=COMPONENT,
                    evidence=[evidence],
                    description="The API server does not serve the watches of the kubernetes plugin",
                    values={"port": str(port)},
                ),
                Upstream(port, answer, tls=expired if cause == "cert_expired" else served),
            ):
                text = names.corefile(more=plugin, health="ready 127.0.0.1:8181")
                program = names.start(names.pod(f"q{turn}r6v"), text)
                program.wait_for(evidence, 30)
                names.traffic(5 + turn)
                names.ask([("kubernetes.default.svc.cluster.local", "A"), ("shop.default.svc.cluster.local", "A")])
                time.sleep(1)
                program.stop(seconds=20)


def _status(code: int, reason: str, message: str) -> Answer:
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    return Answer(code, json.dumps(status), headers=(("content-type", "application/json"),))
