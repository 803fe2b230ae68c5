"""One expectation of the platform with what was found, and what all of them come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

PASSED, FAILED, OFF, TOLD = "passed", "failed", "off", "told"
VERDICTS = (PASSED, FAILED, OFF, TOLD)


@dataclass(frozen=True)
class Row:
    """`verdict` is passed, failed, off (its component is switched off) or told (measured, and nothing is asked of it).

    `command` is what a person would type to see it; `next_step` stands where the row failed.
    """

    section: str
    name: str
    command: str
    expected: str
    measured: str
    verdict: str
    next_step: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The row for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Topic:
    """The rows of one section and component: made here, so that a component that is off needs no thought elsewhere."""

    section: str
    component: str = ""
    components: tuple[str, ...] = ()

    @classmethod
    def needing(cls, section: str, needed: tuple[str, ...], components: tuple[str, ...]) -> Topic:
        """The rows that need each of `needed`: off with the first of them that is."""
        return cls(section, next((one for one in needed if one not in components), needed[-1]), components)

    @property
    def off(self) -> bool:
        """Whether the component was switched off in the inventory."""
        return bool(self.component) and self.component not in self.components

    def row(self, name: str, command: str, expected: str, measured: str, good: bool, next_step: str) -> Row:  # noqa: PLR0913, PLR0917 - a row's columns
        """A row that holds or not; off where the component is."""
        if self.off:
            return Row(self.section, name, command, expected, f"{self.component} is switched off", OFF)
        verdict = PASSED if good else FAILED
        return Row(self.section, name, command, expected, measured, verdict, "" if good else next_step)

    def told(self, name: str, command: str, expected: str, measured: str) -> Row:
        """A figure of which nothing is asked here."""
        if self.off:
            return Row(self.section, name, command, expected, f"{self.component} is switched off", OFF)
        return Row(self.section, name, command, expected, measured, TOLD)


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """How many rows have each verdict."""
    return {verdict: sum(row.verdict == verdict for row in rows) for verdict in VERDICTS}


def row_of(given: dict[str, Any]) -> Row:
    """A row from a dictionary with its fields; raises ValueError for an unknown verdict."""
    if given.get("verdict") not in VERDICTS:
        raise ValueError(f"{given.get('name')}: {given.get('verdict')!r} is none of {', '.join(VERDICTS)}")
    return Row(**{name: str(given.get(name, "")) for name in Row.__dataclass_fields__})
