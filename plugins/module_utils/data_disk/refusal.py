"""One reason to leave a disk alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Refusal:
    """`found` is a sentence, `look` a command that shows it. `erasable`: the typed serial overrules it."""

    guard: str
    found: str
    look: str
    erasable: bool = False

    def as_dict(self) -> dict[str, object]:
        """The fields by name."""
        return asdict(self)
