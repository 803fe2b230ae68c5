"""Runs every check and test that needs no cluster: `make test`; the static ones alone: `make lint`.

All stages run, whatever fails before them; the summary at the end names what failed and what was skipped, and why.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
YAML_PLACES = ".config .ansible-lint .yamllint changelogs galaxy.yml inventory meta molecule playbooks".split()
YAML_PLACES += "requirements.yml roles site.yml".split()


@dataclass(frozen=True)
class Stage:
    """One check: a name for the summary and the command that must exit with 0; `lacks` is why it cannot run here."""

    name: str
    command: tuple[str, ...]
    lacks: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a stage ended, in seconds of wall time."""

    stage: Stage
    passed: bool
    seconds: float

    @property
    def word(self) -> str:
        """For the summary."""
        if self.stage.lacks:
            return "skipped"
        return "ok" if self.passed else "FAILED"


def static_stages() -> Iterator[Stage]:
    """Yield the checks that read the tree and start nothing."""
    yield Stage("ruff", (str(BIN / "ruff"), "check", "."))
    yield Stage("ruff format", (str(BIN / "ruff"), "format", "--check", "."))
    yield Stage("mypy", (str(BIN / "mypy"),))
    places = [place for place in YAML_PLACES if (ROOT / place).exists()]
    yield Stage("yamllint", (str(BIN / "yamllint"), "--strict", *places))
    yield Stage("ansible-lint", (str(BIN / "ansible-lint"), "--offline", "--profile", "production"))
    yield Stage("changelog", (str(BIN / "antsibull-changelog"), "lint"))
    yield Stage("ansible-test sanity", (sys.executable, "tools/sanity.py"))
    yield Stage("module reference", (sys.executable, "tools/build_docs.py"))
    yield Stage("rule reference", (sys.executable, "tools/build_rule_docs.py"))


def running_stages() -> Iterator[Stage]:
    """Yield the checks that start programs and servers."""
    without_nodes = why_no_nodes()
    for path in sorted((ROOT / "molecule").glob("*/molecule.yml")):
        scenario = path.parent.name
        lacks = why_not_here(path.read_text(encoding="utf-8"), without_nodes)
        yield Stage(f"molecule {scenario}", (str(BIN / "molecule"), "test", "-s", scenario), lacks)
    pytest = (sys.executable, "-m", "pytest", "-q")
    apart = [f"--ignore=tests/{place}" for place in ("integration", "host", "cluster")]
    yield Stage("pytest", (*pytest, "-n", "2", "--dist", "loadfile", *apart))
    # One after the other: each starts servers that want all processors, and two of them slow each other down tenfold.
    yield Stage("pytest integration", (*pytest, "tests/integration"))
    yield Stage("evidence", (sys.executable, "-m", "tests.evidence"))


def why_not_here(scenario: str, without_nodes: str) -> str:
    """What a scenario needs, by its molecule.yml, and is not here; empty when nothing is missing."""
    if without_nodes and "molecule/shared/create.yml" in scenario:
        return without_nodes
    if "# Only with MOLECULE_ALL" in scenario and not {"MOLECULE_ALL", "K3S_BINARY"} & set(os.environ):
        return "takes about a minute that `make test` has not: set MOLECULE_ALL=1"
    missing = [name for name in ("K3S_BINARY", "K3S_IMAGES") if name not in os.environ]
    needed = next((line for line in scenario.splitlines() if line.startswith("# Needs K3S_BINARY")), "")
    lacking = [name for name in missing if name in needed]
    return f"needs a real K3s: set {' and '.join(lacking)}" if lacking else ""


def why_no_nodes() -> str:
    """What keeps systemd containers from running here; empty when nothing does."""
    asked = subprocess.run(
        [sys.executable, "-m", "tests.nodes", "check"], cwd=ROOT, check=False, text=True, capture_output=True
    )
    return asked.stderr.strip() if asked.returncode else ""


def run(stage: Stage) -> Outcome:
    """Run one stage; its output is shown whole where a reader wants it, and for the others only when it failed."""
    started = time.monotonic()
    if stage.lacks:
        return Outcome(stage, passed=True, seconds=0.0)
    print(f"check: {stage.name} …", flush=True)
    show = stage.name.startswith(("pytest", "evidence"))
    environment = {**os.environ, "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", "")])}
    result = subprocess.run(
        stage.command,
        cwd=ROOT,
        env=environment,
        check=False,
        text=True,
        stdout=None if show else subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if result.returncode and not show:
        print(result.stdout, flush=True)
    return Outcome(stage, result.returncode == 0, time.monotonic() - started)


def summarise(outcomes: Sequence[Outcome]) -> str:
    """Return the table of stages that ends a run."""
    lines = [
        f"  {one.word:<7} {one.seconds:7.1f} s  {one.stage.name}{': ' * bool(one.stage.lacks)}{one.stage.lacks}"
        for one in outcomes
    ]
    failed = sum(not one.passed for one in outcomes)
    skipped = sum(bool(one.stage.lacks) for one in outcomes)
    verdict = f"{failed} of {len(outcomes)} stages failed" if failed else f"all {len(outcomes) - skipped} stages passed"
    return "\n".join([*lines, f"check: {verdict}{f', {skipped} skipped' if skipped else ''}"])


def main() -> int:
    """Run the stages asked for; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("lint", "run"), help="only the static checks, or only what starts programs")
    only = parser.parse_args().only
    stages = [] if only == "run" else list(static_stages())
    stages += [] if only == "lint" else list(running_stages())
    outcomes = [run(stage) for stage in stages]
    print(summarise(outcomes))
    return 0 if all(one.passed for one in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
