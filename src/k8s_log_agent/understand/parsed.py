"""What the form of a line says, before anything is read into its words."""

from __future__ import annotations

from dataclasses import dataclass

from k8s_log_agent.records import Severity


@dataclass(frozen=True, slots=True)
class Parsed:
    """One statement taken apart.

    `level` is what the program stated, UNKNOWN when nothing; `method` and `confidence` say how that was read.
    `pieces` are the parts of the message, substrings of the text where nothing was escaped; `stamp` is the time as
    written; `trace` are lines of a stack trace that stood in a field; `status` is that of an access line. `headed`
    says that the line begins a statement by its form; `continues` that, header or not, it belongs to the one before.
    """

    format: str
    pieces: tuple[str, ...]
    level: Severity = Severity.UNKNOWN
    method: str = "none"
    confidence: float = 0.0
    component: str = ""
    stamp: str = ""
    status: int = 0
    trace: tuple[str, ...] = ()
    headed: bool = False
    continues: bool = False

    @property
    def message(self) -> str:
        """The message in one text."""
        return self.pieces[0] if len(self.pieces) == 1 else ": ".join(self.pieces)
