"""Every kind of source gives its lines, and whatever is lost on the way is counted."""

from __future__ import annotations

import gzip
import io
import json
from collections import Counter
from pathlib import Path

import pytest
import zstandard

from k8s_log_agent.ingest.files import SourceError, read_path, read_stream
from k8s_log_agent.ingest.line_reader import MAX_LINE_BYTES
from k8s_log_agent.records import LogLine, StreamKey

TIME = "2026-11-24T20:00:00.5Z"
NANOSECONDS = 1_795_550_400_500_000_000


def write(path: Path, content: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path: Path, field: str | None = None) -> tuple[list[LogLine], Counter[str]]:
    dropped: Counter[str] = Counter()
    return list(read_path(path, dropped, field)), dropped


def texts(lines: list[LogLine]) -> list[str]:
    return [line.text for line in lines]


def test_a_pod_tree_names_stream_source_and_physical_line(tmp_path: Path) -> None:
    write(tmp_path / "pods/shop_web-0_1234/app/0.log", f"{TIME} stdout F one\n{TIME} stderr F two\n")

    lines, dropped = read(tmp_path)

    assert lines[1] == LogLine(
        StreamKey("shop", "web-0", "app", "stderr"), 2, NANOSECONDS, "two", "pods/shop_web-0_1234/app/0.log"
    )
    assert not dropped


def test_partial_lines_are_joined_without_a_break_for_each_output(tmp_path: Path) -> None:
    content = f"{TIME} stdout P hel\n{TIME} stderr F other\n{TIME} stdout P l\n{TIME} stdout F o\n"

    lines, _ = read(write(tmp_path / "0.log", content))

    assert [(line.text, line.number, line.stream.output) for line in lines] == [
        ("other", 2, "stderr"),
        ("hello", 1, "stdout"),
    ]


def test_a_line_cut_in_half_keeps_its_text_and_an_open_partial_is_not_lost(tmp_path: Path) -> None:
    lines, dropped = read(write(tmp_path / "0.log", f"{TIME} stdout F ok\n2026-11-24T20:\n{TIME} stdout P begun"))

    assert texts(lines) == ["ok", "2026-11-24T20:", "begun"]
    assert dropped == {"broken_cri": 1, "unfinished_partial": 1}


def test_a_joined_line_beyond_the_bound_is_cut_once_and_counted(tmp_path: Path) -> None:
    piece = "x" * 16_000
    content = f"{TIME} stdout P {piece}\n" * 20 + f"{TIME} stdout F end\n{TIME} stdout F next\n"

    lines, dropped = read(write(tmp_path / "0.log", content))

    assert [len(line.text) for line in lines] == [MAX_LINE_BYTES, 4]
    assert dropped == {"truncated": 1}


@pytest.mark.parametrize("size", [MAX_LINE_BYTES + 1, 3_000_000])
def test_a_line_beyond_the_bound_is_cut_and_the_next_one_is_whole(tmp_path: Path, size: int) -> None:
    lines, dropped = read(write(tmp_path / "big.log", b"a" * size + b"\nnext\n"))

    assert [len(line.text) for line in lines] == [MAX_LINE_BYTES, 4]
    assert lines[1].number == 2
    assert dropped == {"truncated": 1}


def test_bytes_that_are_no_text_are_replaced_and_counted(tmp_path: Path) -> None:
    lines, dropped = read(write(tmp_path / "odd.log", b"good\n\xff\xfe bad\nnul\0led\r\n"))

    assert texts(lines) == ["good", "\ufffd\ufffd bad", "nulled"]
    assert dropped == {"invalid_utf8": 1, "nul_bytes": 1}


@pytest.mark.parametrize("name", ["app.log.gz", "app.log.zst"])
def test_compressed_files_are_read_by_their_content(tmp_path: Path, name: str) -> None:
    plain = b"one\ntwo\n"
    content = gzip.compress(plain) if name.endswith("gz") else zstandard.compress(plain) + zstandard.compress(b"more")

    lines, _ = read(write(tmp_path / name, content))

    assert texts(lines) == (["one", "two"] if name.endswith("gz") else ["one", "two", "more"])


def test_an_archive_that_ends_too_early_gives_what_it_has(tmp_path: Path) -> None:
    content = gzip.compress("".join(f"line {number} {number * 7919}\n" for number in range(60_000)).encode())

    lines, dropped = read(write(tmp_path / "app.log.gz", content[: len(content) // 2]))

    assert len(lines) > 1000
    assert dropped["broken_archive"] == 1


def test_rotated_files_come_before_the_current_one_and_restarts_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "shop_web_1/app"
    for name in ("0.log", "0.log.20261124-200000", "0.log.20261124-190000.gz", "1.log", "10.log"):
        text = f"{TIME} stdout F {name}\n".encode()
        write(folder / name, gzip.compress(text) if name.endswith("gz") else text)

    lines, _ = read(tmp_path)

    assert texts(lines) == ["0.log.20261124-190000.gz", "0.log.20261124-200000", "0.log", "1.log", "10.log"]
    assert len({line.stream for line in lines}) == 1


@pytest.mark.parametrize(
    ("prefix", "stream"),
    [("[pod/web-0/app] ", StreamKey("", "web-0", "app", "")), ("", StreamKey("", "", "out", ""))],
)
def test_output_of_kubectl_logs_loses_prefix_and_timestamp(tmp_path: Path, prefix: str, stream: StreamKey) -> None:
    lines, _ = read(write(tmp_path / "out.log", f"{prefix}2026-11-24T20:00:00.500000001Z GET / 200\n"))

    assert lines == [LogLine(stream, 1, NANOSECONDS + 1, "GET / 200", "out.log")]


def test_a_program_that_writes_its_own_timestamps_keeps_them(tmp_path: Path) -> None:
    text = "2026-11-24T20:00:00.500000Z  INFO app: started"

    lines, _ = read(write(tmp_path / "app.log", text))

    assert texts(lines) == [text]


def test_journald_export_gives_time_host_unit_and_priority(tmp_path: Path) -> None:
    record = {
        "__REALTIME_TIMESTAMP": "1795550400500000",
        "MESSAGE": "Killed process",
        "PRIORITY": "3",
        "_HOSTNAME": "node-1",
        "SYSLOG_IDENTIFIER": "kernel",
    }
    as_bytes = {**record, "MESSAGE": [72, 105, 255]}

    lines, _ = read(write(tmp_path / "journal.json", json.dumps(record) + "\n" + json.dumps(as_bytes) + "\n"))

    assert lines[0].stream == StreamKey("", "node-1", "kernel", "journal")
    assert (lines[0].timestamp, lines[0].labels["PRIORITY"]) == (NANOSECONDS, "3")
    assert lines[1].text == "Hi\ufffd"


@pytest.mark.parametrize("shape", ["list", "lines", "watch"])
def test_kubernetes_events_become_lines_of_the_object_concerned(tmp_path: Path, shape: str) -> None:
    event = {
        "kind": "Event",
        "type": "Warning",
        "reason": "BackOff",
        "message": "Back-off restarting\nfailed container",
        "count": 12,
        "lastTimestamp": "2026-11-24T20:00:00Z",
        "involvedObject": {
            "kind": "Pod",
            "name": "web-0",
            "namespace": "shop",
            "fieldPath": "spec.containers{app}",
        },
    }
    content = {
        "list": json.dumps({"apiVersion": "v1", "kind": "List", "items": [event]}, indent=2),
        "lines": json.dumps(event) + "\n",
        "watch": json.dumps({"type": "ADDED", "object": event}) + "\n",
    }[shape]

    lines, _ = read(write(tmp_path / "events.json", content))

    assert texts(lines) == ["Warning BackOff Pod/web-0: Back-off restarting failed container (x12)"]
    assert lines[0].stream[:3] == ("shop", "web-0", "app")
    assert lines[0].timestamp == NANOSECONDS - 500_000_000


def test_a_broken_list_of_events_says_how_to_get_a_whole_one(tmp_path: Path) -> None:
    path = write(tmp_path / "events.json", '{\n "kind": "EventList",\n "items": [')

    with pytest.raises(SourceError, match="kubectl get events"):
        read(path)


def test_a_named_field_of_json_lines_is_the_text_with_its_labels(tmp_path: Path) -> None:
    record = {"line": "hello", "timestamp": "1795550400500000000", "labels": {"namespace": "shop", "pod": "web"}}
    path = write(tmp_path / "x.jsonl", json.dumps(record) + '\nnot json\n{"other": 1}\n')

    lines, dropped = read(path, "line")

    assert (lines[0].text, lines[0].timestamp, lines[0].stream.pod) == ("hello", NANOSECONDS, "web")
    assert lines[1].text == "not json"
    assert dropped == {"broken_json": 1, "no_line_in_object": 1}


def test_docker_files_are_unwrapped(tmp_path: Path) -> None:
    record = {"log": "hello\n", "stream": "stderr", "time": TIME}

    lines, _ = read(write(tmp_path / "x-json.log", json.dumps(record)))

    assert (lines[0].text, lines[0].stream.output, lines[0].timestamp) == ("hello", "stderr", NANOSECONDS)


def test_json_that_a_program_logs_stays_whole(tmp_path: Path) -> None:
    text = '{"level":"info","msg":"x"}'

    lines, _ = read(write(tmp_path / "app.log", text))

    assert texts(lines) == [text]


def test_a_folder_skips_what_is_no_log_and_copies_and_says_so(tmp_path: Path) -> None:
    write(tmp_path / "node/pods/shop_web_1/app/0.log", f"{TIME} stdout F one\n")
    write(tmp_path / "node/containers/web_shop_app-1.log", f"{TIME} stdout F one\n")
    write(tmp_path / "manifest.json", '{\n "schema_version": 1\n}')
    write(tmp_path / "pod.yaml", "kind: Pod")
    write(tmp_path / "image.log", bytes(range(256)) * 64)
    write(tmp_path / "empty.log", "")

    lines, dropped = read(tmp_path)

    assert texts(lines) == ["one"]
    assert dropped == {"duplicate_file": 1, "document": 1, "not_a_log_file": 1, "binary_file": 1, "empty_file": 1}


def test_support_bundles_name_pod_and_container(tmp_path: Path) -> None:
    write(tmp_path / "cluster-resources/pods/logs/shop/web-0/app-previous.log", "before\n")
    write(tmp_path / "cluster-resources/pods/logs/shop/web-0/app.log", "after\n")

    lines, _ = read(tmp_path)

    assert texts(lines) == ["before", "after"]
    assert {line.stream[:3] for line in lines} == {("shop", "web-0", "app")}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path / "missing", "does not exist"),
        (lambda path: write(path / "empty.log", ""), "No log line found in"),
        (lambda path: write(path / "blank.log", "\n\n"), "No log line found in"),
        (lambda path: path, "No log line found in"),
        (lambda path: write(path / "b.tar", b"\0" * 257 + b"ustar" + b"x" * 300), "Unpack"),
    ],
)
def test_nothing_to_read_is_one_paragraph_with_a_next_step(tmp_path: Path, make: object, words: str) -> None:
    assert callable(make)
    path = make(tmp_path)

    with pytest.raises(SourceError, match=words) as error:
        read(path)

    assert "\n" not in str(error.value)


def test_timestamps_out_of_order_stay_as_they_are(tmp_path: Path) -> None:
    lines, _ = read(write(tmp_path / "0.log", f"2026-11-24T20:00:01Z stdout F later\n{TIME} stdout F earlier\n"))

    assert texts(lines) == ["later", "earlier"]


def test_a_stream_is_read_as_it_comes() -> None:
    assert texts(list(read_stream(io.BytesIO(b"one\ntwo"), Counter(), "-"))) == ["one", "two"]
    with pytest.raises(SourceError):
        list(read_stream(io.BytesIO(b""), Counter(), "-"))


def test_a_pipe_that_begins_with_half_a_line_is_recognised() -> None:
    class Pipe(io.BytesIO):
        def read1(self, size: int | None = -1) -> bytes:
            return self.read(min(size or 7, 7))

    lines = list(read_stream(Pipe(f"\n\n{TIME} stdout F hello\n".encode()), Counter(), "-"))

    assert texts(lines) == ["hello"]
