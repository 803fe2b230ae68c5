"""What was measured on machines that `make test` does not have: written by the tests that measure, read by `make test`.

`docs/evidence/<area>.json` holds versions, the machine, results, figures, and the sha256 of every file that was
exercised. An area whose files have changed since is STALE: its results say nothing about the files of today.
`python -m tests.evidence` prints the stale areas; with --refuse it exits 1 where there is one.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
EVIDENCE = ROOT / "docs" / "evidence"
_NOT_EXERCISED = {".md", ".pyc"}


class ChangedMeanwhileError(Exception):
    """Files were edited while they were being tested; the message names them."""


@dataclass(frozen=True)
class Result:
    """How one test ended; seconds of wall time."""

    test: str
    outcome: str
    seconds: float


@dataclass(frozen=True)
class Stale:
    """An area whose evidence is older than its files."""

    area: str
    measured: str
    changed: tuple[str, ...]

    def __str__(self) -> str:
        """One line for the end of `make test`."""
        more = f" and {len(self.changed) - 3} more" if len(self.changed) > 3 else ""
        return f"STALE {self.area}: measured {self.measured}, changed since: {', '.join(self.changed[:3])}{more}"


def sums(covers: Sequence[str], root: Path = ROOT) -> dict[str, str]:
    """Return the sha256 of each file that the glob patterns cover, by its path from the root, in order.

    A site's own secrets and pages for people are left out.
    """
    found = {path for pattern in covers for path in root.glob(pattern) if path.is_file()}
    kept = sorted(path for path in found if path.suffix not in _NOT_EXERCISED and "secrets" not in path.parts)
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


def write(
    area: str,
    *,
    measured: date,
    covers: Sequence[str],
    exercised: Mapping[str, str],
    results: Sequence[Result],
    versions: Mapping[str, str],
    figures: Mapping[str, Any],
    root: Path = ROOT,
) -> Path:
    """Write the evidence of an area; sorted keys, so that a diff shows what changed.

    `exercised` is `sums(covers)` as it was before the first test. Raises ChangedMeanwhileError when a file has changed
    since: nobody knows then which of its contents was tested.
    """
    changed = _differences(exercised, sums(covers, root))
    if changed:
        raise ChangedMeanwhileError(", ".join(changed))
    content = {
        "area": area,
        "measured": measured.isoformat(),
        "machine": machine(),
        "versions": {**_own_versions(), **versions},
        "results": [asdict(result) for result in results],
        "figures": dict(figures),
        "covers": sorted(covers),
        "files": dict(exercised),
    }
    path = root / "docs" / "evidence" / f"{area}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path


def machine() -> dict[str, Any]:
    """Return what a figure depends on and what names nobody: processors, memory in GiB, architecture, kernel."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    release = ".".join(platform.release().split(".")[:2])
    return {
        "processors": os.cpu_count(),
        "memory_gib": round(pages / 2**30, 1),
        "architecture": platform.machine(),
        "kernel": f"{platform.system()} {release}",
    }


def stale(root: Path = ROOT) -> list[Stale]:
    """Return the areas with evidence whose files were changed, added or removed since."""
    found = []
    for path in sorted((root / "docs" / "evidence").glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        then: dict[str, str] = content["files"]
        now = sums(content["covers"], root)
        changed = _differences(then, now)
        if changed:
            found.append(Stale(content["area"], content["measured"], tuple(changed)))
    return found


def _differences(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))


def _own_versions() -> dict[str, str]:
    names = ("ansible-core", "k8s-log-agent", "kubernetes")
    return {name: importlib.metadata.version(name) for name in names} | {"python": platform.python_version()}


def main() -> int:
    """Print the stale areas; exit 1 only when asked to refuse them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--refuse", action="store_true", help="exit 1 where an area is stale")
    refuse = parser.parse_args().refuse
    areas = stale()
    for area in areas:
        print(area)
    return 1 if areas and refuse else 0


if __name__ == "__main__":
    sys.exit(main())
