"""One reason to leave a disk alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Refusal:
    """`found` is a sentence, `look` a command that shows it. `erasable`: the typed serial overrules it.

    `mend` is the next step, where the only right one is known; it then stands in place of every other advice.
    """

    guard: str
    found: str
    look: str
    erasable: bool = False
    mend: str = ""

    def as_dict(self) -> dict[str, object]:
        """The fields by name."""
        return asdict(self)
