"""Orders: a Java service of our own with a connection pool, migrations and a payment service that it calls."""

from __future__ import annotations

import random
import shutil
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from tools.recorder.certificates import Issued
from tools.recorder.pod_log import RecordingFailedError
from tools.recorder.privacy import CHECKOUT
from tools.recorder.program import Program
from tools.recorder.programs import orders_faults
from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.upstream import Answer, Upstream, ask


def _build(cache: Path) -> None:
    """Build the jar, once for each state of the sources."""
    if shutil.which("mvn") is None:
        raise RecordingFailedError(
            "The order service is built with Maven, and there is no `mvn`. Install a JDK 17 and Maven."
        )
    source = CHECKOUT / "tools" / "recorder" / "apps" / "java_orders"
    shutil.copytree(source, cache / "source", dirs_exist_ok=True)
    subprocess.run(["mvn", "-q", "-B", "package"], cwd=cache / "source", check=True)


PROGRAM = Program(
    name="orders",
    kind="app",
    split="training",
    version=("java", "-version"),
    command=("java", "-cp", "/app/orders.jar:/app/lib/*", "homelab.orders.Main"),
    packages=("debian:openjdk-17-jdk-headless", "debian:maven"),
    prepare=_build,
)
ITEMS = ("lamp", "chair", "shelf")


class Orders:
    """The service under one recording: how it is started and used."""

    component = ("app", "orders")

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.dice = random.Random(23)  # noqa: S311 -- traffic, not secrets
        self._databases = 0

    def pod(self, suffix: str) -> Pod:
        """A pod of the deployment."""
        return self.recording.pod(f"orders-6d5b8c7f94-{suffix}", namespace="shop")

    def start(  # noqa: PLR0913 -- what the faults vary
        self,
        pod: Pod,
        port: int = 8080,
        *,
        env: Mapping[str, str] | None = None,
        options: tuple[str, ...] = (),
        classpath: str = "/app/orders.jar:/app/lib/*",
        user: str | None = None,
        limits: Mapping[str, int] | None = None,
    ) -> RunningProgram:
        """A process with a database of its own."""
        self._databases += 1
        settings = {
            "ORDERS_PORT": str(port),
            "ORDERS_DATABASE_URL": f"jdbc:h2:mem:orders{self._databases};DB_CLOSE_DELAY=-1",
            "ORDERS_PAYMENTS_URL": "http://127.0.0.1:8090",
            **(env or {}),
        }
        heap = () if any(option.startswith("-Xmx") for option in options) else ("-Xmx160m",)
        command = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", *heap, *options]
        return pod.run([*command, "-cp", classpath, "homelab.orders.Main"], env=settings, user=user, limits=limits)

    def started(
        self, pod: Pod, port: int = 8080, *, env: Mapping[str, str] | None = None, options: tuple[str, ...] = ()
    ) -> RunningProgram:
        """A process that serves."""
        program = self.start(pod, port, env=env, options=options)
        program.wait_for("Listening on port", 40)
        return program

    def place(self, port: int = 8080, quantity: int = 1) -> int:
        """One order; the status."""
        order = {"customer": self.dice.choice((1, 2)), "item": self.dice.choice(ITEMS), "quantity": quantity}
        return ask(f"http://127.0.0.1:{port}/orders", method="POST", body=order)

    def traffic(self, rounds: int, port: int = 8080) -> None:
        """Orders, labels, exports and reports, as a day brings them."""
        base = f"http://127.0.0.1:{port}"
        for _ in range(rounds):
            kind = self.dice.random()
            if kind < 0.55:
                self.place(port, self.dice.randrange(1, 4))
            elif kind < 0.75:
                ask(f"{base}/labels/{self.dice.choice((1, 2))}")
            elif kind < 0.82:
                ask(f"{base}/exports/{self.dice.randrange(1, 30)}")
            elif kind < 0.87:
                ask(f"{base}/reports/{self.dice.randrange(1, 4)}")
            else:
                ask(f"{base}/health")

    def payments(self, port: int = 8090, tls: Issued | None = None) -> Upstream:
        """The payment service, in order."""
        return Upstream(port, lambda *_: Answer(200, '{"charged": true}'), tls=tls)

    def together(self, count: int, path: str, port: int = 8080) -> list[threading.Thread]:
        """Requests at the same time."""
        url = f"http://127.0.0.1:{port}{path}"
        threads = [threading.Thread(target=ask, args=(url,), kwargs={"seconds": 20}) for _ in range(count)]
        for thread in threads:
            thread.start()
        return threads


def _healthy(orders: Orders) -> None:
    pod = orders.pod("q8xzl")
    for run, port in enumerate((8080, 8081, 8085)):
        answers = iter([200] * 20 + [503] + [200] * 30 + [429] + [200] * 1000)
        with (
            orders.recording.healthy(
                f"A day of orders, run {run + 1}; now and then a payment succeeds at the second try",
                {"port": str(port)},
            ),
            Upstream(8090, lambda *_, a=answers: Answer(next(a), "later")),
        ):
            program = orders.started(pod, port)
            orders.traffic(310, port)
            program.stop()


def record(recording: Recording) -> None:
    """Healthy runs, then every fault at least three times."""
    source = recording.cache / "source" / "target"
    shutil.copytree(source / "lib", "/app/lib")
    shutil.copy(source / "orders.jar", "/app/orders.jar")
    orders = Orders(recording)
    _healthy(orders)
    orders_faults.record(orders)
