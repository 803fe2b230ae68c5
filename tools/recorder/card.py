"""The data card's table, written by the recorder between two marks of examples/recordings/README.md."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from k8s_log_agent.ingest.recordings import Recording

if TYPE_CHECKING:
    from tools.recorder.check import Quantities

BEGIN = "<!-- table: written by `python -m tools.recorder --check --freeze` -->"
END = "<!-- end of table -->"


def table(recordings: list[Recording]) -> str:
    """One row a program, in Markdown."""
    rows = ["| program | version | split | lines | healthy | faults | causes |", "|---|---|---|---:|---:|---:|---|"]
    for recording in sorted(recordings, key=lambda one: (one.manifest.split != "training", one.manifest.program.name)):
        manifest = recording.manifest
        healthy = sum(window.lines for window in manifest.windows if window.kind == "healthy")
        causes = Counter(window.cause for window in recording.faults)
        listed = ", ".join(f"{code} {count}" for code, count in sorted(causes.items()))
        rows.append(
            f"| {manifest.program.name} | {manifest.program.version} | {manifest.split} | {manifest.lines} | {healthy} "
            f"| {causes.total()} | {listed} |"
        )
    return "\n".join(rows)


def refresh_card(root: Path, recordings: list[Recording], quantities: Quantities) -> None:
    """Replace what stands between the marks; the text around them is written by hand."""
    path = root / "README.md"
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    total = sum(quantities.lines.values())
    summary = (
        f"{len(quantities.lines)} programs, {len(quantities.causes)} causes in {quantities.causes.total()} fault "
        f"windows, {total} lines, {quantities.healthy / total:.0%} of them in healthy windows, "
        f"{quantities.signatures} signatures, {quantities.size / 2**20:.1f} MiB."
    )
    path.write_text(f"{before}{BEGIN}\n\n{summary}\n\n{table(recordings)}\n\n{END}{after}", encoding="utf-8")
