"""Whether the memory of the understanding stays the same, however many lines come and whatever they say.

Each line is new: times, ids, addresses and names differ, and every twentieth has a wording that was never seen.
Containers come and go, more of them than are remembered. The resident memory is read as the lines go by.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.understand.compare import ROOT
from k8s_log_agent.records import LogLine, StreamKey
from k8s_log_agent.understand.pipeline import Understanding

RESULT = ROOT / "benchmarks" / "results" / "understand_memory.json"
SETTLED = 0.5  # share of the lines after which the memory may not grow any more
GATE = 1.1  # most memory after that, as a multiple of the most until then
ALIVE = 20  # containers that write at the same time
LIFE = 2_000  # lines of all of them after which one goes and another comes
SENTENCES = 60
FORMS = (
    '{{"level":"{level}","ts":"{time}","msg":"{words}","id":"{uuid}","took_ms":{number}}}',
    'time="{time}" level={level} msg="{words}" pod={name} attempt={number}',
    "{time} {LEVEL} [{name}] {words}: 10.{octet}.{octet}.7:{number}",
    'I1124 20:00:00.{number:06} 1 {name}.go:{octet}] "{words}" pod="shop/{name}"',
    '10.0.{octet}.3 - - [24/Nov/2026:20:00:00 +0000] "GET /{name}/{number} HTTP/1.1" 200 {number}',
    "{words} {uuid}",
)
WORDS = "order placed for customer timeout while reading from upstream connection closed cache refreshed".split()


def lines(count: int, seed: int) -> Iterator[LogLine]:
    """As many lines as asked for, the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - lines, not secrets
    sentences = [" ".join(chance.choices(WORDS, k=5)) for _ in range(SENTENCES)]
    for number in range(count):
        words = chance.choice(sentences)
        if not number % 20:
            words += " " + "".join(chance.choices("bcdfghklmnprstvwz", k=9))
        level = chance.choice(("info", "info", "info", "warn", "error"))
        text = chance.choice(FORMS).format(
            level=level,
            LEVEL=level.upper(),
            time=datetime.fromtimestamp(1764000000 + number, UTC).isoformat(timespec="milliseconds"),
            words=words,
            uuid=f"{chance.getrandbits(32):08x}-aaaa-4bbb-8ccc-{chance.getrandbits(48):012x}",
            number=chance.randrange(100_000),
            octet=chance.randrange(256),
            name=f"web-{chance.randrange(40)}",
        )
        container = f"container-{number // LIFE + chance.randrange(ALIVE)}"
        stream = StreamKey("shop", f"pod-of-{container}", container, "stdout")
        yield LogLine(stream, number + 1, (1764000000 + number) * 10**9, text, "0.log")


def resident() -> int:
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    """Measure, print, write the result; 1 when the memory goes on growing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    step = max(options.lines // 20, 1)
    understanding, seen, samples = Understanding.default(), 0, {0: resident()}
    start = time.process_time()
    for event in understanding.events(lines(options.lines, options.seed)):
        before, seen = seen, seen + len(event.lines)
        if seen // step > before // step:
            samples[seen] = resident()
            print(f"{seen:10,} lines  {samples[seen] / 2**20:7.1f} MiB", file=sys.stderr, flush=True)
    settled = max(size for at, size in samples.items() if at <= options.lines * SETTLED)
    most = max(samples.values())
    result = {
        "command": f"python -m benchmarks.understand.memory --lines {options.lines} --seed {options.seed}",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"k8s-log-agent": version("k8s-log-agent")},
        "gate": f"most memory at most {GATE:g} times the most in the first {SETTLED:.0%} of the lines",
        "lines": options.lines,
        "containers": options.lines // LIFE + ALIVE,
        "growth": round(most / settled, 3),
        "most_mib": round(most / 2**20, 1),
        "processor_seconds": round(time.process_time() - start, 1),
        "resident_mib": {str(at): round(size / 2**20, 1) for at, size in samples.items()},
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))
    return 0 if most <= settled * GATE else 1


if __name__ == "__main__":
    sys.exit(main())
