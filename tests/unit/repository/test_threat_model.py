"""The threat model names tests; each must exist under that name."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ROW = re.compile(r"^\| ([A-Z]\d+) \|")


def rows() -> list[str]:
    lines = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if ROW.match(line)]


def test_every_threat_has_a_number_of_its_own_and_a_test() -> None:
    numbers = [match[1] for line in rows() if (match := ROW.match(line))]

    assert len(numbers) == len(set(numbers)) >= 20
    assert [line for line in rows() if not NAMED.search(line)] == []


def test_every_named_test_exists() -> None:
    named = [one for line in rows() for one in NAMED.findall(line)]

    assert [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text()] == []
