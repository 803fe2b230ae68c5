"""Stock: a Go service of our own that logs logfmt lines and asks a price service; its panics are Go's own."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from tools.recorder.pod_log import RecordingFailedError
from tools.recorder.privacy import CHECKOUT
from tools.recorder.program import Program
from tools.recorder.programs import stock_faults
from tools.recorder.programs.stock_stage import ARTICLES, Stock
from tools.recorder.recording import Recording
from tools.recorder.steps import write_file


def _build(cache: Path) -> None:
    """Build one static binary without paths of this machine in it."""
    if shutil.which("go") is None:
        raise RecordingFailedError(
            "The stock service is written in Go, and there is no `go`. Install Go 1.22 or newer."
        )
    source = CHECKOUT / "tools" / "recorder" / "apps" / "go_stock"
    command = ["go", "build", "-trimpath", "-ldflags=-s", "-o", str(cache / "stock"), "."]
    subprocess.run(command, cwd=source, check=True)


PROGRAM = Program(
    name="stock",
    kind="app",
    split="held_out",
    version="2.3.0",
    command=("/app/stock", "/app/stock.yaml"),
    packages=("go:1.22", "go:gopkg.in/yaml.v3"),
    prepare=_build,
)


def _healthy(stock: Stock) -> None:
    pod = stock.pod("hq7vz")
    for run, (port, warehouse) in enumerate(((8080, "kiel-1"), (8082, "lund-2"), (8090, "riga-3"))):
        with (
            stock.recording.healthy(
                f"A warehouse at work, run {run + 1}; articles run out and are ordered",
                {"port": str(port), "warehouse": warehouse},
            ),
            stock.prices(),
        ):
            program = stock.started(pod, stock.settings(port=str(port), warehouse=warehouse, restock="700ms"))
            for _ in range(8):
                stock.traffic(30, port)
                time.sleep(0.35)
            program.stop()


def record(recording: Recording) -> None:
    """Healthy runs, then every fault at least three times."""
    shutil.copy(recording.cache / "stock", "/app/stock")
    for article in ARTICLES:
        write_file(f"/data/images/{article}.png", "picture" * 40)
    stock = Stock(recording)
    _healthy(stock)
    stock_faults.record(stock)
