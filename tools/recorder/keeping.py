"""Makes one recording inside the sandbox and puts it, complete, in the place of the one before."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
from datetime import UTC, datetime
from pathlib import Path

from k8s_log_agent.ingest.recordings import MANIFEST, RecordedProgram, RecordingManifest
from tools.recorder.privacy import Rewriter, machine_texts, refuse_private
from tools.recorder.program import Script
from tools.recorder.recording import Recording
from tools.recorder.sandbox import Sandbox


def record_program(script: Script, out: Path, cache: Path, sandbox: Sandbox | None) -> RecordingManifest:
    """Record and keep. On any failure the programs are ended and what was on disk before stays as it was."""
    program = script.program
    place = out / program.split / program.name
    fresh = place.with_name(f".{program.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    rewrite = Rewriter({**machine_texts(), **dict(program.rewrites)})
    recording = Recording(fresh, rewrite, sandboxed=sandbox is not None)
    recording.attach(sandbox, cache)
    started = datetime.now(UTC)
    try:
        script.record(recording)
        lines = recording.close()
        manifest = RecordingManifest(
            program=RecordedProgram(
                name=program.name,
                kind=program.kind,
                version=program.version_text(),
                command=program.command,
                packages=program.packages,
            ),
            split=program.split,
            recorded_at=started,
            machine={"system": _system(), "architecture": platform.machine(), "cpus": str(os.cpu_count())},
            rewritten=dict(sorted(rewrite.counts.items())),
            lines=lines,
            windows=tuple(recording.windows),
        )
        text = manifest.model_dump_json(indent=1) + "\n"
        refuse_private(text, f"{program.name}/{MANIFEST}")
        (fresh / MANIFEST).write_text(text, encoding="utf-8")
    except BaseException:
        recording.abandon()
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    _swap(fresh, place)
    return manifest


def _swap(fresh: Path, place: Path) -> None:
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        place.rename(old)
    fresh.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def _system() -> str:
    with contextlib.suppress(OSError):
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return platform.system()
