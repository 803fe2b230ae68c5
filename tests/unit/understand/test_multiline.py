"""The lines of one statement come together; no line is lost, repeated or moved to another stream."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_log_agent.records import LogLine, StreamKey
from k8s_log_agent.understand.continuation import shape_of
from k8s_log_agent.understand.formats import parse
from k8s_log_agent.understand.multiline import GAP, HARD_LIMIT, MOST_LINES, Group, Joiner

STREAM = StreamKey("shop", "web-0", "app", "stderr")
OTHER = STREAM._replace(output="stdout")
MILLISECOND = 1_000_000


def line(
    text: str, number: int, *, stream: StreamKey = STREAM, time: int | None = None, source: str = "0.log"
) -> LogLine:
    return LogLine(stream, number, number * 1000 if time is None else time, text, source)


def join(lines: Sequence[LogLine], most_streams: int = 4096) -> list[Group[None]]:
    joiner: Joiner[None] = Joiner(most_streams)
    done: list[Group[None]] = []
    for one in lines:
        parsed = parse(one.text)
        if (group := joiner.push(one, shape_of(one.text, parsed), parsed, None)) is not None:
            done.append(group)
    return [*done, *joiner.flush()]


def grouped(text: str) -> list[int]:
    groups = join([line(part, number) for number, part in enumerate(text.strip("\n").split("\n"), 1)])
    return [group.size for group in groups]


JAVA = """
2026-11-24 20:00:00,123 ERROR [main] c.e.App: it failed
java.lang.IllegalStateException: no
\tat c.e.App.run(App.java:12)
\tat c.e.App.main(App.java:3)
Caused by: java.io.IOException: disk
\tat c.e.Disk.write(Disk.java:9)
\t... 2 more
2026-11-24 20:00:01,123 INFO  [main] c.e.App: next
"""
PYTHON = """
ERROR:root:it failed
Traceback (most recent call last):
  File "/app/x.py", line 3, in f
    g()
ValueError: no

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/x.py", line 5, in h
    f()
KeyError: 'x'
INFO:root:next
"""
GO = """
panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.handler(0xc000012345)
\t/app/main.go:12 +0x1d
main.main()
\t/app/main.go:5 +0x20
exit status 2
"""
NODE = """
/app/index.js:10
        throw new Error('no')
        ^

Error: no
    at Object.<anonymous> (/app/index.js:10:9)
    at Module._compile (node:internal/modules/cjs/loader:1105:14)

Node.js v20.1.0
"""
DOTNET = """
Unhandled exception. System.InvalidOperationException: no
 ---> System.IO.IOException: disk
   at App.Disk.Write() in /src/Disk.cs:line 3
   --- End of inner exception stack trace ---
   at App.Program.Main(String[] args) in /src/Program.cs:line 7
"""
RUBY = """
/app/x.rb:3:in `f': no (RuntimeError)
\tfrom /app/x.rb:7:in `<main>'
"""
RUST = """
thread 'main' panicked at src/main.rs:4:5:
index out of bounds: the len is 3 but the index is 99
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
"""
POSTGRESQL = """
2026-11-24 20:00:00.123 UTC [12] ERROR:  duplicate key value
2026-11-24 20:00:00.123 UTC [12] DETAIL:  Key (id)=(3) already exists.
2026-11-24 20:00:00.123 UTC [12] STATEMENT:  INSERT INTO x
\tVALUES (3)
2026-11-24 20:00:00.124 UTC [12] LOG:  next
"""
JULIAN = """
Nov 24, 2026 8:00:00 PM org.foo.Bar baz
SEVERE: it failed
Nov 24, 2026 8:00:01 PM org.foo.Bar baz
INFO: next
"""


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        (JAVA, [7, 1]),
        (PYTHON, [12, 1]),
        (GO, [8]),
        (NODE, [9]),
        (DOTNET, [5]),
        (RUBY, [2]),
        (RUST, [3]),
        (POSTGRESQL, [4, 1]),
        (JULIAN, [2, 2]),
    ],
    ids="java python go node dotnet ruby rust postgresql julian".split(),
)
def test_a_trace_is_one_statement(text: str, sizes: list[int]) -> None:
    assert grouped(text) == sizes


def test_statements_of_different_formats_in_one_stream_stay_apart() -> None:
    text = """
{"level":"info","msg":"one"}
Killed
I1124 20:00:00.123456  1 x.go:1] two
level=info msg=three
sh: 1: serve: not found
"""
    assert grouped(text) == [1, 1, 1, 1, 1]


def test_a_trace_after_an_unrelated_statement_is_its_own() -> None:
    text = 'INFO:root:all is well\nTraceback (most recent call last):\n  File "x", line 1\nValueError: no'

    assert grouped(text) == [1, 3]


def test_streams_and_files_are_never_mixed() -> None:
    lines = [
        line("ERROR:root:x", 1),
        line("\tat a.b(C.java:1)", 2, stream=OTHER),
        line("\tat a.b(C.java:1)", 3, source="1.log"),
        line("\tat d.e(F.java:1)", 4, source="1.log"),
    ]

    assert sorted(group.numbers() for group in join(lines)) == [(1,), (2,), (3, 4)]


@pytest.mark.parametrize(("later", "groups"), [(GAP, 1), (GAP + 1, 2), (-GAP - 1, 2)])
def test_silence_ends_a_statement(later: int, groups: int) -> None:
    lines = [line("ERROR:root:x", 1, time=10 * GAP), line("\tat a.b(C.java:1)", 2, time=10 * GAP + later)]

    assert len(join(lines)) == groups


def test_a_headerless_line_joins_only_what_was_written_with_it() -> None:
    header = "2026-11-24 20:00:00,123 ERROR [main] c.e.App: could not parse:"
    close, far = (join([line(header, 1, time=0), line("the text", 2, time=gap)]) for gap in (MILLISECOND, 10**9))

    assert (len(close), len(far)) == (1, 2)


def test_a_long_statement_keeps_both_ends_and_all_numbers() -> None:
    count = MOST_LINES * 3
    lines = [line("panic: x", 1), *(line(f"\tframe {number}", number) for number in range(2, count + 1))]

    (group,) = join(lines)
    head, tail = group.texts()

    assert group.numbers() == tuple(range(1, count + 1))
    assert (head[0], tail[-1]) == ("panic: x", f"\tframe {count}")
    assert len(head) + len(tail) + group.cut == count
    assert len(head) + len(tail) <= MOST_LINES


def test_an_endless_statement_is_ended() -> None:
    lines = [line("\tmore", number) for number in range(1, 2 * HARD_LIMIT + 1)]

    assert [group.size for group in join(lines)] == [HARD_LIMIT, HARD_LIMIT]


def test_more_streams_than_can_be_open_lose_nothing() -> None:
    lines = [line(f"x {number}", number, stream=STREAM._replace(pod=f"web-{number % 7}")) for number in range(50)]

    assert sorted(number for group in join(lines, 3) for number in group.numbers()) == list(range(50))


TEXTS = st.sampled_from(
    [*"".join((JAVA, PYTHON, GO, NODE, DOTNET, RUST, POSTGRESQL, JULIAN)).split("\n"), "", "  ", "Killed", "x: y"]
) | st.text(max_size=12)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(TEXTS, st.integers(0, 2), st.integers(-GAP, 2 * GAP) | st.none()), max_size=60))
def test_no_line_is_lost_repeated_or_moved(given_lines: list[tuple[str, int, int | None]]) -> None:
    lines = [
        LogLine(STREAM._replace(pod=f"web-{pod}"), number, time, text, "0.log")
        for number, (text, pod, time) in enumerate(given_lines)
    ]

    groups = join(lines)

    for pod in range(3):
        stream = STREAM._replace(pod=f"web-{pod}")
        came_out = [number for group in groups if group.first.stream == stream for number in group.numbers()]
        assert came_out == [one.number for one in lines if one.stream == stream]
