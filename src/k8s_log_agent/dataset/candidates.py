"""What is kept of a stream of events for a data set: one or two examples of each signature, with their surroundings."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from k8s_log_agent.records import Event, StreamKey

CONTEXT_EVENTS = 3  # before and after
CONTEXT_CHARACTERS = 400
EXAMPLES = 2  # of a signature and what is known of it
MOST_SIGNATURES = 20_000
_QUIET_STREAMS = 2_000  # streams whose last events are remembered


@dataclass(slots=True)
class Candidate:
    """An event that may become a record. `known` is what its source knows of it, empty when nothing."""

    event: Event
    known: str
    before: tuple[str, ...]
    after: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    count: int = 0
    examples: list[Candidate] = field(default_factory=list)


class CandidatePool:
    """Takes in events in the order of their streams; memory is bounded by the number of signatures.

    `drops` counts every event that is not an example, by reason.
    """

    def __init__(self) -> None:
        self.drops: Counter[str] = Counter()
        self.events = 0
        self._groups: dict[tuple[str, str], _Group] = {}
        self._before: dict[StreamKey, deque[str]] = {}
        self._open: dict[StreamKey, list[Candidate]] = {}

    def add(self, event: Event, known: str) -> None:
        """Count the event, and keep it when its signature has too few examples. Noise stays out unless it is known."""
        self.events += 1
        text = event.text[:CONTEXT_CHARACTERS]
        for waiting in self._open.get(event.stream, ()):
            waiting.after.append(text)
        self._open[event.stream] = [one for one in self._open.get(event.stream, ()) if len(one.after) < CONTEXT_EVENTS]
        if event.noise_rule and not known:
            self.drops[f"noise: {event.noise_rule}"] += 1
        else:
            self._offer(event, known)
        self._remember(event.stream, text)

    def _offer(self, event: Event, known: str) -> None:
        key = (event.signature, known)
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) >= MOST_SIGNATURES:
                self.drops["more signatures than are kept"] += 1
                return
            group = self._groups[key] = _Group()
        group.count += 1
        if not _is_new(event, group.examples):
            self.drops["signature has its examples"] += 1
            return
        candidate = Candidate(event, known, tuple(self._before.get(event.stream, ())))
        group.examples.append(candidate)
        self._open[event.stream].append(candidate)

    def _remember(self, stream: StreamKey, text: str) -> None:
        if stream not in self._before and len(self._before) >= _QUIET_STREAMS:
            oldest = next(iter(self._before))
            self._before.pop(oldest)
            self._open.pop(oldest, None)
        self._before.setdefault(stream, deque(maxlen=CONTEXT_EVENTS)).append(text)

    def candidates(self) -> Iterator[tuple[Candidate, int]]:
        """Yield the examples, each with how often its signature occurred."""
        for group in self._groups.values():
            for candidate in group.examples:
                yield candidate, group.count

    @property
    def signatures(self) -> int:
        """How many different signatures came by, noise apart."""
        return len({signature for signature, _ in self._groups})


def _is_new(event: Event, examples: Iterable[Candidate]) -> bool:
    kept = list(examples)
    return len(kept) < EXAMPLES and all(one.event.text != event.text for one in kept)
