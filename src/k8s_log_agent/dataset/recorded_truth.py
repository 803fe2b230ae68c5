"""What a recording's manifest knows of an event: the window it falls into, and whether it is the evidence."""

from __future__ import annotations

from collections import defaultdict

from k8s_log_agent.ingest.recordings import RecordedWindow, Recording
from k8s_log_agent.ingest.windows import nanoseconds
from k8s_log_agent.records import Event


class RecordedTruth:
    """The manifest of one recording, asked by event."""

    def __init__(self, recording: Recording) -> None:
        manifest = recording.manifest
        self.program = manifest.program
        self.split = manifest.split
        self._spans = [
            (nanoseconds(window.start), nanoseconds(window.end) + 999, window) for window in manifest.windows
        ]
        self._evidence: dict[str, dict[int, RecordedWindow]] = defaultdict(dict)
        for window in manifest.windows:
            for place in window.evidence:
                self._evidence[place.source][place.line] = window

    def window(self, event: Event) -> RecordedWindow | None:
        """The window in which the event was logged, or None between windows."""
        if event.timestamp is None:
            return None
        return next((window for start, end, window in self._spans if start <= event.timestamp <= end), None)

    def evidence(self, event: Event) -> tuple[RecordedWindow, tuple[int, ...]] | None:
        """The window whose cause the event states, with the stating lines counted from 0 in the event's text."""
        places = self._evidence.get(event.source)
        if not places:
            return None
        stated = [(place, places[number]) for place, number in enumerate(event.lines) if number in places]
        if not stated:
            return None
        window = stated[0][1]
        last = event.text.count("\n")
        return window, tuple(dict.fromkeys(min(place, last) for place, found in stated if found is window))
