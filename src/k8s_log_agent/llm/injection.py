"""Finds text in log lines that speaks to a model instead of telling what happened, and cuts it off.

A log line reports; it has no reason to hold orders, answers in our own form, marks of a conversation or of our data
block, or any of these in an encoding. What follows such a mark in a line is left out of a prompt, so that the model
reads what it would read without it. Patterns are bounded and linear in the length of a line.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from dataclasses import dataclass
from urllib.parse import unquote

from k8s_log_agent.llm.hostile_text import REMOVED

LONGEST = 4096  # characters that are looked at; a prompt shows fewer
_LEAD = (
    r"(?:\b(?:please|now|and|then|note to \w{1,12}|attention|important|dear \w{1,12}|hey \w{1,12})\b[\s:,!-]{1,3}){0,3}"
)
_BACK = r"(?:previous|prior|above|earlier|preceding|foregoing|system|all)\b"
_ORDERS = (
    r"\b(?:ignore|disregard|forget|override)\s+(?:all\s+|any\s+|the\s+|these\s+|your\s+){0,3}"
    r"(?:instructions?|rules?|prompts?|lines?|text|messages?|context)\s+(?:above|before|so far|that came before)\b",
    rf"\b(?:ignore|disregard|forget|override|skip)\s+(?:all\s+|any\s+|the\s+|these\s+|your\s+){{0,3}}{_BACK}"
    r"[^.\n]{0,30}\b(?:instructions?|rules?|prompts?|lines?|text|messages?|context|errors?|logs?|directions?|said)\b",
    r"(?<![\w-])(?:answer|respond|reply|output|say|return|print|write|classify|choose|select|set|report|put|use)\b[^.\n#<>\[\]{}:\"]{0,40}"
    r"\b(?:the cause|cause|severity|confidence|evidence_lines?|reasoning|root_cause|verdict|diagnosis)\b"
    r"[^.\n]{0,12}\b(?:is|as|to|=|none|unknown|info|low|high)\b",
    r"\b(?:begin|start|end|fill)\s+(?:your|the)\s+(?:answer|reasoning|reply|response|output)\b",
    r"\b(?:you are|act as|pretend to be)\s+(?:now\s+)?(?:an?|the|in)\s+[\w -]{0,30}"
    r"\b(?:assistant|model|ai|mode|operator)\b",
    r"\b(?:your\s+)?(?:new|real|updated|actual|next)\s+(?:instructions?|task|orders?|system prompt)\b\s{0,2}[:=]",
)
_MARKS = (
    r"\[/?(?:system|assistant|user|instructions?)\]|###\s{0,3}(?:system|instruction|assistant|user|response)\b",
    r"(?:^|[.;|]\s)(?:system|assistant)\s?:\s(?=\S)",
    r"</?(?:system|assistant|user|instructions?|data|log)>",
    r"\b(?:BEGIN|END)\s{1,3}(?:sample|window-\w{1,12}|data|log|of (?:data|log))\b",
    r"(?:(?<!\w)[\\\"'}\])>,;\s]{0,12}[{\[])?\s{0,3}\"(?:evidence_lines\"\s{0,3}:|cause\"\s{0,3}:\s{0,3}\"(?:none|unknown)\")",
)
_FOUND = re.compile("|".join([*(_LEAD + f"(?:{one})" for one in _ORDERS), *_MARKS, re.escape(REMOVED)]), re.IGNORECASE)
_ENCODED = re.compile(
    r"(?:[A-Za-z0-9+/_-]{4}){6,}[A-Za-z0-9+/_=-]{0,3}"  # base64
    r"|(?<![0-9a-fA-F])(?:[0-9a-fA-F]{2}){16,}|(?<![0-9a-fA-F])(?:[0-9a-fA-F]{2}[ :]){15,}[0-9a-fA-F]{2}"
    r"|(?:[\w.+-]{0,20}%[0-9a-fA-F]{2}){3,}[\w.+-]{0,40}"
    r"|(?:\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}){6,}"
    r"|(?:&#x?[0-9a-fA-F]{2,5};){6,}"
)
_LOOKALIKES = str.maketrans("аеорсухіѕԁѵΑΕΟΡΙ", "aeopcyxisdvAEOPI")  # noqa: RUF001 - Cyrillic and Greek that look Latin
# Nothing is found in a line of ASCII that has none of these: a line is dismissed without a search.
_HINTS = (
    *("ignore", "disregard", "forget", "override", "skip", "cause", "severity", "confidence", "evidence", "reasoning"),
    *("verdict", "diagnosis", "the answer", "your answer", "the reply", "your reply", "the response", "your response"),
    *(
        "the output",
        "your output",
        "you are",
        "act as",
        "pretend",
        "instruction",
        "new task",
        "real task",
        "actual task",
    ),
    *("updated task", "next task", "new order", "real order", "actual order", "updated order", "next order", "prompt"),
    *("[system", "[/system", "assistant", "[user", "[/user", "###", "system:", "system :", "<system", "</system"),
    *("<user", "</user", "<data", "</data", "<log", "</log", "begin ", "end ", "removed", "<|", "</s", "<s>", "[inst"),
    *("[/inst", "<<sys", "<</sys", "_of_turn", "[gmask", "<bos", "<eos", "<pad", "<unk", "< |", "available_tools"),
    *("tool_calls", "\x1b", "\x9b", "\\u", "\\x", "&#"),
)
_RUN = re.compile(r"[A-Za-z0-9+/_-]{24}|(?:[0-9a-fA-F]{2}[ :]){15}|%[0-9a-fA-F]{2}")
_DANGLING = " \t({[<|:;,-=>#*\\"
_QUOTES = "\"'`"


@dataclass(frozen=True, slots=True)
class Disarmed:
    """A line without what speaks to a model; `cut` tells whether something was."""

    text: str
    cut: bool


def may_speak(text: str) -> bool:
    """Whether a line as it was logged is worth cleaning and searching; cheap, and never False for one that speaks."""
    looked = text[: 4 * LONGEST]
    if not looked.isascii():
        return True
    lowered = " ".join(looked.lower().split())
    return any(hint in lowered for hint in _HINTS) or _RUN.search(looked) is not None


def disarmed(text: str) -> Disarmed:
    """The part of a cleaned line (`hostile_text.clean`) before anything that speaks to a model."""
    looked = text[:LONGEST].translate(_LOOKALIKES)
    places = [found.start() for found in (_FOUND.search(looked),) if found]
    places += [blob.start() for blob in _ENCODED.finditer(looked) if _speaks(blob.group())]
    if not places:
        return Disarmed(text, cut=False)
    return Disarmed(_without_loose_end(text[: min(places)]), cut=True)


def _without_loose_end(text: str) -> str:
    """The text without what only led on to the part that was cut; quotes that close something stay."""
    while text and (text[-1] in _DANGLING or (text[-1] in _QUOTES and text.count(text[-1]) % 2)):
        text = text[:-1]
    return text


def _speaks(blob: str) -> bool:
    """Whether an encoded run of characters says something to a model."""
    return any(_FOUND.search(plain.translate(_LOOKALIKES)) for plain in _decoded(blob))


def _decoded(blob: str) -> list[str]:
    found = []
    if "%" in blob:
        found.append(unquote(blob.replace("+", " "), errors="ignore"))
    if "\\" in blob:
        found.append(re.sub(r"\\[ux]([0-9a-fA-F]{2,4})", lambda one: chr(int(one[1], 16)), blob))
    if "&#" in blob:
        found.append(re.sub(r"&#(x?)([0-9a-fA-F]+);", _character, blob))
    digits = re.sub(r"[ :]", "", blob)
    if len(digits) % 2 == 0 and re.fullmatch(r"[0-9a-fA-F]+", digits):
        found.append(bytes.fromhex(digits).decode("utf-8", "ignore"))
    padded = blob.rstrip("=") + "=" * (-len(blob.rstrip("=")) % 4)
    with contextlib.suppress(binascii.Error, ValueError):
        plain = base64.b64decode(padded.translate(str.maketrans("-_", "+/")), validate=True)
        found.append(plain.decode("utf-8", "ignore"))
    return found


def _character(found: re.Match[str]) -> str:
    try:
        return chr(int(found[2], 16 if found[1] else 10))
    except (ValueError, OverflowError):
        return ""
