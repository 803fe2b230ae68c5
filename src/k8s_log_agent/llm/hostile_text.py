"""Makes log text safe to put into a prompt: what a person would not see, and what a chat template would obey, goes.

Log lines are written by anyone who can send a request to a program, so they are data of an unknown author.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# CSI and OSC sequences of terminals, then any other escape.
_ANSI = re.compile(
    r"\x1b\[[0-?]{0,32}[ -/]{0,8}[@-~]|\x1b\][^\x07\x1b]{0,256}(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]?|\x9b[0-?]{0,32}[@-~]"
)
# Control, format (bidi and zero-width among them), surrogate, private, unassigned.
_INVISIBLE = frozenset("Cc Cf Cs Co Cn".split())
# Also invisible, though Unicode counts them as letters or marks: Hangul and Khmer fillers, variation selectors.
_FILLERS = re.compile("[\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufe00-\ufe0f\u2800\U000e0100-\U000e01ef]")
_TEMPLATE = re.compile(
    r"<\s{0,4}\|[^<>|]{0,40}\|\s{0,4}>"  # <|im_start|>, <|eot_id|>
    r"|</?s>|\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_turn>|\[/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS)\]"
    r"|<\uff5c[^<>]{0,40}\uff5c>|\[gMASK\]|<(?:bos|eos|pad|unk)>",
    re.IGNORECASE,
)
REMOVED = "[removed]"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Text fit for a prompt. `removed` counts control tokens of chat templates and delimiters that were in it."""

    text: str
    removed: int = 0
    cut: bool = False


def clean(text: str, longest: int, delimiter: str = "") -> Cleaned:
    """One line of at most `longest` characters: NFKC, without escapes, invisible characters and template tokens.

    `delimiter` is the word that marks the end of the data in this prompt.
    """
    bounded = text[: 4 * longest + 64]  # NFKC can lengthen a text, so the work is bounded before it
    shown = visible(unicodedata.normalize("NFKC", bounded))
    marked, removed = _TEMPLATE.subn(REMOVED, shown)
    if delimiter:
        removed += marked.count(delimiter)
        marked = marked.replace(delimiter, REMOVED)
    joined = " ".join(marked.split())
    cut = len(joined) > longest or len(text) > len(bounded)
    return Cleaned(joined[: longest - 3] + "..." if len(joined) > longest else joined, removed, cut)


def visible(text: str) -> str:
    """The text as a person sees it: no escape sequences, no control, bidi or zero-width characters, no surrogates."""
    without = _FILLERS.sub("", _ANSI.sub("", text))
    if without.isascii() and without.isprintable():
        return without
    return "".join(
        character if character.isprintable() or character == " " else (" " if character.isspace() else "")
        for character in without
        if character.isspace() or unicodedata.category(character) not in _INVISIBLE
    )
