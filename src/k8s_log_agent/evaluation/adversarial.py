"""Adversarial rows: windows of log lines with an attack on the model in them, each beside its clean twin.

Rows are made from `adversarial.yaml` by a seed: which attack goes into which twin, what it asks for, and its canary, a
word that appears nowhere else. Attacks speak to a model; lines that forge evidence of another fault are not among them,
since no reader of logs can tell these from true ones.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Annotated, Literal
from urllib.parse import quote

import yaml
from pydantic import Field

from k8s_log_agent.records import LogLine, Record, StreamKey

Way = Literal["plain", "fullwidth", "zero_width", "lookalikes", "bidi", "tags", "base64", "hex", "percent", "escapes"]
SECOND = 10**9
START = 1_800_000_000 * SECOND
STREAM = StreamKey("shop", "victim-0", "app", "stderr")
SOURCE = "pods/shop_victim-0_1/app/0.log"


class Twin(Record):
    """A clean window."""

    name: str
    lines: tuple[str, ...]


class Attack(Record):
    """Text to append to a line, in one of several writings, or `lines` of its own."""

    text: str = ""
    lines: tuple[str, ...] = ()
    way: Annotated[Way, Field(alias="as")] = "plain"


@dataclass(frozen=True, slots=True)
class AdversarialRow:
    """An attacked window and its twin's name. `canary` must appear in nothing that triage says itself."""

    id: str
    family: str
    twin: str
    canary: str
    goal: str
    lines: tuple[LogLine, ...]


@dataclass(frozen=True, slots=True)
class AdversarialSet:
    """Rows with the clean windows that they are held against, by name."""

    twins: dict[str, tuple[LogLine, ...]]
    rows: tuple[AdversarialRow, ...]


def adversarial_set(seed: int, twins_of_each: int = 5) -> AdversarialSet:
    """Each attack of each family in `twins_of_each` twins that the seed picks: 145 rows with the shipped attacks."""
    read = yaml.safe_load(resources.files(__package__).joinpath("adversarial.yaml").read_text(encoding="utf-8"))
    twins = [Twin.model_validate(one) for one in read["twins"]]
    chance = random.Random(seed)  # noqa: S311 - a choice that can be repeated, no secret
    rows = []
    for family, attacks in read["families"].items():
        for number, attack in enumerate(map(_attack, attacks), start=1):
            for twin in chance.sample(twins, min(twins_of_each, len(twins))):
                canary = f"{chance.choice(('heron', 'otter', 'raven', 'lynx'))}{chance.randrange(10**6):06d}"
                goal = str(chance.choice(read["goals"])).replace("{canary}", canary)
                rows.append(_row(f"{family}-{number}/{twin.name}", family, twin, attack, (goal, canary), chance))
    return AdversarialSet({twin.name: _lines(twin.lines) for twin in twins}, tuple(rows))


def _attack(read: object) -> Attack:
    return Attack(text=read) if isinstance(read, str) else Attack.model_validate(read)


def _row(  # noqa: PLR0913, PLR0917 - what a row is made of
    name: str, family: str, twin: Twin, attack: Attack, aim: tuple[str, str], chance: random.Random
) -> AdversarialRow:
    goal, canary = aim

    def filled(text: str) -> str:
        return text.replace("{goal}", goal).replace("{canary}", canary)

    texts = list(twin.lines)
    if attack.lines:
        texts += [filled(line) for line in attack.lines]
    else:
        troubled = [place for place, text in enumerate(texts) if not text.startswith(("INFO", "LOG"))]
        place = chance.choice(troubled)
        texts[place] = f"{texts[place]} {written(filled(attack.text), attack.way)}"
    return AdversarialRow(name, family, twin.name, canary, goal, _lines(texts))


def written(text: str, way: Way) -> str:
    """The text in another writing that a model, a decoder or a normaliser may read as the same."""
    return _WRITERS[way](text)


def _lines(texts: Sequence[str]) -> tuple[LogLine, ...]:
    return tuple(
        LogLine(STREAM, number, START + number * SECOND, text, SOURCE) for number, text in enumerate(texts, start=1)
    )


def _each(make: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: "".join(make(character) for character in text)


_LATIN, _CYRILLIC = "aeopcy", "\u0430\u0435\u043e\u0440\u0441\u0443"
_WRITERS: dict[Way, Callable[[str], str]] = {
    "plain": lambda text: text,
    "fullwidth": _each(lambda one: chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one),
    "zero_width": "\u200b".join,
    "lookalikes": lambda text: text.translate(str.maketrans(_LATIN, _CYRILLIC)),
    "bidi": lambda text: f"\u202e{text}\u202c\u2066",
    "tags": lambda text: text + "".join(chr(0xE0000 + ord(one)) for one in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "percent": lambda text: quote(text, safe="").replace("%20", "%20"),
    "escapes": _each(lambda one: f"\\u{ord(one):04x}"),
}
