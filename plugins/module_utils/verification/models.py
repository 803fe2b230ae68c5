"""The model servers: arguments, files, answers and speed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .rows import Row, Topic

SECTION = "Model server"
QUESTION = "What causes ImagePullBackOff errors?"
_STEP = "Look at kubectl logs -n llm -l app=llama-cpp, and run site.yml with the tag llama_cpp."
_SPEED_STEP = (
    "Another build for this processor, other threads (llama_cpp_benchmark tells the best number), or a busy machine "
    "may be the cause: kubectl top pod -A."
)


def argument_row(deployment: dict[str, Any] | None, model: Mapping[str, Any], topic: Topic) -> Row:
    """The server runs with the threads and slots that the inventory says."""
    arguments: list[str] = []
    if deployment is not None:
        arguments = deployment["spec"]["template"]["spec"]["containers"][0].get("args") or []
    expected = {"--threads": str(model["threads"]), "--parallel": str(model["slots"])}
    measured = {name: _following(arguments, name) for name in expected}
    return topic.row(
        f"threads and slots of {model['name']}",
        f"kubectl get deployment {model['name']} -n llm -o yaml",
        f"{expected['--threads']} threads, {expected['--parallel']} slots",
        f"{measured['--threads']} threads, {measured['--parallel']} slots",
        expected == measured,
        _STEP,
    )


def file_row(listing: str, model: Mapping[str, Any], topic: Topic) -> Row:
    """`listing` is what `ls -ln /models/` prints in the pod, or why it could not be asked."""
    sizes = {
        line.split()[-1]: line.split()[4]
        for line in listing.splitlines()
        if line.startswith("-") and len(line.split()) > 8
    }
    size = sizes.get(str(model["file"]))
    expected = f"{model['file']}, {int(model['size_bytes']) / 1e9:.2f} GB"
    measured = (
        f"{model['file']}, {int(size) / 1e9:.2f} GB" if size else "; ".join(listing.split("\n"))[:200] or "no file"
    )
    return topic.row(
        f"the file of {model['name']}",
        f"kubectl exec -n llm deploy/{model['name']} -- ls -lh /models/",
        expected,
        measured,
        size == str(model["size_bytes"]),
        "Run site.yml with the tag models, which brings and verifies the file.",
    )


def log_row(log: str, topic: Topic) -> Row:
    """The server says that it listens."""
    said = next((line.strip() for line in log.splitlines() if "listening" in line), "")
    command = "kubectl logs -n llm -l app=llama-cpp --tail=100"
    return topic.row("the server's log", command, "server listening", said[:160] or "not said", bool(said), _STEP)


def answer_rows(answers: Sequence[str], alias: str, topic: Topic) -> list[Row]:
    """What a curl pod in the namespace was told by /health, /v1/models and /v1/chat/completions, in this order."""
    health, models, chat = [*answers, "", "", ""][:3]
    served = [str(one.get("id")) for one in _json(models).get("data") or []]
    choices = _json(chat).get("choices") or [{}]
    said = " ".join(str((choices[0].get("message") or {}).get("content") or "").split())
    base = "curl http://llama-cpp:8080"
    return [
        topic.row(
            "/health", f"{base}/health", "ok", health[:200] or "no answer", _json(health).get("status") == "ok", _STEP
        ),
        topic.row("/v1/models", f"{base}/v1/models", alias, ", ".join(served) or models[:200], alias in served, _STEP),
        topic.row(
            "an answer to a question",
            f'{base}/v1/chat/completions ("{QUESTION}", 150 tokens)',
            "an answer",
            said[:300] or chat[:200] or "no answer",
            bool(said),
            _STEP,
        ),
    ]


def speed_row(name: str, what: str, rate: float | None, minimum: float, topic: Topic) -> Row:
    """Tokens per second by the server's own timings; without a minimum it is only told."""
    measured = "not measured" if rate is None else f"{rate:.2f} tokens/s"
    if not minimum and rate is not None:
        return topic.told(name, what, "no minimum is set", measured)
    return topic.row(
        name, what, f">= {minimum:g} tokens/s", measured, rate is not None and rate >= minimum, _SPEED_STEP
    )


def duration_row(tokens: int, seconds: float | None, topic: Topic) -> Row:
    """How long an answer of so many tokens takes at the measured rate; the guide's figure is beside it."""
    guide = {100: 5, 200: 10, 300: 15}[tokens]
    measured = "not measured" if seconds is None else f"{seconds:.1f} s"
    return topic.told(
        f"{tokens} tokens answered", "at the measured rate", f"about {guide} s on the reference homelab", measured
    )


def _following(arguments: Sequence[str], name: str) -> str:
    return arguments[arguments.index(name) + 1] if name in arguments[:-1] else "no"


def _json(text: str) -> dict[str, Any]:
    try:
        loaded = json.loads(text)
    except ValueError:
        return {}
    return loaded if isinstance(loaded, dict) else {}
