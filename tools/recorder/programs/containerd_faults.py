"""What keeps a container runtime from doing its work."""

from __future__ import annotations

import copy
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.recorder.programs import containerd as program_of
from tools.recorder.upstream import Answer

if TYPE_CHECKING:
    from tools.recorder.programs.containerd import Runtime

JSON = (("content-type", "application/json"),)


def record(runtime: Runtime) -> None:
    """Every fault at least three times."""
    _config(runtime)
    _pulls(runtime)
    _content(runtime)
    _networks(runtime)
    _containers(runtime)


def _config(runtime: Runtime) -> None:
    good = program_of.CONFIG
    broken = {
        "unclosed quote": good.replace('level = "info"', 'level = "info'),
        "bad escape": good.replace('level = "info"', 'level = "in\\qfo"'),
        "no table": good.replace("[grpc]", "[grpc"),
        "twice": good + "[grpc]\n  gid = 7\n",
    }
    for mistake, text in broken.items():
        with runtime.recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=runtime.component,
            evidence=[r"failed to load TOML", r"invalid plugin config", r"containerd: "],
            description="config.toml is not valid",
            values={"mistake": mistake},
        ):
            pod = runtime.pod("4")
            for _ in range(2):
                process = runtime.start(pod, text=text)
                time.sleep(1.2)
                process.end()


def _pulls(runtime: Runtime) -> None:
    def errors(code: str, message: str) -> str:
        return f'{{"errors":[{{"code":"{code}","message":"{message}"}}]}}'

    refusals = {
        "image_pull_unauthorized": Answer(
            401,
            errors("UNAUTHORIZED", "authentication required"),
            headers=(*JSON, ("www-authenticate", 'Basic realm="registry.lab"')),
        ),
        "registry_rate_limited": Answer(
            429, errors("TOOMANYREQUESTS", "toomanyrequests: too many pulls"), headers=JSON
        ),
    }
    cases = (
        ("image_not_found", r"PullImage .* failed.*not found"),
        ("image_pull_unauthorized", r"PullImage .* failed.*(401|authoriz|no basic auth)"),
        ("registry_rate_limited", r"PullImage .* failed.*429"),
        (
            "registry_unreachable",
            r"PullImage .* failed.*(connection refused|no such host|server misbehaving|i/o timeout)",
        ),
    )
    process = runtime.started(runtime.pod("5"))
    for cause, evidence in cases:
        for turn, image in enumerate(("shop/web:9.9", "shop/checkout:1.0", "team/report:nightly")):
            host = (
                f"registry{turn}.example.net:5000" if cause == "registry_unreachable" and turn else "registry.lab:5000"
            )
            with runtime.recording.fault(
                cause,
                severity="WARN" if "rate" in cause else "ERROR",
                component=("registry", host),
                evidence=[evidence],
                description="An image cannot be pulled",
                values={"image": f"{host}/{image}"},
            ):
                runtime.run_pod(runtime.registry.names[turn])
                runtime.registry.refusal = refusals.get(cause)
                if cause == "registry_unreachable":
                    runtime.registry.close()
                    if turn == 2:
                        address = runtime.recording.sandbox.unreachable("10.77.0.9")
                        runtime.recording.sandbox.nameserver.names["registry2.example.net"] = address
                for _ in range(2):
                    runtime.do(do="pull", image=f"{host}/{image}")
                runtime.registry.refusal = None
                if cause == "registry_unreachable":
                    runtime.registry.open()
                runtime.do(do="pull", image=f"registry.lab:5000/{runtime.registry.names[turn + 1]}")
    process.stop()


def _content(runtime: Runtime) -> None:
    for turn, image in enumerate(("shop/web:1.1", "shop/cart:2.4", "tools/debug:latest")):
        with runtime.recording.fault(
            "data_corrupted",
            severity="ERROR",
            component=runtime.component,
            evidence=[r"unexpected commit digest"],
            description="A layer arrives with other bytes than its digest promises",
            values={"image": image},
        ):
            process = runtime.started(runtime.pod("6"), f"/data/spoiled-{turn}")
            runtime.run_pod("shop/web:1.0")
            runtime.registry.spoiled = b"\0" * (5 + turn)
            for _ in range(2):
                runtime.do(do="pull", image=f"registry.lab:5000/{image}")
            runtime.registry.spoiled = b""
            process.stop()
    for number, size in enumerate(("18m", "22m", "28m")):
        place = runtime.recording.sandbox.small_disk(f"/data/small-{number}", size)
        with runtime.recording.fault(
            "disk_full",
            severity="CRITICAL",
            component=runtime.component,
            evidence=[r"no space left on device"],
            description="The disk of images has no space left",
            values={"size": size},
        ):
            process = runtime.started(runtime.pod("7"), str(place / "containerd"))
            runtime.run_pod("shop/web:1.0")
            for _ in range(2):
                runtime.do(do="pull", image="registry.lab:5000/shop/big:1")
            process.stop()
        runtime.recording.sandbox.unmount(place)


def _networks(runtime: Runtime) -> None:
    for plugin in ("calico", "flannel", "cilium-cni"):
        wrong = copy.deepcopy(program_of.NETWORK)
        wrong["plugins"][0]["type"] = plugin  # type: ignore[index]  # a constant of this form
        with runtime.recording.fault(
            "cni_failure",
            severity="CRITICAL",
            component=("cni", plugin),
            evidence=[rf'failed to find plugin \\*"{plugin}'],
            description="The network plugin is not installed",
            values={"plugin": plugin},
        ):
            runtime.network()
            process = runtime.started(runtime.pod("8"))
            runtime.run_pod()
            runtime.network(wrong)
            time.sleep(0.5)
            for _ in range(2):
                runtime.run_pod()
            process.stop()
    for size, first in ((29, 9), (30, 33), (29, 65)):
        narrow = copy.deepcopy(program_of.NETWORK)
        narrow["plugins"][0]["ipam"]["ranges"] = [[{"subnet": f"10.42.6.{first - 1}/{size}"}]]  # type: ignore[index] # parsed JSON
        with runtime.recording.fault(
            "ip_exhausted",
            severity="CRITICAL",
            component=("cni", "host-local"),
            evidence=[r"no IP addresses available in range set"],
            description="The node's range of pod addresses is used up",
            values={"subnet": f"10.42.6.{first - 1}/{size}"},
        ):
            runtime.network(narrow)
            shutil.rmtree("/run/cni", ignore_errors=True)
            leases = Path("/run/cni/podnet")
            leases.mkdir(parents=True)
            for last in range(first, first + 2 ** (32 - size) - 2):
                (leases / f"10.42.6.{last}").write_text(f"lost-{last}\r\neth0")
            process = runtime.started(runtime.pod("9"))
            for _ in range(3):
                runtime.run_pod()
            process.stop()
    shutil.rmtree("/run/cni", ignore_errors=True)
    runtime.network()


def _containers(runtime: Runtime) -> None:
    cases: dict[str, tuple[str, str, list[dict[str, Any]]]] = {
        "command_not_found": (
            "CRITICAL",
            r"StartContainer for .* failed.*(no such file or directory|executable file not found)",
            [
                {"command": ["/bin/serve"]},
                {"command": ["python3", "app.py"]},
                {"command": ["/app/start.sh", "--port", "80"]},
            ],
        ),
        "mount_failed": (
            "ERROR",
            r"CreateContainer .* failed|failed to (stat|create|generate)",
            [{"mounts": ["/proc/1/mounts/shop"]}, {"mounts": ["/sys/shop/data"]}, {"mounts": ["/etc/hostname/certs"]}],
        ),
        "memory_limit_exceeded": (
            "CRITICAL",
            r"TaskOOM event",
            [
                {
                    "memory": size << 20,
                    "seconds": 2,
                    "command": [
                        "/bin/busybox",
                        "sh",
                        "-c",
                        "x=$(/bin/busybox yes | /bin/busybox head -c 90000000); echo $x",
                    ],
                }
                for size in (16, 24, 40)
            ],
        ),
    }
    process = runtime.started(runtime.pod("10"))
    for cause, (severity, evidence, steps) in cases.items():
        for step in steps:
            values = {
                key: " ".join(map(str, value)) if isinstance(value, list) else str(value)
                for key, value in step.items()
                if key != "seconds"
            }
            with runtime.recording.fault(
                cause,
                severity=severity,
                component=("container", "main"),
                evidence=[evidence],
                description="A container does not start, or does not stay",
                values=values,
            ):
                runtime.run_pod("shop/cart:2.4")
                runtime.run_pod("shop/web:1.0", **step)
    process.stop()
