from __future__ import annotations

import io
from typing import Any

from tools.demo_progress import Progress, events


def play(name: str) -> dict[str, Any]:
    return {"_event": "v2_playbook_on_play_start", "play": {"name": name}}


def task(name: str) -> dict[str, Any]:
    return {"_event": "v2_playbook_on_task_start", "task": {"name": name}}


def ended(**result: Any) -> dict[str, Any]:
    failed = result.get("failed", False)
    return {"_event": "v2_runner_on_failed" if failed else "v2_runner_on_ok", "hosts": {"localhost": result}}


def follow(*pairs: tuple[float, dict[str, Any]]) -> Progress:
    progress = Progress()
    for seconds, event in pairs:
        progress.follow(event, seconds)
    return progress


def test_a_stage_lasts_from_its_play_to_the_next() -> None:
    progress = follow(
        (1.0, play("Serve")),
        (1.1, task("a : Start it")),
        (2.0, ended(changed=True)),
        (11.0, play("Label")),
        (11.1, task("b : Label it")),
        (14.0, play("Score")),
        (15.0, ended()),
    )

    assert progress.timings({}) == {"Serve": 10.0, "Label": 3.0}


def test_a_stage_that_changed_nothing_keeps_the_seconds_of_the_run_that_did() -> None:
    progress = follow(
        (0.0, play("Serve")),
        (0.5, task("Start it")),
        (1.0, ended()),
        (2.0, play("Label")),
        (2.5, task("Label it")),
        (3.0, ended(changed=True)),
        (9.0, play("Score")),
    )

    assert progress.timings({"Serve": 60.0, "Label": 60.0}) == {"Serve": 60.0, "Label": 7.0}


def test_a_play_without_a_host_is_neither_shown_nor_timed() -> None:
    progress = Progress()

    shown = [
        progress.follow(event, seconds)
        for seconds, event in enumerate([play("Run the agents"), play("Label"), task("b : Label it"), play("Score")])
    ]

    assert shown == [None, None, "\nLabel\n     2.0 s  Label it", None]
    assert progress.timings({}) == {"Label": 2.0}


def test_the_first_failure_is_told_with_its_task() -> None:
    progress = follow(
        (0.0, play("Serve")),
        (1.0, task("models : Bring the model file")),
        (2.0, ended(failed=True, msg="The disk is full.")),
        (3.0, ended(failed=True, msg="Something later.")),
    )

    assert progress.failure == "Bring the model file: The disk is full."


def test_every_line_is_kept_and_only_events_are_followed() -> None:
    log = io.StringIO()

    found = list(events(["a warning\n", '{"_event": "v2_playbook_on_stats"}\n'], log))

    assert [event["_event"] for event in found] == ["v2_playbook_on_stats"]
    assert log.getvalue().startswith("a warning\n{")
