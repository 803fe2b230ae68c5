"""Envoy Gateway's own translator takes the role's objects, and makes of them what the golden files keep."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway import translation
from tests.gateway.examples import CASES


@pytest.fixture(scope="module")
def translated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    binary = translation.egctl()
    return {case: translation.translate(binary, case, tmp_path_factory.mktemp(case)) for case in CASES}


def conditions(found: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Each route and policy of the answer with its conditions."""
    status: dict[str, dict[str, str]] = {}
    for kind, objects in found.items():
        for one in objects if isinstance(objects, list) else []:
            held = one.get("status") or {} if isinstance(one, dict) else {}
            for judged in [*held.get("parents", []), *held.get("ancestors", [])]:
                for entry in judged["conditions"]:
                    status.setdefault(f"{kind}/{one['metadata']['name']}", {})[entry["type"]] = entry["status"]
    return status


@pytest.mark.parametrize("case", CASES)
def test_every_route_and_policy_is_accepted_and_finds_what_it_refers_to(
    translated: dict[str, dict[str, Any]], case: str
) -> None:
    status = conditions(translated[case])

    assert len(status) >= 4
    wrong = {
        name: held
        for name, held in status.items()
        if held["Accepted"] != "True" or held.get("ResolvedRefs", "True") != "True"
    }
    assert wrong == {}


@pytest.mark.parametrize("case", CASES)
def test_the_golden_file_is_what_this_translator_makes(translated: dict[str, dict[str, Any]], case: str) -> None:
    version = translation.version(translation.egctl())
    kept = translation.read(case)
    if version not in kept["made_by"]:
        pytest.skip(f"this egctl is of {version}, and the golden file is {kept['made_by']}")

    assert translation.golden_of(translated[case], version) == kept
