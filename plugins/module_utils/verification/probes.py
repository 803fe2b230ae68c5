"""Asks from inside the cluster what a person would ask there."""

from __future__ import annotations

import json
import time

from .. import loki_answers
from ..cluster_api import ClusterApi, ClusterError
from . import logs, models, throwaway
from .rows import Row, Topic

_START_SECONDS = 120.0
_FOUND_SECONDS = 60.0
_ANSWER_SECONDS = 600.0  # a slow processor needs minutes for 150 tokens
_BETWEEN = "=== next answer ==="


def nonce_row(api: ClusterApi, image: str, nonce: str, topic: Topic) -> Row:
    """A pod prints the nonce; the seconds count from its start until Loki has the line."""
    if topic.off:
        return logs.nonce_row(None, 0, topic)
    command = ["/bin/sh", "-c", f"echo log-intelligence verify {nonce}; sleep 120"]
    ask = loki_answers.by_service(api, "logging", "loki", 3100, 30.0)
    query = f'{{namespace="default"}} |= "{nonce}"'

    def find() -> loki_answers.Found:
        now = time.time()
        return loki_answers.find_lines(ask, query, now - 600, now + 5, 10)

    try:
        with throwaway.pod(api, throwaway.manifest(f"verify-{nonce}", "default", image, command)) as path:
            throwaway.wait_until_started(api, path, _START_SECONDS)
            found, waited = loki_answers.wait_for_lines(find, 1, _FOUND_SECONDS)
    except (ClusterError, loki_answers.LokiError) as error:
        return logs.failed_nonce_row(str(error), topic)
    return logs.nonce_row(found.lines[0] if found.lines else None, waited, topic)


def answer_rows(api: ClusterApi, image: str, nonce: str, alias: str, topic: Topic) -> list[Row]:
    """Health, models and an answer, asked by curl from a pod of the namespace `llm`."""
    if topic.off:
        return models.answer_rows([], alias, topic)
    question = {
        "model": alias,
        "messages": [{"role": "user", "content": models.QUESTION}],
        "max_tokens": 150,
        "temperature": 0,
    }
    body = json.dumps(question).replace("'", "")
    base = "curl --silent --show-error --max-time 500 http://llama-cpp:8080"
    script = (
        f"{base}/health 2>&1; echo; echo '{_BETWEEN}'; {base}/v1/models 2>&1; echo; echo '{_BETWEEN}'; "
        f"{base}/v1/chat/completions --header 'Content-Type: application/json' --data '{body}' 2>&1"
    )
    wanted = throwaway.manifest(f"verify-{nonce}", "llm", image, ["/bin/sh", "-c", script])
    try:
        with throwaway.pod(api, wanted) as path:
            throwaway.wait_until_started(api, path, _START_SECONDS)
            told = throwaway.output(api, path, _ANSWER_SECONDS)
    except ClusterError as error:
        told = str(error)
    return models.answer_rows([part.strip() for part in told.split(_BETWEEN)], alias, topic)
