"""Takes apart the lines of one nanosecond when they are more than one answer can hold.

Time cannot part them, and which of them an answer holds is no help: Loki gives the same ones each time. So the query
is split into two that exclude each other and leave nothing out: first by a label that differs among the lines that
were seen, and, once they are all of one stream, by a piece of text that some of them have. Both halves have at least
one line, so the splitting ends; a half that fits into an answer is whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from k8s_log_agent.ingest.loki_answer import Entry
from k8s_log_agent.ingest.loki_client import LokiClient
from k8s_log_agent.ingest.loki_errors import AnswerTooLargeError, TieError
from k8s_log_agent.ingest.loki_selector import LABEL_NAME, FilterOp, LabelFilter, LineFilter, LogQuery, MatchOp, Stage

LONGEST_QUERY = 5000  # characters; older servers refuse 5,120
LONGEST_TEXT = 200
FEWEST = 2  # lines in an answer; a single one does not show how it differs from the rest
SAMPLES = 12
LAST_RESORT = 200  # pairs of lines, when no sample parts the rest
REPLACED = "\N{REPLACEMENT CHARACTER}"  # stands for bytes that were no UTF-8, so Loki would not find it
# Words of LogQL, which its parser does not take for a label.
KEYWORDS = frozenset(
    "and by bool bytes count decolorize drop duration group_left group_right ignoring ip json keep label_format "
    "label_replace line_format logfmt offset on or pattern regexp unless unpack unwrap variants "
    "vector without".split()
)


def lines_of_one_instant(
    client: LokiClient, query: LogQuery, instant: int, limit: int, deadline: float | None
) -> Iterator[Entry]:
    """Every line of `query` at `instant`, each once, in no order. Raises `TieError` when no split parts them."""
    waiting = [(query, limit)]
    while waiting:
        part, most = waiting.pop()
        try:
            answer = client.lines(part.logql, instant, instant + 1, most, deadline)
        except AnswerTooLargeError:
            if most <= FEWEST:
                raise
            waiting.append((part, max(FEWEST, most // 2)))
            continue
        if answer.count < most:
            yield from answer.entries
            continue
        client.counts["splits"] += 1
        halves = [part.narrowed(stage) for stage in _opposites(answer.entries, instant)]
        if max(len(half.logql) for half in halves) > LONGEST_QUERY:
            raise _inseparable(answer.entries, instant)
        waiting += [(half, most) for half in halves]


def _opposites(entries: Sequence[Entry], instant: int) -> tuple[Stage, Stage]:
    """Two stages of which each line passes exactly one, and each is passed by at least one of `entries`."""
    by_label = _label_that_differs(entries)
    if by_label is not None:
        label, value = by_label
        return LabelFilter(label, MatchOp.EQUAL, value), LabelFilter(label, MatchOp.NOT_EQUAL, value)
    text = _text_that_differs([entry.text for entry in entries])
    if text is None:
        raise _inseparable(entries, instant)
    return LineFilter(FilterOp.CONTAINS, text), LineFilter(FilterOp.LACKS, text)


def _label_that_differs(entries: Sequence[Entry]) -> tuple[str, str] | None:
    """The label and value that come nearest to halving the entries."""
    streams = {entry.labels.key: entry.labels.values for entry in entries}
    names = {name for values in streams.values() for name in values}
    sizes = Counter(entry.labels.key for entry in entries)
    halves: list[tuple[int, str, str]] = []
    for name in sorted(names - KEYWORDS):
        if name.startswith("__") or not LABEL_NAME.match(name):
            continue
        found: Counter[str] = Counter()
        for key, values in streams.items():
            found[values.get(name, "")] += sizes[key]
        if len(found) > 1:
            halves += [
                (abs(2 * share - len(entries)), name, value) for value, share in found.items() if _askable(value)
            ]
    return min(halves)[1:] if halves else None


def _text_that_differs(texts: Sequence[str]) -> str | None:
    """The piece of text that comes nearest to halving the lines, among pieces from where samples of them part."""
    samples = texts[:: max(1, len(texts) // SAMPLES)]
    pieces = {piece for first, second in pairwise(samples) for piece in _pieces(first, second)}
    shares = ((abs(2 * share - len(texts)), piece) for piece in pieces if (share := _share(piece, texts)))
    best = min(shares, default=None)
    if best is not None:
        return best[1]
    return next(
        (piece for pair in pairwise(texts[:LAST_RESORT]) for piece in _pieces(*pair) if _share(piece, texts)), None
    )


def _share(piece: str, texts: Sequence[str]) -> int:
    """How many lines hold the piece; 0 also when all do, since that parts nothing."""
    return sum(piece in text for text in texts) % len(texts)


def _pieces(first: str, second: str) -> Iterator[str]:
    """Texts around the first place where two lines part, shortest first; whole short lines too."""
    shorter = min(len(first), len(second))
    place = next((index for index in range(shorter) if first[index] != second[index]), shorter)
    for text in (first, second):
        for before in (0, 1, 8, 64):
            for after in (1, 2, 4, 16, 128):
                piece = text[max(0, place - before) : place + after]
                if piece and _askable(piece):
                    yield piece
        if text and len(text) <= LONGEST_TEXT and _askable(text):
            yield text


def _askable(text: str) -> bool:
    return len(text) <= LONGEST_TEXT and REPLACED not in text and not any(0xD800 <= ord(c) <= 0xDFFF for c in text)


def _inseparable(entries: Sequence[Entry], instant: int) -> TieError:
    seconds, rest = divmod(instant, 1_000_000_000)
    at = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"
    streams = {entry.labels.key: dict(entry.labels.values) for entry in entries}
    shown = "; ".join(str(labels) for labels in list(streams.values())[:3])
    return TieError(
        f"More lines carry the timestamp {at} ({instant} ns) than one answer of Loki can hold ({len(entries)}), and "
        f"neither labels nor text part them: {shown}. Raise max_entries_limit_per_query in Loki, or narrow the query "
        "with a line filter and read the rest apart."
    )
