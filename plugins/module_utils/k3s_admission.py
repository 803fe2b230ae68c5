"""Whether a host may become what is asked for: the request against what runs, and the word of the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import k3s_causes, k3s_checks, k3s_probe, k3s_tokens

ARGUMENTS: dict[str, Any] = {
    "role": {"type": "str", "choices": ["server", "agent"], "required": True},
    "host": {"type": "str", "required": True},
    "version": {"type": "str", "required": True},
    "servers": {"type": "list", "elements": "str", "required": True},
    "node_names": {"type": "list", "elements": "str", "default": []},
    "settings": {"type": "dict", "default": {}},
    "kubelet_settings": {"type": "dict", "default": {}},
    "cpu_manager_policy": {"type": "str", "choices": ["none", "static"], "default": "none"},
    "secrets_encryption": {"type": "bool", "default": True},
    "server_token": {"type": "str", "default": "", "no_log": True},
    "agent_token": {"type": "str", "default": "", "no_log": True},
    "join_url": {"type": "str", "default": ""},
}


def examine(
    given: Mapping[str, Any], found: Mapping[str, Any], on_server: Mapping[str, Any], *, check: bool, now: float
) -> tuple[list[str], k3s_probe.Answer | None]:
    """Every problem in one sentence with its next step, and what the server said; None when there is none to ask.

    `given` has the values of ARGUMENTS; `found` and `on_server` are answers of k3s_info from here and the first server.
    `now` is in seconds since the epoch.
    """
    problems = [*_tokens(given, check), *k3s_checks.problems(_request(given), found, on_server)]
    if not given["join_url"]:
        return problems, None
    user, token = (k3s_probe.SERVER, "server_token") if given["role"] == "server" else (k3s_probe.NODE, "agent_token")
    answer = k3s_probe.ask(given["join_url"], given[token] or None, user, now)
    return [*problems, *_of_the_server(answer, given, found, on_server, check)], answer


def _tokens(given: Mapping[str, Any], check: bool) -> list[str]:
    """What is weak, and whether the host's own is missing, which in check mode may only have been announced."""
    found = []
    for name, token in (("k3s_token", given["server_token"]), ("k3s_agent_token", given["agent_token"])):
        try:
            if token:
                k3s_tokens.require_strength(token, name)
        except k3s_tokens.WeakTokenError as error:
            found.append(str(error))
    if not given[f"{given['role']}_token"] and not check:
        found.append(
            f"there is no token for {given['host']}, neither in a variable nor in k3s_secrets_dir; run the play for "
            "the server first, or bring the file back from a backup"
        )
    return found


def _request(given: Mapping[str, Any]) -> k3s_checks.Request:
    return k3s_checks.Request(
        role=given["role"],
        host=given["host"],
        version=given["version"],
        servers=given["servers"],
        node_names=given["node_names"],
        settings=given["settings"],
        kubelet_settings=given["kubelet_settings"],
        secrets_encryption=given["secrets_encryption"],
        server_token_sha256=k3s_tokens.fingerprint(given["server_token"]) if given["server_token"] else None,
        cpu_policy=given["cpu_manager_policy"],
    )


def _of_the_server(
    answer: k3s_probe.Answer,
    given: Mapping[str, Any],
    found: Mapping[str, Any],
    on_server: Mapping[str, Any],
    check: bool,
) -> list[str]:
    """What waiting cannot mend.

    A server that is not reached counts only when this host would join it for the first time, and not in check mode,
    where the play may only have announced that the server will be made.
    """
    seen = k3s_causes.Evidence(
        node=given["host"],
        server=answer.address,
        reached=answer.reached,
        reach_error=answer.error,
        clock_seconds=answer.clock_seconds,
        ca_matches=answer.ca_matches,
        token_status=answer.status,
    )
    cause = k3s_causes.likely(seen)
    if cause is None or (not cause.final and (check or found.get("member"))):
        return []
    return [f"{cause.sentence()}{_compared(answer, given, on_server)}".rstrip(".")]


def _compared(answer: k3s_probe.Answer, given: Mapping[str, Any], on_server: Mapping[str, Any]) -> str:
    """The fingerprints of both tokens, when the server's could be read there."""
    theirs = on_server.get(f"{given['role']}_token_sha256")
    if not answer.token_refused or not theirs:
        return ""
    ours = k3s_tokens.fingerprint(given[f"{given['role']}_token"])
    return f" (sha256 {ours} here, {theirs} on the server)"
