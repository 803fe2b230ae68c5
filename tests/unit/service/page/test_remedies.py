"""Remedies: what is a command in them, and what is put into it."""

from __future__ import annotations

import shlex

import pytest

from k8s_log_agent.records import EvidenceLine
from k8s_log_agent.service.page.remedies import PROGRAMS, remedy_pieces
from k8s_log_agent.understand.causes import CauseTable
from tests.unit.service.page.made_up import SOURCE, incident, verdict

TABLE = CauseTable.default()
ALL = sorted({remedy for code in TABLE.codes for remedy in TABLE.cause(code).remedies})


def commands(remedy: str, **changes: object) -> list[str]:
    return [piece.text for piece in remedy_pieces(remedy, incident(**changes)) if piece.command]


@pytest.mark.parametrize("remedy", ALL)
def test_every_remedy_of_the_table_gives_commands_that_a_shell_can_read_and_loses_no_word(remedy: str) -> None:
    elsewhere = incident(namespace="", verdict=verdict(evidence=()))
    pieces = remedy_pieces(remedy, elsewhere)

    assert "".join(piece.text for piece in pieces) == remedy
    for piece in pieces:
        if piece.command:
            words = shlex.split(piece.text)
            assert len(words) > 1 and words[0] in PROGRAMS
            assert piece.text[-1] not in ".,;:("


def test_the_table_has_many_commands() -> None:
    assert sum(bool(commands(remedy)) for remedy in ALL) > 40


def test_the_pod_and_namespace_of_the_evidence_are_filled_in() -> None:
    assert commands("Confirm the kill: kubectl describe pod POD shows Last State OOMKilled.") == [
        "kubectl -n shop describe pod orders-6d5b8c7f94-w3f6h"
    ]


def test_two_commands_of_a_sentence_are_two() -> None:
    assert commands("Look on the node: df -h, then du -xsh /var/log.") == ["df -h", "du -xsh /var/log"]


def test_what_no_namespace_holds_is_asked_for_without_one() -> None:
    assert commands("See who uses it: kubectl describe node NODE.") == ["kubectl describe node NODE"]


@pytest.mark.parametrize("pod", ["x; rm -rf ~", "$(reboot)", "`id`", "A b", "-n", "x\nreboot", "../../etc"])
def test_a_name_that_kubernetes_would_refuse_never_reaches_a_command(pod: str) -> None:
    source = SOURCE.replace("orders-6d5b8c7f94-w3f6h", pod)
    found = verdict(evidence=(EvidenceLine(source=source, line=1, text="x"),))

    assert commands("See: kubectl describe pod POD.", verdict=found, namespace=pod) == ["kubectl describe pod POD"]
