"""Holds our throughput figures against llama-bench's: same build, same model, same threads, interleaved rounds."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from benchmarks.llama.models import ModelMissingError, gemma3, smollm2
from k8s_log_agent.llm.benchmark import generation_rate, prompt_rate
from k8s_log_agent.llm.thread_sweep import free_port
from k8s_log_agent.llm.throughput_probe import ThroughputProbe

PROMPT_TOKENS, GENERATION_TOKENS = 512, 128
GATE, GOAL = 0.05, 0.03
ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "benchmarks"
RESULT = ROOT / "benchmarks" / "results" / "llama.json"


@dataclass(frozen=True)
class Tools:
    """The commands of one llama.cpp build, and where their file system begins."""

    bench: list[str]
    server: list[str]
    root: Path

    def place(self, model: Path) -> str:
        """Makes the model visible to the commands and returns its path as they see it."""
        if self.root == Path("/"):
            return str(model)
        seen = self.root / "tmp" / model.name
        if not seen.is_file() or seen.stat().st_size != model.stat().st_size:
            shutil.copyfile(model, seen)
        return f"/tmp/{model.name}"  # noqa: S108 - inside the root of the commands


def tools_from_environment() -> Tools | None:
    """What LLAMA_BENCH, LLAMA_SERVER and LLAMA_ROOT name, else what is on PATH; None when one is missing."""
    bench = os.environ.get("LLAMA_BENCH") or shutil.which("llama-bench")
    server = os.environ.get("LLAMA_SERVER") or shutil.which("llama-server")
    if not bench or not server:
        return None
    return Tools(shlex.split(bench), shlex.split(server), Path(os.environ.get("LLAMA_ROOT", "/")))


@contextmanager
def running_server(tools: Tools, model: str, threads: int) -> Iterator[str]:
    """The build's own llama-server with this model, at the address given."""
    port = str(free_port())
    command = [*tools.server, "--model", model, "--host", "127.0.0.1", "--port", port, "--threads", str(threads)]
    command += ["--threads-batch", str(threads), "--parallel", "1", "--ctx-size", "2048", "--cache-ram", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            while True:
                try:
                    if httpx.get(f"http://127.0.0.1:{port}/health").status_code == httpx.codes.OK:
                        break
                except httpx.HTTPError:
                    if process.poll() is not None:
                        raise SystemExit(f"llama-server ended with status {process.returncode} at its start.") from None
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def llama_bench(tools: Tools, model: str, threads: int) -> tuple[dict[str, float], str]:
    """One round of llama-bench: tokens per second by test, and the build."""
    command = [*tools.bench, "-m", model, "-p", str(PROMPT_TOKENS), "-n", str(GENERATION_TOKENS)]
    command += ["-r", "1", "-t", str(threads), "-o", "json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    tests = json.loads(done.stdout)
    rates = {"pp512" if test["n_prompt"] else "tg128": float(test["avg_ts"]) for test in tests}
    return rates, f"{tests[0]['build_commit']} {tests[0]['build_number']}"


def ours(probe: ThroughputProbe, prompt: list[int]) -> dict[str, float]:
    """One round of ours, measured and computed as the module does it; as in llama-bench, a dropped run goes first."""
    probe.complete(prompt, 1)
    return {
        "pp512": prompt_rate(probe.complete(prompt, 1)),
        "tg128": generation_rate(probe.complete(prompt[:8], GENERATION_TOKENS)),
    }


def compare(tools: Tools, model: Path, threads: int, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Both in turn, `rounds` times after one dropped round; medians, samples and ratios by test."""
    seen = tools.place(model)
    theirs_by_test: dict[str, list[float]] = {"pp512": [], "tg128": []}
    ours_by_test: dict[str, list[float]] = {"pp512": [], "tg128": []}
    build = ""
    with running_server(tools, seen, threads) as base_url, ThroughputProbe(base_url) as probe:
        prompt = probe.prompt(PROMPT_TOKENS)
        for number in range(rounds + 1):
            theirs, build = llama_bench(tools, seen, threads)
            mine = ours(probe, prompt)
            say(f"{model.stem}: {'warm-up' if number == 0 else f'round {number} of {rounds}'}")
            for test in theirs_by_test if number else ():
                theirs_by_test[test].append(theirs[test])
                ours_by_test[test].append(mine[test])
    tests = {
        test: {
            "ours_tokens_per_second": median(ours_by_test[test]),
            "llama_bench_tokens_per_second": median(theirs_by_test[test]),
            "ratio": median(ours_by_test[test]) / median(theirs_by_test[test]),
            "ours_samples": ours_by_test[test],
            "llama_bench_samples": theirs_by_test[test],
        }
        for test in theirs_by_test
    }
    return {"model": model.name, "model_bytes": model.stat().st_size, "build": build, "tests": tests}


def main() -> int:
    """Exit status 0 when every ratio is within the gate, 1 when one is not, 2 when something is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.llama.compare", description=__doc__)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds that count (default: 9)")
    given = parser.parse_args()
    tools = tools_from_environment()
    if tools is None:
        print(
            "llama-bench or llama-server is not here. benchmarks/llama/README.md says how to get both.", file=sys.stderr
        )
        return 2
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        models = [smollm2(), gemma3(CACHE)]
    except ModelMissingError as error:
        print(error, file=sys.stderr)
        return 2
    results = [
        compare(tools, model, given.threads, given.rounds, lambda line: print(line, flush=True)) for model in models
    ]
    report = {
        "command": "python -m benchmarks.llama.compare " + shlex.join(sys.argv[1:]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"processor": _processor(), "threads": given.threads, "kernel": platform.release()},
        "gate": f"each ratio of medians within {GATE:.0%} of 1; goal {GOAL:.0%}",
        "models": results,
    }
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return _verdict(results)


def _verdict(results: list[dict[str, Any]]) -> int:
    worst = 0.0
    for result in results:
        for test, figures in result["tests"].items():
            worst = max(worst, abs(figures["ratio"] - 1))
            print(
                f"{result['model']}  {test}: ours {figures['ours_tokens_per_second']:.1f} tokens/s, llama-bench "
                f"{figures['llama_bench_tokens_per_second']:.1f}, ratio {figures['ratio']:.3f}"
            )
    print(f"furthest from 1: {worst:.1%} (gate {GATE:.0%}, goal {GOAL:.0%}); written to {RESULT.relative_to(ROOT)}")
    return 0 if worst <= GATE else 1


def _processor() -> str:
    rows = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((row.partition(":")[2].strip() for row in rows if row.startswith("model name")), platform.machine())


if __name__ == "__main__":
    sys.exit(main())
