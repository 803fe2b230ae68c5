"""Every role's public variables: the argument specification and the defaults say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = Path(__file__).resolve().parents[3] / "roles"
NAMES = sorted(path.name for path in ROLES.iterdir() if (path / "tasks").is_dir())
PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "path": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}


def entry_points(role: str) -> dict[str, Any]:
    loaded = yaml.safe_load((ROLES / role / "meta" / "argument_specs.yml").read_text())
    specs: dict[str, Any] = loaded["argument_specs"]
    return specs


def options(role: str) -> dict[str, dict[str, Any]]:
    return {name: option for entry in entry_points(role).values() for name, option in entry.get("options", {}).items()}


def defaults(role: str) -> dict[str, Any]:
    return yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text()) or {}


@pytest.mark.parametrize("role", NAMES)
def test_specification_and_defaults_name_the_same_variables(role: str) -> None:
    required = {name for name, option in options(role).items() if option.get("required")}

    assert set(options(role)) - required == set(defaults(role))


@pytest.mark.parametrize("role", NAMES)
def test_each_default_is_the_specified_one_and_of_its_type(role: str) -> None:
    found = defaults(role)
    for name, option in options(role).items():
        if option.get("required"):
            continue
        assert option["default"] == found[name], name
        if not (isinstance(found[name], str) and "{{" in found[name]):
            assert isinstance(found[name], PYTHON_TYPES[option.get("type", "str")]), name


@pytest.mark.parametrize("role", NAMES)
def test_public_variables_carry_the_name_of_the_role(role: str) -> None:
    assert [name for name in options(role) if not name.startswith(f"{role}_")] == []


@pytest.mark.parametrize("role", NAMES)
def test_each_entry_point_is_a_task_file(role: str) -> None:
    assert [name for name in entry_points(role) if not (ROLES / role / "tasks" / f"{name}.yml").is_file()] == []
