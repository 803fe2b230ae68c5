"""Windows as they would look to rules that were written without ever seeing the program of the window.

A rule fires on a phrase. A phrase that points to the right cause in no other program was, for all one can know, written
for this one, so the hint that rests on it alone is taken away. What is left is how the rules carry over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from k8s_log_agent.evaluation.outcomes import Truth
from k8s_log_agent.records import CauseHint, Event
from k8s_log_agent.understand.causes import LONGEST, CauseTable
from k8s_log_agent.understand.phrases import fold


@dataclass(frozen=True, slots=True)
class Window:
    """One case with its events. `group` joins repeats of one fault of one program."""

    program: str
    group: str
    truth: Truth
    events: tuple[Event, ...]


Phrase = tuple[str, bytes]  # name of a rule, one of its phrases as it is folded


class Phrases:
    """In which programs each phrase pointed to the right cause."""

    def __init__(self, windows: Sequence[Window], table: CauseTable) -> None:
        rules = (rule for code in table.codes for rule in table.cause(code).rules)
        self._folded = {rule.name: [_joined(phrase) for phrase in rule.needs] for rule in rules}
        self._programs: dict[Phrase, set[str]] = {}
        for window in windows:
            for event in window.events:
                for hint in event.causes:
                    if hint.code == window.truth.cause:
                        for phrase in self._in(event, hint):
                            self._programs.setdefault(phrase, set()).add(window.program)

    def without_own(self, window: Window) -> Window:
        """The window without the hints that rest on phrases of its own program alone."""
        events = (
            replace(event, causes=tuple(hint for hint in event.causes if self._known(event, hint, window.program)))
            for event in window.events
        )
        return replace(window, events=tuple(events))

    def _known(self, event: Event, hint: CauseHint, program: str) -> bool:
        return any(self._programs.get(phrase, set()) - {program} for phrase in self._in(event, hint))

    def _in(self, event: Event, hint: CauseHint) -> list[Phrase]:
        place = event.lines.index(hint.line) if hint.line in event.lines else 0
        texts = event.text.splitlines() or [event.message]
        text = texts[min(place, len(texts) - 1)]
        words = _joined(f"{text[:LONGEST]}\n{event.message[:LONGEST] if place == 0 else ''}")
        return [(hint.rule, phrase) for phrase in self._folded.get(hint.rule, ()) if phrase in words]


def _joined(text: str) -> bytes:
    return b" " + b" ".join(fold(text)) + b" "
