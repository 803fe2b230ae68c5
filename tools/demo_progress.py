"""What the events of a playbook run tell: the task at work, what failed, and the seconds of each play."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO


def events(lines: Iterable[str], log: TextIO) -> Iterator[dict[str, Any]]:
    """Yield the JSON events among the output lines; write every line to `log`."""
    for line in lines:
        log.write(line)
        if line.startswith("{"):
            yield json.loads(line)


@dataclass
class Progress:
    """What the events of a run have told so far. Stages are plays with work to do, named as the playbooks name them."""

    task: str = ""
    failure: str = ""
    changed: int = 0
    stage: str = ""
    seconds_by_stage: dict[str, float] = field(default_factory=dict)
    changed_stages: set[str] = field(default_factory=set)
    _stage_began: float = 0.0
    _stage_works: bool = False

    def follow(self, event: Mapping[str, Any], seconds: float) -> str | None:
        """Take in one event that came `seconds` after the start; return a line to show, or None."""
        kind = event.get("_event")
        if kind == "v2_playbook_on_play_start":
            self._end_stage(seconds)
            self.stage = str(event["play"]["name"])
            return None
        if kind == "v2_playbook_on_task_start":
            return self._begin_task(str(event["task"]["name"]).rpartition(" : ")[2], seconds)
        if kind == "v2_runner_on_ok" and any(result.get("changed") for result in event["hosts"].values()):
            self.changed_stages.add(self.stage)
        elif kind == "v2_runner_on_failed":
            self.failure = self.failure or failure_text(event["hosts"], self.task)
        elif kind == "v2_runner_on_unreachable":
            self.failure = self.failure or f"{self.task}: a host could not be reached"
        elif kind == "v2_playbook_on_stats":
            self._end_stage(seconds)
            self.changed = sum(host.get("changed", 0) for host in event["stats"].values())
        return None

    def timings(self, before: Mapping[str, float]) -> dict[str, float]:
        """The seconds of the finished stages: of this run where something changed in them, else those of `before`."""
        fresh = {
            name: round(seconds, 1)
            for name, seconds in self.seconds_by_stage.items()
            if name in self.changed_stages or name not in before
        }
        return {**before, **fresh}

    def _begin_task(self, task: str, seconds: float) -> str | None:
        title = "" if self._stage_works else f"\n{self.stage}\n"
        self.task, self._stage_works = task, True
        line = "" if task.startswith("Validating arguments") else f"  {seconds:6.1f} s  {task}"
        return (title + line).removesuffix("\n") or None

    def _end_stage(self, seconds: float) -> None:
        if self._stage_works:
            self.seconds_by_stage[self.stage] = seconds - self._stage_began
        self.stage, self._stage_began, self._stage_works = "", seconds, False


def failure_text(hosts: Mapping[str, Any], task: str) -> str:
    """Return what the failed task said, in one paragraph."""
    results = list(hosts.values())
    items = [item for result in results for item in result.get("results", [result]) if item.get("failed", True)]
    words = [str(item.get("msg") or item.get("stderr") or "no reason was given") for item in items]
    return f"{task}: {' '.join(words[:3])}"
