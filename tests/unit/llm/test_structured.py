from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
import respx
from pydantic import BaseModel, ConfigDict

from k8s_log_agent.llm.answers import ConstraintNotBoundError, InvalidAnswerError, Message, ServerUnavailableError
from k8s_log_agent.llm.client import ChatClient
from k8s_log_agent.llm.schema import choice, flat_object
from k8s_log_agent.llm.structured import StructuredAnswer, StructuredChat

CHAT = "http://model.test/v1/chat/completions"
SCHEMA = flat_object({"cause": choice(["oom", "disk"])})


class Said(BaseModel):
    model_config = ConfigDict(extra="forbid")
    cause: str


def completion(text: str, finish: str = "stop") -> httpx.Response:
    return httpx.Response(200, json={"choices": [{"finish_reason": finish, "message": {"content": text}}]})


def bound(request: httpx.Request) -> httpx.Response | None:
    schema = json.loads(request.content)["response_format"]["json_schema"]["schema"]
    words = schema["properties"].get("answer", {}).get("enum")
    return completion(json.dumps({"answer": words[0]})) if words else None


def serve(*answers: httpx.Response, probe: Callable[[httpx.Request], httpx.Response | None] = bound) -> respx.Route:
    waiting = list(answers)
    return respx.post(CHAT).mock(side_effect=lambda request: probe(request) or waiting.pop(0))


def ask(**options: object) -> StructuredAnswer[Said]:
    client = ChatClient("http://model.test", sleep=lambda _: None)
    chat = StructuredChat(client, lambda problem: f"Wrong: {problem}")
    return chat.ask([Message("user", "Why?")], Said, SCHEMA, max_tokens=20, **options)  # type: ignore[arg-type] # `check`


@respx.mock
def test_a_valid_answer_comes_as_it_is() -> None:
    serve(completion('{"cause": "oom"}'))

    answer = ask()

    assert (answer.value.cause, answer.repaired, len(answer.calls)) == ("oom", False, 1)


@respx.mock
@pytest.mark.parametrize(
    "bad", ['{"cause": "oom"', '{"cause": "oom", "more": 1}', "oom", "", "{}", "null", '{"cause": 5}']
)
def test_a_bad_answer_gets_one_repair_that_quotes_what_was_wrong(bad: str) -> None:
    route = serve(completion(bad), completion('{"cause": "disk"}'))

    answer = ask()

    turns = json.loads(route.calls.last.request.content)["messages"]
    assert (answer.value.cause, answer.repaired, len(answer.calls)) == ("disk", True, 2)
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert turns[-1]["content"].startswith("Wrong: ")


@respx.mock
def test_an_answer_that_was_cut_off_is_bad_even_when_it_parses() -> None:
    serve(completion('{"cause": "oom"}', finish="length"), completion('{"cause": "disk"}'))

    assert ask().value.cause == "disk"


@respx.mock
def test_a_second_bad_answer_is_the_end() -> None:
    route = serve(completion("no"), completion("still no"))

    with pytest.raises(InvalidAnswerError) as raised:
        ask()
    assert route.call_count == 3, "the probe, the answer, one repair"
    assert len(raised.value.calls) == 2


@respx.mock
def test_what_only_the_caller_knows_is_checked_too() -> None:
    serve(completion('{"cause": "oom"}'), completion('{"cause": "disk"}'))

    answer = ask(check=lambda said: None if said.cause == "disk" else "it is the disk")

    assert answer.value.cause == "disk" and answer.repaired


@respx.mock
@pytest.mark.parametrize("said", ["The sea is wide.", '{"answer": "sea"}', '{"answer": "heron-4417", "more": 1}'])
def test_a_server_that_keeps_to_neither_schema_nor_grammar_is_not_used(said: str) -> None:
    route = serve(probe=lambda _: completion(said))

    with pytest.raises(ConstraintNotBoundError):
        ask()
    assert route.call_count == 2, "one probe for the schema, one for the grammar"


def only_grammar(refusal: httpx.Response) -> Callable[[httpx.Request], httpx.Response]:
    """A server that knows grammars and answers a `response_format` with `refusal`."""

    def answered(request: httpx.Request) -> httpx.Response:
        sent = json.loads(request.content)
        if "grammar" not in sent:
            return refusal
        word = "heron-4417" if "heron-4417" in sent["grammar"] else "disk"
        return completion(json.dumps({"answer" if word == "heron-4417" else "cause": word}))

    return answered


@respx.mock
@pytest.mark.parametrize(
    "refusal",
    [completion("The sea is wide."), httpx.Response(400, json={"error": "response_format is not known"})],
    ids=["ignored", "refused"],
)
def test_a_server_that_does_not_know_the_schema_is_asked_by_grammar(refusal: httpx.Response) -> None:
    route = serve(probe=only_grammar(refusal))

    answer = ask()

    last = json.loads(route.calls.last.request.content)
    assert (answer.value.cause, answer.repaired, route.call_count) == ("disk", False, 3)
    assert "response_format" not in last and '"{" "\\"cause\\":" value0 "}"' in last["grammar"]


@respx.mock
def test_a_server_that_is_down_says_nothing_about_its_constraint_and_is_probed_again() -> None:
    answers = [httpx.Response(503), httpx.Response(503), httpx.Response(503), completion('{"answer": "heron-4417"}')]
    respx.post(CHAT).mock(side_effect=answers)
    chat = StructuredChat(ChatClient("http://model.test", sleep=lambda _: None), str)

    with pytest.raises(ServerUnavailableError):
        chat.probe()
    assert chat.probe() == "schema"


@respx.mock
def test_the_probe_is_made_once() -> None:
    route = serve(completion('{"cause": "oom"}'), completion('{"cause": "oom"}'))
    chat = StructuredChat(ChatClient("http://model.test"), str)

    for _ in range(2):
        chat.ask([Message("user", "Why?")], Said, SCHEMA, max_tokens=20)

    assert route.call_count == 3
