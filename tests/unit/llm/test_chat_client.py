from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import httpx
import pytest
import respx

from k8s_log_agent.llm.answers import (
    CircuitOpenError,
    ContextOverflowError,
    Message,
    ServerAnswerError,
    ServerUnavailableError,
)
from k8s_log_agent.llm.circuit_breaker import CircuitBreaker
from k8s_log_agent.llm.client import ChatClient, ClientOptions

URL = "http://model.test"
CHAT = f"{URL}/v1/chat/completions"
ASKED = [Message("system", "Be short."), Message("user", "Why?")]
GOOD = {
    "choices": [{"finish_reason": "stop", "message": {"content": "Because."}}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 12}},
}


class Time:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def client(clock: Time) -> Iterator[ChatClient]:
    with ChatClient(URL, ClientOptions(model="small"), clock=clock, sleep=clock.sleep) as one:
        yield one


@respx.mock
def test_the_schema_goes_where_the_server_looks_for_it(client: ChatClient) -> None:
    route = respx.post(CHAT).respond(json=GOOD)

    got = client.complete(ASKED, max_tokens=50, schema={"type": "object"})

    sent = json.loads(route.calls.last.request.content)
    assert sent["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert "schema" not in sent["response_format"]
    assert (sent["max_tokens"], sent["max_completion_tokens"], sent["temperature"]) == (50, 50, 0)
    assert [turn["role"] for turn in sent["messages"]] == ["system", "user"]
    assert (got.text, got.finish_reason, got.prompt_tokens, got.cached_tokens, got.completion_tokens) == (
        ("Because.", "stop", 20, 12, 3)
    )


@respx.mock
@pytest.mark.parametrize(
    "fault",
    [
        httpx.Response(429),
        httpx.Response(500),
        httpx.Response(503),
        httpx.ConnectError("no"),
        httpx.ReadTimeout("slow"),
    ],
    ids=["429", "500", "503", "no connection", "time-out"],
)
def test_a_passing_fault_is_tried_again_after_a_growing_wait(
    client: ChatClient, clock: Time, fault: httpx.Response | Exception
) -> None:
    respx.post(CHAT).mock(side_effect=[fault, fault, httpx.Response(200, json=GOOD)])

    assert client.complete(ASKED, max_tokens=5).text == "Because."
    assert len(clock.slept) == 2
    assert 0.5 <= clock.slept[0] <= 1 and 1 <= clock.slept[1] <= 1.5


@respx.mock
@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_a_refusal_is_not_tried_again(client: ChatClient, clock: Time, status: int) -> None:
    route = respx.post(CHAT).respond(status, text="no")

    with pytest.raises(ServerAnswerError, match=str(status)):
        client.complete(ASKED, max_tokens=5)
    assert route.call_count == 1 and not clock.slept


@respx.mock
def test_an_overflow_has_its_own_name(client: ChatClient) -> None:
    respx.post(CHAT).respond(400, json={"error": {"type": "exceed_context_size_error", "n_ctx": 4096}})

    with pytest.raises(ContextOverflowError):
        client.complete(ASKED, max_tokens=5)


@respx.mock
def test_a_dead_server_is_left_alone_and_then_tried_once(client: ChatClient, clock: Time) -> None:
    route = respx.post(CHAT).mock(side_effect=httpx.ConnectError("refused"))
    for _ in range(3):
        with pytest.raises(ServerUnavailableError):
            client.complete(ASKED, max_tokens=5)
    asked = route.call_count

    with pytest.raises(CircuitOpenError, match="left alone"):
        client.complete(ASKED, max_tokens=5)
    assert route.call_count == asked

    clock.now += 31
    route.mock(return_value=httpx.Response(200, json=GOOD))
    assert client.complete(ASKED, max_tokens=5).text == "Because."


def test_only_one_trial_goes_through_a_half_open_breaker() -> None:
    clock = Time()
    breaker = CircuitBreaker(clock, failures=1, rest_seconds=10)
    breaker.failed()
    clock.now = 11

    assert breaker.wait_seconds() == 0
    assert breaker.wait_seconds() > 0, "the trial is still under way"
    breaker.succeeded()
    assert breaker.wait_seconds() == 0


@respx.mock
def test_a_refusal_does_not_open_the_breaker(client: ChatClient) -> None:
    respx.post(CHAT).respond(422, text="no")
    for _ in range(5):
        with pytest.raises(ServerAnswerError):
            client.complete(ASKED, max_tokens=5)


@respx.mock
def test_no_more_calls_run_at_once_than_there_are_slots() -> None:
    running, most = 0, 0
    lock, release = threading.Lock(), threading.Event()

    def slow(_: httpx.Request) -> httpx.Response:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == 2:
                release.set()
        release.wait(5)
        with lock:
            running -= 1
        return httpx.Response(200, json=GOOD)

    respx.post(CHAT).mock(side_effect=slow)
    with ChatClient(URL, ClientOptions(slots=2)) as client:
        workers = [threading.Thread(target=client.complete, args=(ASKED,), kwargs={"max_tokens": 5}) for _ in range(6)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    assert most == 2


@respx.mock
def test_tokens_are_counted_by_the_server_with_its_own_template(client: ChatClient) -> None:
    respx.post(f"{URL}/apply-template").respond(json={"prompt": "<|im_start|>system\nBe short."})
    counted = respx.post(f"{URL}/tokenize").respond(json={"tokens": [1, 2, 3]})

    assert client.count_tokens(ASKED) == 3
    assert json.loads(counted.calls.last.request.content)["content"] == "<|im_start|>system\nBe short."


@respx.mock
def test_a_server_that_cannot_count_gets_an_estimate_from_above(client: ChatClient) -> None:
    respx.post(f"{URL}/apply-template").respond(404)

    assert client.count_tokens([Message("user", "x" * 250)]) >= 100


@respx.mock
def test_the_context_is_that_of_one_slot(client: ChatClient) -> None:
    respx.get(f"{URL}/props").respond(json={"default_generation_settings": {"n_ctx": 4096}})

    assert client.context_tokens() == 4096


@respx.mock
def test_a_server_that_says_nothing_of_its_context_is_believed_to_have_one(client: ChatClient) -> None:
    respx.get(f"{URL}/props").respond(404)

    assert client.context_tokens() is None


@respx.mock
@pytest.mark.parametrize("body", ["", "nonsense", "[]", "{}", '{"choices": []}', '{"choices": [{}]}', "null"])
def test_an_answer_that_is_no_completion_is_an_error_of_its_own(client: ChatClient, body: str) -> None:
    respx.post(CHAT).respond(200, text=body)

    with pytest.raises(ServerAnswerError):
        client.complete(ASKED, max_tokens=5)
