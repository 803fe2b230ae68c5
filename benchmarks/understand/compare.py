"""Lines a second of the understanding pipeline beside Drain3 with its four usual masks, on the same lines, one core."""

from __future__ import annotations

import argparse
import io
import json
import logging
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from statistics import median

from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

from k8s_log_agent.ingest.cri import read_cri
from k8s_log_agent.ingest.line_reader import raw_lines
from k8s_log_agent.ingest.locations import stream_of
from k8s_log_agent.records import LogLine
from k8s_log_agent.understand.pipeline import Understanding

GATE, GOAL = 3.0, 10.0
ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ROOT / "examples" / "recordings" / "training"
RESULT = ROOT / "benchmarks" / "results" / "understand.json"
BEFORE, AFTER = r"(?:(?<=[^A-Za-z0-9])|^)", r"(?:(?=[^A-Za-z0-9])|$)"
MASKS = {
    "UUID": "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",
    "IP": r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}",
    "HEX": "0x[a-fA-F0-9]+|[0-9a-fA-F]{16,}",
    "NUM": r"[\-+]?\d+",
}


@dataclass(frozen=True)
class Corpus:
    """The files of one program, in memory: relative path and content, and the bare texts of all their lines."""

    name: str
    files: tuple[tuple[PurePosixPath, bytes], ...]
    texts: tuple[str, ...]

    def lines(self) -> Iterator[LogLine]:
        """Read the bytes as the agent does."""
        for path, content in self.files:
            dropped: Counter[str] = Counter()
            yield from read_cri(raw_lines(io.BytesIO(content), dropped), stream_of(path), path.as_posix(), dropped)


def corpora(root: Path) -> list[Corpus]:
    """One corpus for each folder below `root` that holds CRI files."""
    found = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        paths = sorted(folder.rglob("*.log"))
        files = tuple((PurePosixPath(path.relative_to(folder).as_posix()), path.read_bytes()) for path in paths)
        corpus = Corpus(folder.name, files, ())
        if texts := tuple(line.text for line in corpus.lines()):
            found.append(Corpus(folder.name, files, texts))
    return found


def drain3() -> Callable[[str], object]:
    """A fresh template miner as its documentation sets one up, with four masks."""
    config = TemplateMinerConfig()
    config.masking_instructions = [
        MaskingInstruction(f"{BEFORE}(?:{pattern}){AFTER}", name) for name, pattern in MASKS.items()
    ]
    miner = TemplateMiner(config=config)
    return miner.add_log_message


def seconds_of(work: Callable[[], None]) -> float:
    """Processor time, so that other programs on the machine do not count."""
    start = time.process_time()
    work()
    return time.process_time() - start


def ours(chosen: list[Corpus], understanding: Understanding) -> None:
    """Read and understand everything, event by event."""
    for corpus in chosen:
        for _ in understanding.events(corpus.lines()):
            pass


def theirs(chosen: list[Corpus]) -> None:
    """Give the bare texts, reading not counted, to one miner for each program."""
    for corpus in chosen:
        learn = drain3()
        for text in corpus.texts:
            learn(text)


def measure(chosen: list[Corpus], rounds: int) -> dict[str, object]:
    """Lines a second of both, interleaved; `first` with nothing remembered, `again` over the same lines once more."""
    lines = sum(len(corpus.texts) for corpus in chosen)
    first, again, other = [], [], []
    for _ in range(rounds):
        understanding = Understanding.default()
        first.append(seconds_of(lambda understanding=understanding: ours(chosen, understanding)))  # type: ignore[misc] # mypy infers no type for a lambda with a default
        again.append(seconds_of(lambda understanding=understanding: ours(chosen, understanding)))  # type: ignore[misc] # mypy infers no type for a lambda with a default
        other.append(seconds_of(lambda: theirs(chosen)))
    return {
        "lines": lines,
        "ours_lines_per_second": round(lines / median(first)),
        "ours_again_lines_per_second": round(lines / median(again)),
        "drain3_lines_per_second": round(lines / median(other)),
        "ratio": round(median(other) / median(first), 2),
        "ratio_again": round(median(other) / median(again), 2),
    }


def processor() -> str:
    """The processor's own name."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")), "")


def main() -> int:
    """Measure, print, write the result; 1 when the gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=Path, default=RECORDINGS, help="folder with one folder for each program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    chosen = corpora(options.recordings)
    if not chosen:
        print(f"No CRI files below {options.recordings}. Record some with tools/recorder.", file=sys.stderr)
        return 2
    ours(chosen[:1], Understanding.default())
    total = measure(chosen, options.rounds)
    result = {
        "command": f"python -m benchmarks.understand.compare --rounds {options.rounds}",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"processor": processor(), "python": platform.python_version(), "kernel": platform.release()},
        "versions": {"drain3-improved": version("drain3-improved"), "k8s-log-agent": version("k8s-log-agent")},
        "gate": f"ratio at least {GATE:g}; goal {GOAL:g}",
        "masks": MASKS,
        "all": total,
        "programs": {corpus.name: measure([corpus], options.rounds) for corpus in chosen},
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({"all": total, "programs": result["programs"]}, indent=1))
    return 0 if float(str(total["ratio"])) >= GATE else 1


if __name__ == "__main__":
    sys.exit(main())
