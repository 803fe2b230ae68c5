"""The stock service as the scripts start and use it."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping

from tools.recorder.certificates import Issued
from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import write_file
from tools.recorder.upstream import Answer, Upstream, ask

COMPONENT = ("app", "stock")


ARTICLES = "bolt bracket cable drill hinge lamp nail panel screw shelf".split()


SETTINGS = """listen: 127.0.0.1:{port}
warehouse: {warehouse}
images: /data/images
restock: {restock}
prices:
  url: {url}
  timeout: {timeout}
  authority: {authority}
  tokenFile: {token}
suppliers:
  north: {{name: Nordhandel, leadDays: 4}}
  south: {{name: Meridional, leadDays: 9}}
articles:
{articles}"""


class Stock:
    """The service under one recording: how it is started and used."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.dice = random.Random(31)  # noqa: S311 -- traffic, not secrets

    def pod(self, suffix: str) -> Pod:
        """A pod of the deployment."""
        return self.recording.pod(f"stock-86c7b9d5f-{suffix}", namespace="warehouse")

    def settings(self, *, strangers: int = 0, **values: str) -> str:
        """The settings file; `strangers` articles name a supplier that is not in it."""
        lines = []
        for index, article in enumerate(ARTICLES):
            supplier = "unknown" if index < strangers else ("north", "south")[index % 2]
            lines.append(f"  {article}: {{count: {4 + index}, supplier: {supplier}}}")
        base = {
            "port": "8080",
            "warehouse": "kiel-1",
            "restock": "2s",
            "url": "http://127.0.0.1:8095",
            "timeout": "400ms",
            "authority": '""',
            "token": '""',
            "articles": "\n".join(lines) + "\n",
        }
        return SETTINGS.format(**{**base, **values})

    def start(self, pod: Pod, text: str, limits: Mapping[str, int] | None = None) -> RunningProgram:
        """A process with these settings."""
        write_file("/app/stock.yaml", text)
        return pod.run(["/app/stock", "/app/stock.yaml"], limits=limits)

    def started(self, pod: Pod, text: str, limits: Mapping[str, int] | None = None) -> RunningProgram:
        """A process that serves."""
        program = self.start(pod, text, limits)
        program.wait_for("msg=serving")
        time.sleep(0.1)
        return program

    def traffic(self, rounds: int, port: int = 8080) -> None:
        """What a shop asks of its warehouse."""
        for _ in range(rounds):
            base = f"http://127.0.0.1:{port}/articles/{self.dice.choice(ARTICLES)}"
            kind = self.dice.random()
            if kind < 0.5:
                ask(base)
            elif kind < 0.75:
                ask(f"{base}/take", method="POST")
            elif kind < 0.83:
                ask(f"{base}/supplier")
            elif kind < 0.9:
                ask(f"{base}/image")
            else:
                ask(f"http://127.0.0.1:{port}/healthz")

    def prices(self, tls: Issued | None = None) -> Upstream:
        """The price service, in order."""
        return Upstream(8095, lambda *_: Answer(200, f'{{"cents": {self.dice.randrange(90, 9000)}}}'), tls=tls)
