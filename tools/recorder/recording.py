"""The recording as a program's script sees it: pods whose output is kept, and windows that say what was true when.

pod = recording.pod("postgres-0", namespace="shop")
with recording.healthy("The shop's ordinary morning"):
...
with recording.fault("address_in_use", severity="CRITICAL", component=("database", "postgresql"),
evidence=[r"could not bind IPv4 address"], description="A second server on the same port",
values={"port": "5432"}):
...
"""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from k8s_log_agent.ingest.recordings import EvidencePlace, RecordedWindow
from k8s_log_agent.records import Component, Severity
from tools.recorder.pod_log import PodLog, RecordingFailedError, WrittenLine
from tools.recorder.privacy import Rewriter
from tools.recorder.running import Confinement, FileFollower, RunningProgram
from tools.recorder.sandbox import Sandbox

EVIDENCE_PER_PATTERN = 3
SETTLE_SECONDS = 0.3  # output still in pipes when a window's last step returns


class Pod:
    """A container of the recording: where programs run and files are followed."""

    def __init__(self, log: PodLog, *, sandboxed: bool) -> None:
        self.log = log
        self._sandboxed = sandboxed
        self._children: list[RunningProgram | FileFollower] = []

    def run(  # noqa: PLR0913 -- the parts of a process's world, named at every call
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | Path = "/",
        user: str | None = None,
        limits: Mapping[str, int] | None = None,
        cgroups: tuple[Path, ...] = (),
        stdin: bool = False,
    ) -> RunningProgram:
        """Start a program whose output is this pod's log. In the sandbox its host name is the pod's name."""
        program = RunningProgram(
            self.log,
            command,
            env=env,
            cwd=cwd,
            confinement=Confinement(user, limits, cgroups),
            sandboxed=self._sandboxed,
            stdin=stdin,
        )
        self._children.append(program)
        return program

    def tail(self, path: str | Path, stream: str = "stdout") -> FileFollower:
        """Follow a log file of a program that does not log to its output."""
        follower = FileFollower(self.log, Path(path), stream)
        self._children.append(follower)
        return follower

    def write(self, text: str, stream: str = "stdout") -> None:
        """Append one line by hand."""
        self.log.write(text, stream)

    def wait_for(self, pattern: str, seconds: float = 20, since: int = 0) -> re.Match[str]:
        """Wait for a line of this pod, of any program in it."""
        return self.log.wait_for(pattern, seconds, since)

    def end(self) -> None:
        """End all that runs or follows here."""
        for child in reversed(self._children):
            child.end()


class Recording:
    """Pods and windows of one program, below `folder`. `clock` gives ns since the epoch."""

    def __init__(
        self, folder: Path, rewrite: Rewriter, *, sandboxed: bool = False, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self.folder = folder
        self.rewrite = rewrite
        self.windows: list[RecordedWindow] = []
        self._pods: list[Pod] = []
        self._sandboxed = sandboxed
        self._sandbox: Sandbox | None = None
        self._cache: Path | None = None
        self._clock = clock
        self._open = threading.Lock()

    def attach(self, sandbox: Sandbox | None, cache: Path) -> None:
        """Give scripts the sandbox they may change and the folder that `Program.prepare` filled."""
        self._sandbox, self._cache = sandbox, cache

    @property
    def sandbox(self) -> Sandbox:
        """The world around the programs; raises outside of one."""
        if self._sandbox is None:
            raise RecordingFailedError("This script needs the sandbox; run it as `python -m tools.recorder NAME`.")
        return self._sandbox

    @property
    def cache(self) -> Path:
        """What `Program.prepare` made."""
        if self._cache is None:
            raise RecordingFailedError("This script needs what `Program.prepare` makes; run it through the recorder.")
        return self._cache

    def pod(self, name: str, *, namespace: str = "default", container: str | None = None) -> Pod:
        """A new pod with a new uid; the container is called as the pod without its generated ending."""
        called = container or re.sub(r"-\d+$|(-[0-9a-z]{8,10})?-[0-9a-z]{5}$", "", name)
        uid = uuid.uuid4()
        source = f"pods/{namespace}_{name}_{uid}/{called}/0.log"
        pod = Pod(PodLog(self.folder, source, name, self.rewrite, self._clock), sandboxed=self._sandboxed)
        self._pods.append(pod)
        return pod

    @contextmanager
    def healthy(self, description: str, values: Mapping[str, str] | None = None) -> Iterator[None]:
        """A window in which nothing is broken."""
        with self._window() as (start, settle):
            yield
            end = settle()
        self._add(start, end, kind="healthy", description=description, values=values or {})

    @contextmanager
    def fault(  # noqa: PLR0913 -- the fields of the truth, named at every call
        self,
        cause: str,
        *,
        severity: str,
        component: tuple[str, str],
        evidence: Sequence[str],
        description: str,
        values: Mapping[str, str] | None = None,
    ) -> Iterator[None]:
        """A window in which exactly one thing is broken.

        `evidence` are patterns of the lines that state the cause; when no line of the window matches one of them,
        `RecordingFailedError` says so.
        """
        with self._window() as (start, settle):
            yield
            end = settle()
        places = self._evidence(evidence, start, end)
        if not places:
            raise RecordingFailedError(
                f"The fault {cause!r} ({description}) left no line that matches {list(evidence)}. "
                f"The window's last lines were:\n{self._tail(start, end)}"
            )
        self._add(
            start,
            end,
            kind="fault",
            description=description,
            values=values or {},
            cause=cause,
            severity=Severity(severity),
            component=Component(kind=component[0], name=component[1]),
            evidence=tuple(places),
        )

    def close(self) -> int:
        """End everything, check every log, set the windows' line counts; returns the number of physical lines."""
        for pod in self._pods:
            pod.end()
        for pod in self._pods:
            pod.log.close()
        if not self.windows:
            raise RecordingFailedError("The script opened no window; a recording without truth is of no use.")
        self._remove_empty()
        counted = [
            window.model_copy(update={"lines": len(self._within(window.start, window.end))}) for window in self.windows
        ]
        self.windows = counted
        return sum(len(pod.log.lines) for pod in self._pods)

    def abandon(self) -> None:
        """End everything after a failure."""
        for pod in self._pods:
            pod.end()

    @contextmanager
    def _window(self) -> Iterator[tuple[datetime, Callable[[], datetime]]]:
        if not self._open.acquire(blocking=False):
            raise RecordingFailedError("A window was opened inside another; windows of a recording do not overlap.")

        def settle() -> datetime:
            time.sleep(SETTLE_SECONDS)
            return _moment(self._clock())

        try:
            yield self._start(), settle
        finally:
            self._open.release()

    def _start(self) -> datetime:
        now = _moment(self._clock())
        if self.windows:
            now = max(now, self.windows[-1].end + timedelta(microseconds=1))
        return now

    def _add(self, start: datetime, end: datetime, *, kind: Literal["healthy", "fault"], **fields: object) -> None:
        number = len(self.windows) + 1
        window = {"id": f"{number:03d}-{fields.get('cause', 'healthy')}", "kind": kind, "start": start, "end": end}
        self.windows.append(RecordedWindow.model_validate({**window, **fields}))

    def _within(self, start: datetime, end: datetime) -> list[tuple[str, WrittenLine]]:
        found = [
            (pod.log.source, line)
            for pod in self._pods
            for line in list(pod.log.lines)
            if start <= _moment(line.timestamp) <= end
        ]
        return sorted(found, key=lambda item: item[1].timestamp)

    def _evidence(self, patterns: Sequence[str], start: datetime, end: datetime) -> list[EvidencePlace]:
        lines = self._within(start, end)
        places: dict[tuple[str, int], None] = {}
        for pattern in patterns:
            compiled = re.compile(pattern)
            matching = [(source, line.number) for source, line in lines if compiled.search(line.text)]
            places.update(dict.fromkeys(matching[:EVIDENCE_PER_PATTERN]))
        return [EvidencePlace(source=source, line=number) for source, number in sorted(places)]

    def _tail(self, start: datetime, end: datetime) -> str:
        return "\n".join(f"  {line.text[:300]}" for _, line in self._within(start, end)[-20:]) or "  (none)"

    def _remove_empty(self) -> None:
        for pod in self._pods:
            path = self.folder / pod.log.source
            if not pod.log.lines:
                path.unlink()
                path.parent.rmdir()
                path.parent.parent.rmdir()


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC) + timedelta(
        microseconds=nanoseconds % 1_000_000_000 // 1000
    )
