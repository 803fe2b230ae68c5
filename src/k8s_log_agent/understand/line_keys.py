"""Keys under which texts that differ only in meaningless digits share one understanding.

The `shape` of a text is the text with each digit as 0; its `form` has one mark for each run of digits, by the length
class that masks tell apart (1-3, 4, 5, 6-15, more; and 2 in dates and times). Most runs mean nothing: times, ids,
amounts. Those that can (a status, an exit code, a well-known port, a level number, part of a word, a lone 0) belong to
the key with their value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache

from pydantic import BaseModel, ConfigDict

from k8s_log_agent.understand.masking import MaskFile
from k8s_log_agent.understand.rule_files import load_rules, rule_file_names

LONGEST = 8192  # characters of a text worth remembering
MOST_READERS = 32_768  # surroundings of a run of digits that are remembered

ENDLESS = b"0" * 129  # more digits than any mask takes for one id, so that their number matters

# Makes the shape of an encoded text: digits become 0, and the bytes that stand for marks below become bytes that UTF-8
# does not have.
SHAPE = bytes(48 if 48 <= code <= 57 else code + 0xF7 if 1 <= code <= 8 else code for code in range(256))
_MAY_BE_CARD = re.compile(rb"0(?:[ -]?0){11}")
_HEXADECIMAL = re.compile(rb"[0a-f]{8,128}")
_REST_OF_UUID = re.compile(rb"-[0a-f]{4}-[0a-f]{4}-[0a-f]{4}-[0a-f]{12}(?![0-9A-Za-z])")
_LETTERS_AND_DIGITS = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

_RUN = re.compile(rb"0+")
_MARK = re.compile(rb"\x050?|[0\x01-\x04]")
_CODE_WORDS = tuple(
    b"code status errno signal sig exit exited rc error http http/ sqlstate level lvl severity priority number pri"
    b" returned answered responded <".split()
)
_ERROR_CODES = tuple(code + dash for code in b"MY ORA AH SQL SQLSTATE TNS ERR WSREP".split() for dash in (b"", b"-"))
_WITH_DIGITS = tuple(
    b"x amd arm aarch armv k s sha md ipv IPv http utf base int float oauth OAuth TLSv v h alpha beta".split()
)
_WITH_FRACTION = (b"HTTP/0.", b"TLSv0.", b"TLS0.")
_WORD = re.compile(rb"[A-Za-z]{0,24}")
_NUMBER = re.compile(r"(?<![\d,{])\d{2,5}(?![\d,}])")
_MARKS = tuple(b"0 \1 \2 \3 \4 \5".split())
_CLOCK = tuple(separator + mark for separator in b"- / :".split() for mark in _MARKS)
_CLOCK_BEFORE = tuple(mark + separator for separator in b"- / : ,".split() for mark in _MARKS)
_UNIT = re.compile(rb"(?:ns|us|ms|s|m|h|d|min|sec|secs|[kKMGT]i?[Bb]?|B|bytes|Z|UTC)(?![A-Za-z0-9])")


def ids_of(shape: bytes) -> list[tuple[int, int, bytes]]:
    """Start, end and mark of each UUID, each long and each short hexadecimal id, which masks tell apart."""
    found, done = [], 0
    for match in _HEXADECIMAL.finditer(shape):
        start, end = match.span()
        if start < done or (start and shape[start - 1] in _LETTERS_AND_DIGITS):
            continue
        if end - start == 8 and (rest := _REST_OF_UUID.match(shape, end)):
            done = rest.end()
            found.append((start, done, b"\x08"))
        elif (end == len(shape) or shape[end] not in _LETTERS_AND_DIGITS) and b"0" in match[0] and match[0].strip(b"0"):
            found.append((start, end, b"\7" if end - start >= 16 else b"\6"))
    return found


def form_of(shape: bytes, ids: Sequence[tuple[int, int, bytes]] = ()) -> bytes:
    """The form of a shape with these ids."""
    if ids:
        pieces, last = [], 0
        for start, end, mark in ids:
            pieces += [shape[last:start], mark]
            last = end
        shape = b"".join((*pieces, shape[last:]))
    form = shape.replace(b"0000000000000000", b"\1").replace(b"000000", b"\2")
    while b"\0010" in form or b"\0020" in form or b"\1\2" in form or b"\2\2" in form or b"\1\1" in form:
        form = form.replace(b"\0010", b"\1").replace(b"\0020", b"\2")
        form = form.replace(b"\1\2", b"\1").replace(b"\2\2", b"\2").replace(b"\1\1", b"\1")
    form = form.replace(b"00000", b"\3").replace(b"0000", b"\4")
    form = form.replace(b":00", b":\5").replace(b"-00", b"-\5").replace(b"/00", b"/\5")
    return form.replace(b"000", b"0").replace(b"00", b"0")


def may_hold_card(shape: bytes) -> bool:
    """Whether a text of this shape may hold the number of a payment card, which no two texts share."""
    return _MAY_BE_CARD.search(shape) is not None


def runs_of(shape: bytes, ids: Sequence[tuple[int, int, bytes]] = ()) -> list[tuple[int, int]]:
    """Where the runs of digits stand that are no part of an id."""
    for start, end, _ in ids:
        shape = b"%b%b%b" % (shape[:start], b"x" * (end - start), shape[end:])
    return [found.span() for found in _RUN.finditer(shape)]


def telling_runs(form: bytes) -> tuple[tuple[int, Reader], ...]:
    """Which runs of a form can carry meaning, counted from 0, each with what reads the meaning out of its digits."""
    found = []
    for index, mark in enumerate(_MARK.finditer(form)):
        start, end = mark.span()
        reader = _reader(mark[0], form[max(start - 24, 0) : start], form[end : end + 8])
        if reader is not None:
            found.append((index, reader))
    return tuple(found)


@lru_cache(maxsize=MOST_READERS)
def _reader(mark: bytes, before: bytes, after: bytes) -> Reader | None:
    last = before[-1:]
    if last == b".":
        return _AS_IT_IS if before.endswith(_WITH_FRACTION) else None
    if before.rstrip(b"\"' =:[(").lower().endswith(_CODE_WORDS):
        return _AS_IT_IS
    if mark in b"\1\2":
        return _LENGTH if _beside_letter(before, after) else None
    if _in_a_date(mark, before, after):
        return None
    return _reader_beside(mark, before, after)


def _in_a_date(mark: bytes, before: bytes, after: bytes) -> bool:
    """Whether a run belongs to a date, a clock or a fraction, by its neighbours."""
    if after[:1] == b"." and after[1:2] in _MARKS:
        return True
    if after[:2] in _CLOCK and before[-1:] in b' T["=/-:':
        return True
    behind = before[-2:] in _CLOCK_BEFORE and before[-3:-2] != b"." and before[-6:-4] not in (b"0:", b"\5:")
    return behind and (mark in b"0\5" or before[-1:] == b",")


def _reader_beside(mark: bytes, before: bytes, after: bytes) -> Reader | None:
    if before.endswith(_ERROR_CODES):
        return _AS_IT_IS
    if _beside_letter(before, after):
        return _AS_IT_IS if mark[:1] in b"0\5" and not _only_numbered(before, after) else _LENGTH
    if before[-1:] in b"#*[" or after[:1] in (b"#", b"]"):
        return None  # a process, a connection, a place in a list
    return _PORT if before[-1:] == b":" else _MEANING


def _only_numbered(before: bytes, after: bytes) -> bool:
    """Whether digits end a word that masks do not know by its digits: `worker5`, not `arm64` and not `web-x2k9p`."""
    word = before[-_WORD.search(before[::-1]).end() :]  # type: ignore[union-attr]  # an empty word matches, too
    if after[:1].isalnum() or after[:1] in (b"_", b"-", b".") or not word or before[: -len(word)][-1:] in b"0\5_.":
        return False
    return not word.endswith(_WITH_DIGITS) and any(vowel in word for vowel in b"aeiouAEIOU")


def _beside_letter(before: bytes, after: bytes) -> bool:
    left, right = before[-1:], after[:1]
    if left == b"T" and before[-2:-1] == b"0":
        left = b""
    if _UNIT.match(after) or (right == b"T" and after[1:2] == b"0"):
        right = b""
    return left.isalpha() or left in (b"_", b"<") or right.isalpha() or right == b"_"


def _meaning(digits: bytes) -> bytes:
    """A number that some rule or mask knows, else the class of what may be a status, else nothing."""
    if len(digits) < 3:
        return b"0" if digits == b"0" else b""
    if digits in _known_numbers():
        return digits
    return digits[:1] if len(digits) == 3 and digits < b"600" else b""


def _port(digits: bytes) -> bytes:
    return digits if digits in _known_numbers() else _meaning(digits)


class Reader(dict[bytes, bytes]):
    """What a run of digits means, looked up; what is short is remembered."""

    def __init__(self, read: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, digits: bytes) -> bytes:
        meaning = self._read(digits)
        if len(digits) <= 4:
            self[digits] = meaning
        return meaning


_AS_IT_IS = Reader(lambda digits: digits)
_LENGTH = Reader(lambda digits: b"%d" % len(digits))
_MEANING = Reader(_meaning)
_PORT = Reader(_port)


@cache
def _known_numbers() -> frozenset[bytes]:
    """All numbers of two to five digits that stand in a rule or in the masking recipe."""
    names = ("noise", "causes", "severity")
    files = [load_rules("masks.yaml", MaskFile).model_dump()]
    rules = [load_rules(name, _AnyFile).model_dump() for prefix in names for name in rule_file_names(prefix)]
    return frozenset(digits.encode() for text in _strings([files, rules]) for digits in _NUMBER.findall(text))


class _AnyFile(BaseModel):
    """Any rule file, as it is."""

    model_config = ConfigDict(extra="allow")


def _strings(value: object) -> Iterator[str]:
    """Yield every text and number in nested data, but not the examples."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in ("hits", "misses", "reason", "remedies", "summary"):
                yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, str | int):
        yield str(value)
