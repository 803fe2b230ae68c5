"""Events, a small table of causes and a scripted model server for the tests of triage."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import respx

from k8s_log_agent.llm.client import ChatClient, ClientOptions
from k8s_log_agent.llm.prompt_templates import Prompt
from k8s_log_agent.llm.structured import StructuredChat
from k8s_log_agent.records import Category, CauseHint, Event, Severity, StreamKey
from k8s_log_agent.triage.asking import ModelPanel
from k8s_log_agent.understand.causes import Cause, CauseRule, CauseTable

URL = "http://model.test"
SOURCE = "pods/shop_db-0_1/postgresql/0.log"
SECOND = 10**9

TABLE = CauseTable(
    Cause(
        code=code,
        category=category,
        severity=severity,
        component_kind="app",
        summary=summary,
        remedies=("Look at it.",),
        rules=(
            CauseRule(
                name=f"{code.replace('_', '-')}-rule",
                reason="For tests only.",
                needs=(code,),
                weight=0.9,
                hits=(code,),
                misses=("fine",),
            ),
        ),
    )
    for code, category, severity, summary in (
        ("disk_full", Category.STORAGE, Severity.CRITICAL, "A volume is full."),
        ("upstream_refused", Category.NETWORK, Severity.ERROR, "A service refuses connections."),
        ("cert_expired", Category.AUTH, Severity.CRITICAL, "A certificate has expired."),
    )
)


def event(
    text: str,
    *codes: str,
    line: int = 1,
    weight: float = 0.9,
    severity: Severity = Severity.ERROR,
    seconds: float | None = 0,
    namespace: str = "shop",
    source: str = SOURCE,
    noise: str | None = None,
    signature: str = "",
    stream: StreamKey | None = None,
) -> Event:
    numbers = tuple(range(line, line + len(text.splitlines())))
    return Event(
        stream=stream or StreamKey(namespace, "db-0", "postgresql", "stderr"),
        timestamp=None if seconds is None else int(1_800_000_000 * SECOND + seconds * SECOND),
        lines=numbers,
        source=source,
        text=text,
        message=text.splitlines()[0],
        format="plain",
        level=severity,
        severity=severity,
        method="level",
        confidence=1,
        signature=signature or text,
        template=text,
        noise_rule=noise,
        causes=tuple(CauseHint(code, f"{code.replace('_', '-')}-rule", weight, numbers[-1]) for code in codes),
    )


UNSURE = [
    event("writing checkpoint", severity=Severity.INFO),
    event("could not extend file: no space left", "disk_full", line=7, weight=0.5, seconds=1),
    event("connect: connection refused", "upstream_refused", line=9, weight=0.5, seconds=2),
]
SURE = [event("could not extend file: no space left", "disk_full", line=7)]


def answer(content: str, finish: str = "stop") -> dict[str, Any]:
    return {
        "choices": [{"finish_reason": finish, "message": {"role": "assistant", "content": content}}],
        "usage": {"prompt_tokens": 700, "completion_tokens": 60, "prompt_tokens_details": {"cached_tokens": 300}},
    }


def opinion(cause: str = "disk_full", **changes: Any) -> str:
    said = {
        "evidence_lines": [1],
        "reasoning": "The volume is full.",
        "cause": cause,
        "severity": "CRITICAL",
        "confidence": "high",
    }
    return json.dumps({**said, **changes})


def serve(
    router: respx.MockRouter, *answers: httpx.Response | str | Exception, probe: bool = True, context: int = 4096
) -> respx.Route:
    """A server that counts a token for each four characters and gives these answers in turn, the last one for ever."""
    router.get(f"{URL}/props").respond(json={"default_generation_settings": {"n_ctx": context}})
    router.post(f"{URL}/apply-template").mock(side_effect=_template)
    router.post(f"{URL}/tokenize").mock(side_effect=_tokenize)
    waiting = [_response(one) for one in answers]

    def chat(request: httpx.Request) -> httpx.Response:
        form = json.loads(request.content).get("response_format")
        words = form["json_schema"]["schema"]["properties"].get("answer") if form else None
        if probe and words:
            return httpx.Response(200, json=answer(json.dumps({"answer": words["enum"][0]})))
        given = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(given, Exception):
            raise given
        return given

    return router.post(f"{URL}/v1/chat/completions").mock(side_effect=chat)


def client(clock: Callable[[], float] = lambda: 0.0, **options: Any) -> ChatClient:
    return ChatClient(URL, ClientOptions(**options), clock=clock, sleep=lambda _: None)


def panel(chat_client: ChatClient | None = None, prompt_tokens: int = 900) -> ModelPanel:
    prompt = Prompt("triage")
    chat = StructuredChat(chat_client or client(), lambda problem: prompt.render("repair", problem=problem))
    return ModelPanel(chat, prompt, prompt_tokens=prompt_tokens, nonce=lambda: "k7q2x9")


def question_of(request: httpx.Request) -> str:
    """The last turn that was sent."""
    content: str = json.loads(request.content)["messages"][-1]["content"]
    return content


def _response(one: httpx.Response | str | Exception) -> httpx.Response | Exception:
    return httpx.Response(200, json=answer(one)) if isinstance(one, str) else one


def _template(request: httpx.Request) -> httpx.Response:
    return httpx.Response(
        200, json={"prompt": "".join(turn["content"] for turn in json.loads(request.content)["messages"])}
    )


def _tokenize(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"tokens": [0] * (len(json.loads(request.content)["content"]) // 4)})
