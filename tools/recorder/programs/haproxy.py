"""HAProxy: a load balancer with health checks in front of two services, logging to its output."""

from __future__ import annotations

from tools.recorder.program import Program
from tools.recorder.programs import haproxy_faults
from tools.recorder.programs.haproxy_stage import Balancer
from tools.recorder.recording import Recording

PROGRAM = Program(
    name="haproxy",
    kind="gateway",
    split="held_out",
    version=("haproxy", "-v"),
    command=("haproxy", "-W", "-db", "-f", "/app/haproxy.cfg"),
    packages=("debian:haproxy",),
)


def _healthy(balancer: Balancer) -> None:
    pod = balancer.pod("k2v8x")
    for run, port in enumerate((8080, 8000, 8180)):
        balancer.begin()
        with balancer.recording.healthy(
            f"A shop behind two web servers and a cart, run {run + 1}", {"port": str(port)}
        ):
            program = balancer.started(pod, balancer.config(port=str(port)), port)
            balancer.traffic(250, port)
            program.stop()
        balancer.end()


def record(recording: Recording) -> None:
    """Healthy runs, then every fault at least three times."""
    balancer = Balancer(recording)
    _healthy(balancer)
    haproxy_faults.record(balancer)
