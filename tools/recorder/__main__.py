"""python -m tools.recorder NAME… | --all | --list | --check [--freeze] [--out examples/recordings]"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from k8s_log_agent.ingest.recordings import RecordingError
from tools.recorder.keeping import record_program
from tools.recorder.pod_log import RecordingFailedError
from tools.recorder.privacy import CHECKOUT, PrivateTextError
from tools.recorder.program import Script, known_programs
from tools.recorder.sandbox import Sandbox, SandboxError, run_inside

LIMIT_SECONDS = 1800.0
CACHE = CHECKOUT / "build" / "recorder"


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status."""
    options = _parser().parse_args(arguments)
    scripts = known_programs()
    try:
        if options.list:
            for name, script in scripts.items():
                print(f"{name:20} {script.program.split:9} {script.program.kind}")
            return 0
        if options.check or options.freeze:
            from tools.recorder.check import check_set  # noqa: PLC0415 -- reads every recording; only when asked

            return check_set(options.out, freeze=options.freeze)
        names = sorted(scripts) if options.all else options.names
        unknown = [name for name in names if name not in scripts]
        if unknown or not names:
            print(f"Name programs to record; known are {', '.join(scripts)}.", file=sys.stderr)
            return 2
        if options.inside:
            return _record_here(scripts[names[0]], options.out)
        return max([_record(scripts[name], options.out) for name in names])
    except (RecordingFailedError, RecordingError, PrivateTextError, SandboxError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _record(script: Script, out: Path) -> int:
    name = script.program.name
    print(f"{name}: recording …", flush=True)
    cache, place = CACHE / name, out.resolve()
    for folder in (cache, place):
        folder.mkdir(parents=True, exist_ok=True)
    if script.program.prepare:
        script.program.prepare(cache)
    arguments = [name, "--inside", "--out", str(place)]
    return run_inside(arguments, checkout=CHECKOUT, kept=[place, cache], seconds=LIMIT_SECONDS)


def _record_here(script: Script, out: Path) -> int:
    started = time.monotonic()
    manifest = record_program(script, out, CACHE / script.program.name, Sandbox())
    faults = [window for window in manifest.windows if window.kind == "fault"]
    causes = {window.cause for window in faults}
    taken = time.monotonic() - started
    print(
        f"{manifest.program.name} {manifest.program.version}: {manifest.lines} lines, {len(faults)} faults of "
        f"{len(causes)} causes, in {taken:.0f} s",
        flush=True,
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.recorder",
        description="Record real programs, healthy and broken on purpose. Example: python -m tools.recorder redis",
    )
    parser.add_argument("names", nargs="*", help="programs to record")
    parser.add_argument("--all", action="store_true", help="record every program")
    parser.add_argument("--list", action="store_true", help="print the known programs")
    parser.add_argument("--check", action="store_true", help="verify the whole set and print a table")
    parser.add_argument("--freeze", action="store_true", help="with --check: write the sums of the held-out recordings")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "examples" / "recordings", help="where recordings lie")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
