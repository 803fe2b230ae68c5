"""The stable key of what a line says: a versioned hash over its masked form.

It does not depend on the order of lines or on what was seen before, so it serves as the key of caches and of
duplicates across runs. Changing a mask means raising `SIGNATURE_VERSION`, which is part of the hash.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

from k8s_log_agent.understand.masking import mask

SIGNATURE_VERSION = 1
FRAMES = 3  # application frames of a trace that count

_FRAME = re.compile(
    r"\s{1,16}at (?P<java>[\w$.<>]{1,200})\("
    r"|\s{0,16}File \"(?P<python>[^\"]{1,300})\", line \d{1,9}, in (?P<function>[^\s]{1,200})"
    r"|\s{0,4}(?P<go>[A-Za-z][\w./-]{0,200}\.[\w()*.{}]{1,200})\((?:0x|\.\.\.|\{|\))"
    r"|\s{1,16}at (?P<node>[^\s(]{1,200}) \("
)
_LIBRARY = re.compile(
    r"^(?:java|javax|jdk|sun|kotlin|scala|org\.springframework|org\.apache|io\.netty|reactor|runtime|internal|net/http"
    r"|node:|System\.|Microsoft\.)|site-packages|node_modules|/lib/python|<frozen"
)
_CAUSED = re.compile(r"\s{0,16}(?:Caused by: |\[CIRCULAR REFERENCE: )(.{1,400})")
_EXCEPTION = re.compile(r"\b((?:[A-Za-z_]\w{0,80}\.){0,12}[A-Z]\w{0,80}(?:Error|Exception|Throwable|Panic))\b")


def signature(component: str, message: str, trace: Sequence[str] = ()) -> tuple[str, str]:
    """Hash (16 hex digits) and template of one event.

    `message` is its first line, redacted and without header; `trace` its continuation lines. The template is the
    masked first line; the hash adds the component, the innermost exception and the top application frames.
    """
    template = mask(message)
    if not trace:
        return _plain(component, template), template
    return _hash(component, exception_type(message, trace), template, *application_frames(trace)), template


def exception_type(message: str, trace: Sequence[str]) -> str:
    """The exception that started it: that of the last `Caused by`, else of the last lines, else of the message."""
    caused = [found[1] for line in trace if (found := _CAUSED.match(line))]
    for text in (*reversed(caused), *reversed(trace[-3:]), message):
        found = _EXCEPTION.search(text[:400])
        if found:
            return found[1]
    return ""


def application_frames(trace: Sequence[str]) -> tuple[str, ...]:
    """The first frames that are not of a runtime or library, masked; the first ones of any kind when all are."""
    frames = [frame for line in trace if (frame := _frame(line))]
    own = [frame for frame in frames if not _LIBRARY.search(frame)]
    return tuple(mask(frame) for frame in (own or frames)[:FRAMES])


def _frame(line: str) -> str:
    found = _FRAME.match(line[:800])
    if not found:
        return ""
    if found["python"]:
        return f"{found['python']}:{found['function']}"
    return found["java"] or found["go"] or found["node"] or ""


@lru_cache(maxsize=65536)
def _plain(component: str, template: str) -> str:
    return _hash(component, "", template)


def _hash(*parts: str) -> str:
    joined = "\x1f".join((str(SIGNATURE_VERSION), *parts))
    return sha256(joined.encode("utf-8", "replace")).hexdigest()[:16]
