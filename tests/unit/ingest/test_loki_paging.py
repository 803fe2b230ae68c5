"""Paging neither loses nor repeats, whatever the times, bursts, limits and interruptions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_log_agent.ingest.loki import Budget, LokiReader, Reading
from k8s_log_agent.ingest.loki_client import LokiClient
from k8s_log_agent.ingest.loki_errors import AnswerTooLargeError, CursorError, SelectorError, TieError
from k8s_log_agent.ingest.loki_selector import Matcher, MatchOp, Selector
from k8s_log_agent.ingest.loki_window import Window
from k8s_log_agent.records import LogLine
from tests.fake_loki import FakeLoki

EVERYTHING = Selector((Matcher("job", MatchOp.EQUAL, "test"),))
END = 100
NO_BUDGET = Budget()

# Few timestamps, few texts that contain one another, few streams: what collides is common.
entries = st.tuples(
    st.sampled_from(["a", "b", "c"]),
    st.one_of(st.sampled_from([0, 15, 16, 17, 40]), st.integers(0, END - 1)),
    st.text(alphabet='ab"\\\n☃', max_size=4),
)
data_sets = st.lists(entries, max_size=60)

Key = tuple[str, int, str]


def fake_with(data: list[Key]) -> FakeLoki:
    fake = FakeLoki()
    for pod, timestamp, text in data:
        fake.add({"job": "test", "pod": pod}, (timestamp, text))
    return fake


def reader_of(fake: FakeLoki, cursor: Path | None = None, *, limit: int = 5, budget: Budget = NO_BUDGET) -> LokiReader:
    reading = Reading(EVERYTHING, 0, END, limit=limit, split_interval=16, budget=budget)
    return LokiReader(LokiClient(fake.client(), sleep=lambda seconds: None), reading, cursor)


def keys(lines: list[LogLine]) -> list[Key]:
    return [(line.stream.pod, line.timestamp or 0, line.text) for line in lines]


@settings(deadline=None)
@given(data=data_sets, limit=st.integers(2, 12))
def test_each_line_comes_once_and_in_the_order_of_time(data: list[Key], limit: int) -> None:
    lines = list(reader_of(fake_with(data), limit=limit))

    assert Counter(keys(lines)) == Counter(set(data))
    assert [line.timestamp for line in lines] == sorted(timestamp for _, timestamp, _ in set(data))
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))


def taken_before_an_interruption(reader: LokiReader, asked_for: int) -> list[LogLine]:
    """The lines after which another was asked for; the one in hand when the reading stops comes again."""
    reading = iter(reader)
    lines: list[LogLine] = []
    for _ in range(asked_for):
        line = next(reading, None)
        if line is None:
            return lines
        lines.append(line)
    reading.close()  # type: ignore[attr-defined]  # a generator, promised only as an iterator
    return lines[:-1]


@settings(deadline=None)
@given(data=data_sets, limit=st.integers(2, 12), stops=st.lists(st.integers(1, 25), max_size=4))
def test_an_interrupted_reading_goes_on_where_it_stopped(
    tmp_path_factory: pytest.TempPathFactory, data: list[Key], limit: int, stops: list[int]
) -> None:
    fake, cursor = fake_with(data), tmp_path_factory.mktemp("cursor") / "cursor.json"
    lines: list[LogLine] = []
    for stop in stops:
        lines += taken_before_an_interruption(reader_of(fake, cursor, limit=limit), stop)
        if not cursor.exists():
            break  # the range was finished
    else:
        lines += reader_of(fake, cursor, limit=limit)

    assert Counter(keys(lines)) == Counter(set(data))
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert not cursor.exists()


@settings(deadline=None)
@given(data=data_sets, allowed=st.integers(1, 30), limit=st.integers(2, 12))
def test_a_budget_of_lines_is_kept_to_the_line_and_the_rest_can_follow(
    tmp_path_factory: pytest.TempPathFactory, data: list[Key], allowed: int, limit: int
) -> None:
    fake, cursor = fake_with(data), tmp_path_factory.mktemp("cursor") / "cursor.json"
    first = reader_of(fake, cursor, limit=limit, budget=Budget(lines=allowed))
    taken = list(first)
    assert len(taken) == min(allowed, len(set(data)))
    assert first.provenance.complete or first.provenance.stopped_by == "lines"

    rest = list(reader_of(fake, cursor, limit=limit)) if not first.provenance.complete else []

    assert Counter(keys(taken + rest)) == Counter(set(data))
    assert not cursor.exists()


def test_no_query_is_wider_than_the_split_interval_or_crosses_it() -> None:
    fake = fake_with([("a", number, f"line {number}") for number in range(END)])

    list(reader_of(fake))

    for asked in fake.asked:
        start, end = int(asked["start"]), int(asked["end"])
        assert start // 16 == (end - 1) // 16


def test_a_quiet_range_is_asked_for_once_an_interval() -> None:
    fake = fake_with([("a", 3, "only line")])

    list(reader_of(fake))

    assert [(int(asked["start"]), int(asked["end"])) for asked in fake.asked] == [
        *((start, start + 16) for start in range(0, 96, 16)),
        (96, END),
    ]


def test_the_window_narrows_to_a_burst_and_widens_after_it() -> None:
    window = Window(widest=4096)
    window.held_too_much(span=100)
    assert 100 < window.width <= 800

    window.held(start=5 * window.width + 1, lines=1, limit=100)  # the rest of a window tells nothing
    assert window.width == 512
    window.held(start=6 * window.width, lines=30, limit=100)
    assert window.width == 1024
    window.held(start=6 * window.width, lines=1, limit=100)
    assert window.width == 4096


@pytest.mark.parametrize("start", [0, 1, 3599, 3600, 5000])
def test_a_window_ends_after_its_start_and_not_beyond_the_split(start: int) -> None:
    window = Window(widest=3600)
    for width in (3600, 1800, 7, 1):
        window.width = width
        assert start < window.end_after(start) <= (start // 3600 + 1) * 3600


def test_budgets_of_bytes_and_seconds_end_the_reading_early() -> None:
    fake = fake_with([("a", number, "ä" * 10) for number in range(END)])
    by_bytes = reader_of(fake, budget=Budget(bytes=50))
    assert len(list(by_bytes)) == 3
    assert by_bytes.provenance.bytes == 60
    assert (by_bytes.provenance.complete, by_bytes.provenance.stopped_by) == (False, "bytes")

    ticks = iter(range(10_000))
    client = LokiClient(fake.client(), clock=lambda: float(next(ticks)))
    by_time = LokiReader(client, Reading(EVERYTHING, 0, END, limit=5, split_interval=16, budget=Budget(seconds=40)))
    assert 0 < len(list(by_time)) < END
    assert by_time.provenance.stopped_by == "seconds"


def test_provenance_says_what_was_asked_and_what_came() -> None:
    fake = fake_with([("a", 7, f"line {number}") for number in range(9)])
    reader = reader_of(fake)

    lines = list(reader)
    told = reader.provenance

    assert told.query == '{job="test"}' == lines[0].source
    assert (told.start, told.end, told.limit, told.split_interval) == (0, END, 5, 16)
    assert (told.lines, told.bytes, told.complete, told.stopped_by, told.resumed) == (9, 54, True, "", False)
    assert told.loki_version == "fake"
    assert told.counts["ties"] == 1 and told.counts["splits"] >= 1
    assert told.counts["requests"] == len(fake.asked) + 1


def test_a_line_carries_its_labels_and_stream() -> None:
    fake = FakeLoki()
    labels = {"job": "test", "namespace": "shop", "pod": "web-1", "container": "app", "stream": "stderr"}
    fake.add(labels, (5, "error: it broke"))

    (line,) = reader_of(fake)

    assert line.stream == ("shop", "web-1", "app", "stderr")
    assert line.labels == {**labels, "service_name": "app", "detected_level": "error"}
    assert (line.timestamp, line.number, line.text) == (5, 1, "error: it broke")


def test_lines_that_nothing_parts_are_an_error_that_names_stream_and_time() -> None:
    # Texts whose only difference are bytes that were no UTF-8: each is shown alike, and none can be searched for.
    same = "\N{REPLACEMENT CHARACTER}"
    result = [{"stream": {"pod": "web"}, "values": [["7", same * length] for length in range(1, 6)]}]

    def always_full(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": {"resultType": "streams", "result": result}})

    http = httpx.Client(transport=httpx.MockTransport(always_full), base_url="http://loki.invalid")
    reader = LokiReader(LokiClient(http), Reading(EVERYTHING, 7, END, limit=5, split_interval=16))

    with pytest.raises(TieError, match=r"1970-01-01T00:00:00\.000000007Z.*'pod': 'web'"):
        list(reader)
    assert not reader.provenance.complete


def test_long_lines_are_asked_for_fewer_at_a_time() -> None:
    data = [("a", 7 + number // 20, f"{number:02} " + "x" * 300) for number in range(40)]
    http = fake_with(data).client()
    client = LokiClient(http, answer_bytes=3000)
    reader = LokiReader(client, Reading(EVERYTHING, 0, END, limit=40, split_interval=16))

    assert Counter(keys(list(reader))) == Counter(data)

    tiny = LokiReader(LokiClient(http, answer_bytes=300), Reading(EVERYTHING, 0, END, limit=40, split_interval=16))
    with pytest.raises(AnswerTooLargeError):
        list(tiny)


def test_a_restart_of_loki_in_the_middle_loses_and_repeats_nothing() -> None:
    data = [("a", number, f"line {number}") for number in range(END)]
    fake = fake_with(data)
    answers = iter(range(1000))

    def fault(request: httpx.Request) -> httpx.Response | None:
        number = next(answers)
        if number in {4, 5}:
            raise httpx.ConnectError("connection refused")
        if number in {6, 7}:
            return httpx.Response(503, text="Ingester not ready: waiting for 15s after being ready")
        return httpx.Response(200, content=b'{"status":"success","data":{"resul') if number == 9 else None

    fake.before = fault
    reader = reader_of(fake)

    assert keys(list(reader)) == data
    assert reader.provenance.counts["retries"] == 5


@pytest.mark.parametrize(
    ("content", "text"),
    [("not json", "is not a cursor"), ('{"schema_version": 1}', "is not a cursor")],
)
def test_a_file_that_is_no_cursor_is_refused(tmp_path: Path, content: str, text: str) -> None:
    cursor = tmp_path / "cursor.json"
    cursor.write_text(content, encoding="utf-8")

    with pytest.raises(CursorError, match=text):
        list(reader_of(FakeLoki(), cursor))
    assert cursor.read_text(encoding="utf-8") == content


def test_a_cursor_of_another_reading_is_refused(tmp_path: Path) -> None:
    fake, cursor = fake_with([("a", 1, "x"), ("a", 2, "y")]), tmp_path / "cursor.json"
    list(reader_of(fake, cursor, budget=Budget(lines=1)))
    other = Reading(EVERYTHING.containing("y"), 0, END, limit=5, split_interval=16)

    with pytest.raises(CursorError, match="its query is "):
        list(LokiReader(LokiClient(fake.client()), other, cursor))


def test_a_cursor_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    fake = fake_with([("a", 1, "x"), ("a", 2, "y")])

    with pytest.raises(CursorError, match="cannot be"):
        list(reader_of(fake, tmp_path / "file" / "cursor.json", budget=Budget(lines=1)))


@pytest.mark.parametrize(("start", "end", "limit"), [(5, 5, 10), (6, 5, 10), (0, 5, 1)])
def test_a_reading_of_nothing_is_refused(start: int, end: int, limit: int) -> None:
    with pytest.raises(SelectorError):
        Reading(EVERYTHING, start, end, limit=limit)
