"""Small parts of the service's core: whose turn it is, who is told, what a request may ask for, what is shown."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest

from k8s_log_agent.ingest.source_error import SourceError
from k8s_log_agent.llm.answers import ModelError
from k8s_log_agent.records import EvidenceLine
from k8s_log_agent.service.bus import MOST_LISTENERS, MOST_UNREAD, MemoryBus, TooManyListenersError
from k8s_log_agent.service.lines import LinesError, LineSource, Wanted
from k8s_log_agent.service.model_budget import BudgetedPanel, BudgetSpentError
from k8s_log_agent.service.models import ServiceEvent
from k8s_log_agent.service.outbox import Delivery
from k8s_log_agent.service.projections.loki import LokiProjection
from k8s_log_agent.service.projections.projection import UndeliveredError
from k8s_log_agent.service.settings import Settings, SettingsError
from k8s_log_agent.service.shown_lines import AROUND, SeenLines
from k8s_log_agent.service.turns import WAITED_IS_WORTH, Waiting, next_turn
from k8s_log_agent.triage.asking import Asked, Question
from k8s_log_agent.understand.pipeline import Understanding
from tests.service_core import START, verdict


def test_of_the_equally_urgent_the_one_with_the_fewest_running_jobs_is_next() -> None:
    waiting = [Waiting("a", 0, START), Waiting("b", 0, START + timedelta(seconds=1)), Waiting("c", 1, START)]
    assert next_turn(waiting, {}, {}, START) == waiting[2]
    assert next_turn(waiting[:2], {"a": 1}, {}, START) == waiting[1]
    assert next_turn(waiting[:2], {}, {"a": START}, START) == waiting[1]
    assert next_turn(waiting, {}, {}, START + 2 * WAITED_IS_WORTH) == waiting[2]
    assert next_turn([], {}, {}, START) is None


def test_a_clock_that_was_set_back_makes_nobody_wait_less_than_nothing() -> None:
    waiting = [Waiting("a", 0, START), Waiting("b", 0, START - timedelta(seconds=1))]
    assert next_turn(waiting, {}, {}, START - timedelta(days=1)) == waiting[1]


def test_listeners_hear_everything_in_order_unless_they_are_slow() -> None:
    async def listen() -> tuple[list[str], list[str]]:
        bus = MemoryBus()
        async with bus.subscribe() as quick, bus.subscribe() as slow:
            heard = []
            for number in range(MOST_UNREAD + 5):
                bus.publish(ServiceEvent("job", f"{number}"))
                heard.append((await anext(quick)).id)
            bus.close()
            return heard, [event.id async for event in slow]

    heard, late = asyncio.run(listen())
    everything = [f"{number}" for number in range(MOST_UNREAD + 5)]
    assert heard == everything
    assert late == everything[-len(late) :]
    assert MOST_UNREAD - 1 <= len(late) <= MOST_UNREAD


def test_listeners_that_went_without_a_word_keep_nobody_out() -> None:
    async def listen() -> None:
        bus = MemoryBus()
        for _ in range(MOST_LISTENERS + 1):
            bus.subscribe()
        there = [bus.subscribe() for _ in range(MOST_LISTENERS)]
        with pytest.raises(TooManyListenersError):
            bus.subscribe()
        await there[0].aclose()
        assert bus.subscribe()

    asyncio.run(listen())


def test_a_listener_that_comes_after_the_end_is_sent_home() -> None:
    async def listen() -> list[ServiceEvent]:
        bus = MemoryBus()
        bus.close()
        return [event async for event in bus.subscribe()]

    assert asyncio.run(listen()) == []


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"text": "  "},
        {"text": "a", "selector": "{a=1}"},
        {"selector": "{a=1}"},
        {"selector": "{a=1}", "start": "2026-11-25T09:00:00Z", "end": "2026-11-25T08:00:00Z"},
        {"selector": "{a=1}", "start": "2026-11-01T09:00:00Z", "end": "2026-11-25T08:00:00Z"},
        {"selector": "{a=1}", "start": "yesterday", "end": "today"},
    ],
)
def test_a_request_whose_parts_do_not_go_together_is_refused(payload: dict[str, str]) -> None:
    with pytest.raises(LinesError):
        Wanted.of(payload)


def test_pasted_lines_are_of_the_named_namespace_unless_they_say_otherwise() -> None:
    source = LineSource(Settings(most_lines=3))
    notes: list[str] = []
    read = list(
        source.read(Wanted.of({"text": "one\ntwo\nthree\nfour", "namespace": "shop"}), notes, lambda _done: None)
    )

    assert [(line.number, line.text, line.stream.namespace) for line in read] == [
        (1, "one", "shop"),
        (2, "two", "shop"),
        (3, "three", "shop"),
    ]
    assert "only the first 3 lines" in notes[0]
    with pytest.raises(SourceError, match="knows no Loki"):
        wanted = Wanted(selector='{a="b"}', start=START, end=START + timedelta(minutes=1))
        list(source.read(wanted, notes, lambda _done: None))


def test_an_incident_shows_what_is_cited_with_a_few_lines_around_and_no_secrets() -> None:
    seen = SeenLines()
    text = "\n".join(f"INFO step {number}" for number in range(1, 40)) + "\nERROR password=hunter2hunter2 \u202erefused"
    read = LineSource(Settings()).read(Wanted(text=text), [], lambda _done: None)
    for _ in seen.passing(Understanding.default().events(read)):
        pass

    shown = seen.around(verdict(evidence=(EvidenceLine(source="pasted", line=20, text=""),)))
    assert [line.number for line in shown] == list(range(20 - AROUND, 21 + AROUND))
    assert [line.number for line in shown if line.cited] == [20]
    last = seen.around(verdict(evidence=(EvidenceLine(source="pasted", line=40, text=""),)))[-1]
    assert "hunter2" not in last.text
    assert "\u202e" not in last.text


def test_a_job_asks_the_model_no_more_often_than_it_may() -> None:
    class Panel:
        prompt_version = "1"

        def check(self) -> None: ...

        def ask(self, question: Question) -> Asked:
            raise ModelError("asked")

    panel = BudgetedPanel(Panel(), 2)
    question = Question((), {}, (), ())
    for kind in (ModelError, ModelError, BudgetSpentError):
        with pytest.raises(kind):
            panel.ask(question)
    assert panel.asked == 2


def deliveries(*texts: str) -> list[Delivery]:
    changed = START.isoformat()
    return [Delivery(n, f"i{n}", 1, {"title": text, "changed_at": changed}) for n, text in enumerate(texts)]


def test_loki_gets_one_stream_and_a_line_that_it_will_never_take_costs_only_itself() -> None:
    pushed = []

    def answer(request: httpx.Request) -> httpx.Response:
        body = request.read().decode()
        pushed.append(body)
        return httpx.Response(400 if "too old" in body else 204)

    with httpx.Client(base_url="http://loki", transport=httpx.MockTransport(answer)) as http:
        refused = LokiProjection(http).deliver(deliveries("fine", "too old", "fine too"))

    assert refused == 1
    assert len(pushed) == 4
    assert all('"stream":{"job":"log-analyzer/verdicts"}' in body for body in pushed)


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
def test_what_loki_may_take_later_is_kept(status: int) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(status))
    with httpx.Client(base_url="http://loki", transport=transport) as http, pytest.raises(UndeliveredError):
        LokiProjection(http).deliver(deliveries("fine"))


def test_settings_come_from_flags_then_variables_and_secrets_from_files_only() -> None:
    environment = {"K8S_LOG_AGENT_QUEUE_LIMIT": "7", "K8S_LOG_AGENT_WORKERS": "5", "K8S_LOG_AGENT_NO_SUCH": "x"}
    read = Settings.read(environment, workers=3, model=None)
    assert (read.queue_limit, read.workers, read.model) == (7, 3, "")
    with pytest.raises(SettingsError, match="queue_limit"):
        Settings.read({"K8S_LOG_AGENT_QUEUE_LIMIT": "many"})
    with pytest.raises(SettingsError, match="others can reach"):
        Settings.read({}, listen_host="0.0.0.0")  # noqa: S104 - refused, which is the point
    assert Settings.read({}, listen_host="::1").on_loopback
