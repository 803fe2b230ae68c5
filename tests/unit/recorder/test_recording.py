"""Windows hold what they say, evidence is found or the recording fails, and nothing keeps running."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from platform import release
from typing import Any

import pytest

from tools.recorder.check import read_lines
from tools.recorder.pod_log import RecordingFailedError
from tools.recorder.privacy import CHECKOUT, PrivateTextError, Rewriter
from tools.recorder.recording import Recording

FULL: dict[str, Any] = {
    "severity": "CRITICAL",
    "component": ("database", "postgresql"),
    "description": "The volume is full",
}


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    made = Recording(tmp_path, Rewriter({"/private/place": "/srv"}))
    yield made
    made.abandon()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_the_output_of_a_program_becomes_the_log_of_its_pod(recording: Recording, tmp_path: Path) -> None:
    pod = recording.pod("web-7c9f6b5d4-abcde", namespace="shop")
    with recording.healthy("It says two things"):
        assert pod.run(["sh", "-c", "echo out; echo err >&2; exit 3"]).wait() == 3
    recording.close()

    (path,) = tmp_path.glob("pods/shop_web-7c9f6b5d4-abcde_*/web/0.log")
    assert {line.text for line in read_lines(path)} == {"out", "err"}
    assert recording.windows[0].lines == 2


def test_a_fault_finds_its_evidence_within_its_window_alone(recording: Recording) -> None:
    pod = recording.pod("postgres-0")
    with recording.healthy("Before"):
        pod.write("disk full? no: 12 % used")
    with recording.fault("disk_full", **FULL, evidence=["disk full"], values={"size": "8m"}):
        pod.write("checkpoint starting")
        pod.write("PANIC: disk full")
    pod.write("disk full, said too late")
    recording.close()

    fault = recording.windows[1]
    assert [place.line for place in fault.evidence] == [3]
    assert (fault.lines, fault.cause, fault.values) == (2, "disk_full", {"size": "8m"})
    assert recording.windows[0].end < fault.start


def test_at_most_three_lines_of_a_pattern_are_evidence(recording: Recording) -> None:
    pod = recording.pod("postgres-0")
    with recording.fault("disk_full", **FULL, evidence=["full", "tired"]):
        for number in range(9):
            pod.write(f"full {number}")
        pod.write("tired")

    assert [place.line for place in recording.windows[0].evidence] == [1, 2, 3, 10]


def test_a_fault_without_evidence_fails_with_the_lines_that_came_instead(recording: Recording) -> None:
    pod = recording.pod("postgres-0")
    with (
        pytest.raises(RecordingFailedError, match=r"(?s)no line that matches.*all is well"),
        recording.fault("disk_full", **FULL, evidence=["full"]),
    ):
        pod.write("all is well")


def test_windows_do_not_overlap(recording: Recording) -> None:
    with (
        recording.healthy("outer"),
        pytest.raises(RecordingFailedError, match="do not overlap"),
        recording.healthy("inner"),
    ):
        pass


def test_a_recording_without_windows_is_refused(recording: Recording) -> None:
    recording.pod("web-0").write("hello")

    with pytest.raises(RecordingFailedError, match="no window"):
        recording.close()


def test_waiting_for_a_line_ends_with_what_came_instead(recording: Recording) -> None:
    pod = recording.pod("web-0")
    program = pod.run(["sh", "-c", "echo not this one; exec sleep 30"])

    with pytest.raises(RecordingFailedError, match=r"(?s)no line matched 'ready'.*not this one"):
        program.wait_for("ready", 0.5)


def test_private_texts_are_replaced_and_counted(recording: Recording, tmp_path: Path) -> None:
    pod = recording.pod("web-0")
    with recording.healthy("It names its place twice"):
        pod.write("loading /private/place/a and /private/place/b")
    recording.close()

    (path,) = tmp_path.glob("pods/*/*/0.log")
    assert [line.text for line in read_lines(path)] == ["loading /srv/a and /srv/b"]
    assert recording.rewrite.counts == {"/srv": 2}


@pytest.mark.parametrize("text", ["opening /root/.pyenv/versions", f"in {CHECKOUT}/app.py", f"Linux {release()}"])
def test_a_text_that_names_the_machine_is_refused(recording: Recording, text: str) -> None:
    with recording.healthy("It says too much"):
        recording.pod("web-0").write(text)

    with pytest.raises(PrivateTextError, match="names this machine"):
        recording.close()


def test_the_longest_private_text_is_replaced_first() -> None:
    rewrite = Rewriter({"/a": "/x", "/a/b": "/y"})

    assert rewrite("/a/b/c /a/c") == "/y/c /x/c"


def test_ending_a_recording_ends_grandchildren_too(recording: Recording) -> None:
    pod = recording.pod("web-0")
    program = pod.run(["sh", "-c", "sleep 60 & echo $!; wait"])
    program.wait_for(r"^\d+$")
    grandchild = int(pod.log.lines[0].text)

    recording.abandon()

    assert not program.running
    deadline = time.monotonic() + 5
    while alive(grandchild) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(grandchild)


def test_stopping_gives_the_status_of_the_signal(recording: Recording) -> None:
    program = recording.pod("web-0").run(["sleep", "60"])

    assert program.stop(signal.SIGINT) == -signal.SIGINT


def test_limits_hold_for_the_program(recording: Recording) -> None:
    pod = recording.pod("web-0")
    pod.run(["sh", "-c", "ulimit -n"], limits={"nofile": 37}).wait()

    assert [line.text for line in pod.log.lines] == ["37"]


def test_a_followed_file_is_read_to_its_end_and_through_its_rotation(recording: Recording, tmp_path: Path) -> None:
    pod, path = recording.pod("web-0"), tmp_path / "app.log"
    follower = pod.tail(path)
    path.write_text("first\n")
    pod.wait_for("first", 5)
    path.rename(tmp_path / "app.log.1")
    path.write_text("second\n")
    pod.wait_for("second", 5)
    with path.open("a") as handle:
        handle.write("last\n")
    follower.end()

    assert [line.text for line in pod.log.lines] == ["first", "second", "last"]
