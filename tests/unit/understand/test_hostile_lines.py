import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from k8s_log_agent.records import LogLine, StreamKey
from k8s_log_agent.understand.memory import MOST_CONTAINERS, Memories
from k8s_log_agent.understand.pipeline import Understanding
from k8s_log_agent.understand.redaction import Redactor

PIECES = (
    '{"level":"info","msg":"x"}|{"a":{"b":|"level":|level=|ts=|msg="|\\|\\"|"|{|}|[|]|=|:|,| |  |\t|\x00|\x1b[31m|\x1b]'
    "|%|<|>|<TOKEN:1>|<EMAIL:|/|?q=x|password=hunter2|password: |token=|eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"
    "|-----BEGIN PRIVATE KEY-----|Authorization: Bearer abcdef123456|redis://u:p@h|a@b.example|4111 1111 1111 1111"
    "|00000000000000000000|é|\ud800|\u2028|\u017f|Caused by: |\tat x.y(Z.java:1)|Traceback (most recent call last):"
    "|panic: |goroutine 1 [running]:|E1124 20:00:00.000000 1 a.go:1] |<34>1 |2026-11-24T20:00:00Z "
    f"|2026-11-24 20:00:00,123 |{'9' * 150}|ERROR|WARN |1e999|NaN|exit code 137|status=9/KILL|fe80::1|/a/b/c/d|٣٤|error"
    "|no space left on device|OOMKilled"
).split("|")
LINE = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
HOSTILE = settings(max_examples=200, derandomize=True, deadline=None)


def lines_of(texts: list[str], seconds_apart: int = 1) -> list[LogLine]:
    stream = StreamKey("shop", "web", "app", "stdout")
    return [LogLine(stream, number, number * seconds_apart, text, "0.log") for number, text in enumerate(texts, 1)]


@HOSTILE
@given(st.lists(LINE, min_size=1, max_size=8))
@example(["x\x00", "\ud800", '{"level":'])
def test_every_line_that_says_something_comes_out_once(texts: list[str]) -> None:
    events = list(Understanding.default().events(lines_of(texts)))

    numbers = [number for event in events for number in event.lines]
    assert len(set(numbers)) == len(numbers)
    silent = set(range(1, len(texts) + 1)) - set(numbers)
    assert all(not texts[number - 1].replace("\x1b[31m", "").strip() for number in silent)


@HOSTILE
@given(st.lists(LINE, min_size=1, max_size=8))
@example(["9" * 401, "9" * 1201])
def test_what_is_remembered_changes_no_answer(texts: list[str]) -> None:
    remembering, fresh = Understanding.default(), Understanding.default(remember=False)

    again = [list(remembering.events(lines_of(texts))) for _ in range(2)]
    assert again[0] == again[1] == list(fresh.events(lines_of(texts)))


@HOSTILE
@given(st.lists(LINE, min_size=1, max_size=4))
def test_what_was_redacted_stays_as_it_is(texts: list[str]) -> None:
    once = Redactor.default().redact("\n".join(texts))

    assert Redactor.default().redact(once.text).text == once.text


def test_the_memory_of_many_containers_is_bounded() -> None:
    memories = Memories()
    for number in range(3 * MOST_CONTAINERS):
        memories[f"container-{number}"].entry(f"{number % 7} lines came")

    assert len(memories) <= MOST_CONTAINERS
    assert memories.entries <= 3 * MOST_CONTAINERS


def test_the_entries_of_all_containers_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("k8s_log_agent.understand.memory.MOST_ENTRIES", 50)
    memories = Memories()
    for number in range(400):
        memories[f"container-{number % 4}"].entry("wording " + "x" * number)

        assert memories.entries <= 50
