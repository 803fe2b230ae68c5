"""Hands recorded faults to the running log analyzer, as a person pastes what `kubectl logs` printed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from k8s_log_agent.ingest.recordings import Recording, find_recordings
from k8s_log_agent.ingest.windows import lines_within, recording_lines
from k8s_log_agent.records import LogLine

MOST = 12  # incidents; more would take the demo longer than they show
MOST_LINES = 2000  # of a window
WAIT_SECONDS = 120.0


class AnalyzerError(Exception):
    """The analyzer did not take or finish what it was sent; the text says which and why."""


def send_recorded_faults(address: str, recordings: Path) -> int:
    """Send one fault of each recorded training program; return how many incidents the analyzer knows then.

    What was sent before is not analyzed again. Raises `AnalyzerError`.
    """
    with httpx.Client(base_url=address, timeout=30.0) as http:
        try:
            jobs = [_sent(http, *one) for one in list(faults(recordings))[:MOST]]
            deadline = time.monotonic() + WAIT_SECONDS
            while not all(_finished(http, job) for job in jobs):
                if time.monotonic() > deadline:
                    raise AnalyzerError(f"The log analyzer at {address} has not finished after {WAIT_SECONDS:.0f} s.")
                time.sleep(0.2)
            return int(_answer(http.get("/api/v1/incidents", params={"limit": 1}))["total"])
        except httpx.HTTPError as error:
            raise AnalyzerError(f"The log analyzer at {address} does not answer: {error}.") from error


def faults(recordings: Path) -> Iterator[tuple[str, str, str]]:
    """A key, the namespace and the lines of one recorded fault of each training program, of a cause not shown yet."""
    shown: set[str] = set()
    for recording in find_recordings(recordings, "training"):
        provoked = [one for one in recording.manifest.windows if one.kind == "fault" and one.cause not in shown]
        if not provoked:
            continue
        window = provoked[0]
        shown.add(window.cause)
        lines = lines_within(recording_lines(recording), window)[-MOST_LINES:]
        yield f"recorded-{_name(recording)}", lines[-1].stream.namespace, "\n".join(map(as_kubectl_prints, lines))


def as_kubectl_prints(line: LogLine) -> str:
    """The line in the form of `kubectl logs --prefix --timestamps`."""
    moment = datetime.fromtimestamp((line.timestamp or 0) // 10**9, UTC)
    stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{(line.timestamp or 0) % 10**9:09d}Z"
    return f"[pod/{line.stream.pod}/{line.stream.container}] {stamp} {line.text}"


def _name(recording: Recording) -> str:
    return recording.manifest.program.name


def _sent(http: httpx.Client, key: str, namespace: str, text: str) -> str:
    body = {"text": text, "namespace": namespace}
    answer = _answer(http.post("/api/v1/analyze", params={"wait": 0}, json=body, headers={"Idempotency-Key": key}))
    job = answer.get("job", answer)  # a job that was done before comes with its incidents
    return str(job["id"])


def _finished(http: httpx.Client, job: str) -> bool:
    return _answer(http.get(f"/api/v1/jobs/{job}"))["state"] in ("done", "failed", "cancelled")


def _answer(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise AnalyzerError(f"The log analyzer refused {response.request.url.path}: {response.text[:300]}")
    found: dict[str, Any] = response.json()
    return found
