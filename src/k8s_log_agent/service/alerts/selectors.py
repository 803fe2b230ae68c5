"""Which log lines an alert speaks of: what its annotation says, as far as that is allowed, or what its labels name.

An annotation is written by whoever can write a rule, so it is taken apart and put together anew, never passed on. The
analyzer's own lines are left out by label, so that what it logs of a log line never comes back to it as another one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from k8s_log_agent.ingest.loki_errors import SelectorError
from k8s_log_agent.ingest.loki_selector import FilterOp, LineFilter, Matcher, MatchOp, Selector

ANNOTATIONS = ("logql", "loki_selector", "log_selector")
ALLOWED = frozenset("namespace pod container app job component node service service_name stream level".split())
OWN_APP = "log-analyzer"
OWN_LABELS = ("app", "app_kubernetes_io_name", "app.kubernetes.io/name")
_OWN_VERDICTS = "log-analyzer/verdicts"
MOST_MATCHERS, MOST_FILTERS, LONGEST_VALUE, LONGEST = 8, 4, 256, 2000

_NAME = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*")
_FILTER = re.compile(r"\s*(\|=|\|~|!=|!~)\s*")
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`([^`]*)`')
_ESCAPE = re.compile(r"\\(.)")
_UNESCAPED = {"\\": "\\", '"': '"', "n": "\n", "t": "\t", "r": "\r", "'": "'"}
_PLAIN_REGEX = re.compile(r"[\w\-./:*+?|()\[\]^$,\\ ]*\Z", re.ASCII)
_KUBERNETES_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\Z")
_NARROWING = ("pod", "container", "app")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The streams to read, or None with the reason in `note`; a note beside a selector says what was not followed."""

    selector: Selector | None
    note: str = ""


def choose(labels: Mapping[str, str], annotations: Mapping[str, str], own_app: str = OWN_APP) -> Chosen:
    """The lines that an alert with these labels and annotations speaks of."""
    note = ""
    for name in ANNOTATIONS:
        if written := annotations.get(name, "").strip():
            try:
                return Chosen(without_own(parsed(written), own_app))
            except SelectorError as error:
                note = f"the annotation {name} was not followed: {error}"
                break
    namespace = labels.get("namespace", "")
    if not _KUBERNETES_NAME.match(namespace):
        return Chosen(None, note)
    named = {name: value for name in _NARROWING if _KUBERNETES_NAME.match(value := labels.get(name, ""))}
    return Chosen(without_own(Selector.where(namespace=namespace, **named), own_app), note)


def is_own(labels: Mapping[str, str], own_app: str = OWN_APP) -> bool:
    """Whether the alert is about the analyzer itself."""
    return any(labels.get(name) == own_app for name in OWN_LABELS)


def without_own(selector: Selector, own_app: str = OWN_APP) -> Selector:
    """The same without the lines of the analyzer's pods and of the verdicts that it wrote to Loki."""
    own = (Matcher("app", MatchOp.NOT_EQUAL, own_app), Matcher("job", MatchOp.NOT_EQUAL, _OWN_VERDICTS))
    return Selector((*selector.matchers, *own), selector.stages)


def parsed(written: str) -> Selector:
    """The selector that was written: matchers of allowed labels, then line filters; raises `SelectorError`."""
    if len(written) > LONGEST:
        raise SelectorError(f"it has more than {LONGEST} characters.")
    text = written.strip()
    if not text.startswith("{"):
        raise SelectorError("it does not begin with labels in braces.")
    matchers, place = _matchers(text, 1)
    if not any(_narrows(matcher) for matcher in matchers):
        raise SelectorError("it names no label by what it is, only by what it is not.")
    return Selector(tuple(matchers), tuple(_filters(text, place)))


def _matchers(text: str, place: int) -> tuple[list[Matcher], int]:
    found: list[Matcher] = []
    while True:
        head = _NAME.match(text, place)
        if not head or len(found) == MOST_MATCHERS:
            raise SelectorError(f"between its braces stand not 1 to {MOST_MATCHERS} comparisons of labels.")
        label, op = head[1], MatchOp(head[2])
        if label not in ALLOWED:
            raise SelectorError(f"its label {label[:40]} is not one of {', '.join(sorted(ALLOWED))}.")
        value, place = _string(text, head.end())
        _check_expression(value, op in (MatchOp.MATCH, MatchOp.NOT_MATCH))
        found.append(Matcher(label, op, value))
        place = _skipped(text, place)
        if text[place : place + 1] == "}":
            return found, place + 1
        if text[place : place + 1] != ",":
            raise SelectorError("its comparisons are not set apart by commas.")
        place += 1


def _filters(text: str, place: int) -> list[LineFilter]:
    found: list[LineFilter] = []
    while _skipped(text, place) < len(text):
        head = _FILTER.match(text, place)
        if not head or len(found) == MOST_FILTERS:
            raise SelectorError(f"behind its braces stands more than up to {MOST_FILTERS} line filters.")
        op = FilterOp(head[1])
        value, place = _string(text, head.end())
        _check_expression(value, op in (FilterOp.MATCH, FilterOp.NOT_MATCH))
        found.append(LineFilter(op, value))
    return found


def _string(text: str, place: int) -> tuple[str, int]:
    quoted = _STRING.match(text, place)
    if not quoted:
        raise SelectorError("a value is not a text in quotes.")
    value = quoted[2] if quoted[1] is None else _ESCAPE.sub(_unescaped, quoted[1])
    if len(value) > LONGEST_VALUE:
        raise SelectorError(f"a value has more than {LONGEST_VALUE} characters.")
    return value, quoted.end()


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1] not in _UNESCAPED:
        raise SelectorError(f"it holds the escape \\{escape[1]}, which is not known here.")
    return _UNESCAPED[escape[1]]


def _check_expression(value: str, expression: bool) -> None:
    if expression and not _PLAIN_REGEX.match(value):
        raise SelectorError("an expression holds more than letters, digits and the usual signs.")


def _narrows(matcher: Matcher) -> bool:
    """Whether a stream without the label would fail it, as Loki wants of one matcher at least."""
    if matcher.op is MatchOp.EQUAL:
        return bool(matcher.value)
    return matcher.op is MatchOp.MATCH and bool(re.search(r"[A-Za-z0-9]", matcher.value))


def _skipped(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place
