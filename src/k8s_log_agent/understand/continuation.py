"""Whether a line goes on with the statement before it, told from its first characters."""

from __future__ import annotations

import re
from enum import IntEnum

from k8s_log_agent.understand.parsed import Parsed


class Shape(IntEnum):
    """What a line's own form says about where it belongs."""

    PLAIN = 0  # no header: a statement, or the rest of one, as its neighbours decide
    HEADED = 1  # begins a statement
    CONTINUES = 2  # belongs to the statement before it, whatever that is
    TRACE = 3  # begins or goes on with a stack trace, after a statement or on its own
    BLANK = 4


_CONTINUES = re.compile(
    r"[ \t]|Caused by: |Suppressed: |\.\.\. \d{1,5} more|at [\w.$<>]{1,200}[(.]|from /\S{1,300}:\d{1,7}:in "
    r"|--- End of (?:stack trace|inner exception)|   --->|During handling of the above exception"
    r"|The above exception was the direct cause|goroutine \d{1,12} \[|created by \S|stack backtrace:"
    r"|note: run with `RUST_BACKTRACE|note: Some details are omitted|exit status \d{1,3}$|\[signal \S|\[cause\]:"
    r"|Node\.js v\d|r\w{1,2} {1,5}0x|[\]})]{1,8}[,;]?$"
)
_GO_FRAME = re.compile(
    r"[\w./*\-]{1,200}(?:\.[\w()*{}.\[\]…]{1,200})?\((?:0x[\da-f]|\.\.\.|\{0x|\)$|[\da-fx, {}.?]{1,200}\)$)"
)
_TRACE = re.compile(
    r"Traceback \(most recent call last\)|panic: |fatal error: |Exception in thread |Unhandled exception\. "
    r"|thread '[^']{0,80}'(?: \(\d{1,12}\))? panicked at |SIG[A-Z]{2,6}: |runtime: |Stack trace:|Stacktrace:"
)
_EXCEPTION = re.compile(
    r"(?:[A-Za-z_][\w$]{0,80}[.:]{1,2}){0,12}[A-Z][\w$]{0,100}(?:Error|Exception|Throwable|Exit|Interrupt|Warning)"
    r"(?:: |$|\n)"
)
_NODE_PLACE = re.compile(r"(?:node:|file:/|/)[\w./@:\-]{1,300}:\d{1,7}$")
_TROUBLE = re.compile(
    r"error|exception|fail|fatal|panic|unable|cannot|could not|critical|unhandled|uncaught", re.IGNORECASE
)
_PYTHON_END = re.compile(r"[A-Za-z_][\w.]{0,200}(?::|$)")


def shape_of(text: str, parsed: Parsed) -> Shape:
    """The shape of one line, given its parsed form."""
    if not text or text.isspace():
        return Shape.BLANK
    if parsed.continues:
        return Shape.CONTINUES
    if _TRACE.match(text) or text.startswith("Error: "):
        return Shape.TRACE
    if parsed.headed:
        return Shape.HEADED
    if _CONTINUES.match(text):
        return Shape.CONTINUES
    return Shape.TRACE if _EXCEPTION.match(text) or _NODE_PLACE.match(text) else Shape.PLAIN


def goes_on_with(kind: str, text: str) -> bool:
    """Whether a headerless line at the margin belongs to a trace of `kind` (python, go, rust, node) that is open."""
    if kind == "python":
        return _PYTHON_END.match(text) is not None
    if kind == "go":
        return _GO_FRAME.match(text) is not None or text.startswith(("panic: ", "runtime", "main.", "\tpanic"))
    return kind in ("rust", "node")


def trace_kind(text: str) -> str:
    """The kind of trace that a line begins, or an empty text."""
    if text.startswith("Traceback (most recent call last)"):
        return "python"
    if text.startswith(("panic: ", "fatal error: ", "SIG", "runtime: ")):
        return "go"
    if text.startswith("thread '"):
        return "rust"
    return "node" if _NODE_PLACE.match(text) else ""


def speaks_of_trouble(text: str) -> bool:
    """Whether a statement is one that a stack trace may explain."""
    return _TROUBLE.search(text[:1000]) is not None
