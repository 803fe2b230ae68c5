"""Waits until a local service answers, and says why it does not."""

from __future__ import annotations

import re
import time
import urllib.error
from collections.abc import Callable

from ansible.module_utils.urls import open_url

# What a server's last words mean for the person who started it: (pattern, cause, next step).
LIKELY_CAUSES = (
    (r"address already in use|couldn't bind", "the port is taken", "choose another port or stop the other program"),
    (r"cannot allocate|bad_alloc|failed to allocate|out of memory", "memory ran out", "use a smaller context or model"),
    (
        r"failed to load model|invalid magic|gguf_init_from_file",
        "the model file cannot be loaded",
        "run the models role again",
    ),
    (r"no module named|modulenotfounderror", "the Python environment is incomplete", "run `make setup`"),
    (
        r"permission denied|read-only file system",
        "a file may not be written or read",
        "check the owner of the directory",
    ),
    (r"no space left on device", "the disk is full", "make room and run again"),
    (r"cannot be used as a configuration", "the configuration file is wrong", "run the role again to rewrite it"),
)


class NotReadyError(Exception):
    """The service did not answer in time, or ended; the text carries its last words and the likely cause."""


def wait_until_ready(
    name: str,
    url: str,
    seconds: float,
    still_wanted: Callable[[], bool],
    last_lines: Callable[[], list[str]],
) -> float:
    """Waits for an answer 200 from `url` and returns the seconds it took.

    `still_wanted` says whether the supervisor still tries to run the service; `last_lines` reads its log.
    """
    started = time.monotonic()
    while True:
        waited = time.monotonic() - started
        answer = _answer(url)
        if answer == "200":
            return waited
        if not still_wanted():
            raise NotReadyError(f"{name} ended soon after it was started. {explain(last_lines())}")
        if waited > seconds:
            raise NotReadyError(
                f"{name} did not answer at {url} within {seconds:g} s (last: {answer}). {explain(last_lines())}"
            )
        time.sleep(0.1)


def explain(lines: list[str]) -> str:
    """The likely cause with its next step, and the last log lines."""
    if not lines:
        return "It wrote no log."
    text = "\n".join(lines)
    found = [(cause, step) for pattern, cause, step in LIKELY_CAUSES if re.search(pattern, text, re.IGNORECASE)]
    likely = f"Likely cause: {found[0][0]}; {found[0][1]}. " if found else ""
    return f"{likely}Its last lines: {' | '.join(line.strip() for line in lines[-8:])}"


def _answer(url: str) -> str:
    try:
        with open_url(url, timeout=5, use_proxy=False) as response:
            return str(response.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))
