"""Runs the quick molecule scenarios with every ansible-core that the collection supports: `make test-matrix`.

Each version gets an environment of its own below build/matrix, with a Python that it runs on; the system's own, pyenv's
or uv's. A version whose environment cannot be made is reported as not tested, which is no success.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import evidence  # noqa: E402 - the checkout has to be found first

ENVIRONMENTS = ROOT / "build" / "matrix"
COVERS = ("roles/**/*", "plugins/**/*.py", "molecule/**/*", "src/k8s_log_agent/**/*.py", "tools/matrix.py")
QUICK = ("preflight", "node_placement", "node", "k3s")
PYTHON_OF = {"2.18": "3.11", "2.19": "3.11", "2.20": "3.13", "2.21": "3.13"}


@dataclass(frozen=True)
class Cell:
    """One ansible-core on one Python."""

    core: str
    python: str

    @property
    def folder(self) -> Path:
        """Its environment."""
        return ENVIRONMENTS / f"core-{self.core}-python-{self.python}"


def requirements(lines: Sequence[str], core: str) -> list[str]:
    """What the quick scenarios need, as pinned for the tests, with another ansible-core."""
    names = ("molecule", "kubernetes", "jmespath", "requests", "pyyaml")
    pinned = [line.rstrip(" \\") for line in lines if line.startswith(tuple(f"{name}==" for name in names))]
    return [f"ansible-core~={core}.0", *pinned]


def interpreter(version: str) -> str:
    """A Python of this version, pyenv's where there is one; else its number, which uv looks for or brings."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(root.glob(f"versions/{version}.*/bin/python"))
    return str(found[-1]) if found else version


def make(cell: Cell, uv: str) -> str:
    """Make the environment of a cell; return why it cannot be made, empty when it is there."""
    if not (cell.folder / "bin" / "ansible").exists():
        made = _call([uv, "venv", "--quiet", "--clear", "--python", interpreter(cell.python), str(cell.folder)])
        if made:
            return made
    wanted = cell.folder / "requirements.txt"
    lines = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8").splitlines()
    wanted.write_text("\n".join(requirements(lines, cell.core)) + "\n", encoding="utf-8")
    python = str(cell.folder / "bin" / "python")
    return _call([uv, "pip", "install", "--quiet", "--python", python, "-r", str(wanted)])


def _call(command: Sequence[str], environment: Mapping[str, str] | None = None, log: Path | None = None) -> str:
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    if log is not None:
        log.write_text(done.stdout + done.stderr, encoding="utf-8")
    return "" if done.returncode == 0 else (done.stderr.strip() or done.stdout.strip() or "it failed")[-1500:]


def run(cell: Cell, scenario: str) -> evidence.Result:
    """Run one scenario in a cell; its log lies beside the environment."""
    began = time.monotonic()
    binaries = cell.folder / "bin"
    environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "VIRTUAL_ENV": str(cell.folder)}
    log = cell.folder / f"{scenario}.log"
    failure = _call([str(binaries / "molecule"), "test", "-s", scenario], environment, log)
    outcome = "failed" if failure else "passed"
    print(f"matrix: {cell.core} on Python {cell.python}, {scenario}: {outcome} ({log.relative_to(ROOT)})", flush=True)
    name = f"{scenario} with ansible-core {cell.core} on Python {cell.python}"
    return evidence.Result(name, outcome, round(time.monotonic() - began, 1))


def main() -> int:
    """Run the matrix; 0 when every cell was made and passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", nargs="+", default=list(PYTHON_OF), choices=list(PYTHON_OF))
    parser.add_argument("--scenario", nargs="+", default=list(QUICK))
    given = parser.parse_args()
    exercised, uv = evidence.sums(COVERS), str(Path(sys.executable).with_name("uv"))
    results, missing = [], []
    for cell in (Cell(core, PYTHON_OF[core]) for core in given.core):
        reason = make(cell, uv)
        if reason:
            missing.append(f"{cell.core} on Python {cell.python}: not tested: {reason}")
            continue
        results += [run(cell, scenario) for scenario in given.scenario]
    print("\n".join(missing))
    passed = bool(results) and not missing and all(one.outcome == "passed" for one in results)
    if passed and given.core == list(PYTHON_OF) and given.scenario == list(QUICK):
        _keep(exercised, results)
    return 0 if passed else 1


def _keep(exercised: Mapping[str, str], results: Sequence[evidence.Result]) -> None:
    today = datetime.fromtimestamp(time.time(), UTC).date()
    versions = {"ansible-core": " ".join(PYTHON_OF)}
    evidence.write(
        "matrix", measured=today, covers=COVERS, exercised=exercised, results=results, versions=versions, figures={}
    )


if __name__ == "__main__":
    sys.exit(main())
