"""The closed table of cause codes, and the rules that propose them for a line with a reason.

The table and the rules are data in `rules/causes_*.yaml`. A rule marked `symptom` recognises what other faults bring
about (a refused connection, a failed probe); ranking discounts it where a real cause stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Annotated

from pydantic import Field

from k8s_log_agent.records import Category, CauseHint, Record, Severity
from k8s_log_agent.understand.patterns import compiled, lowered
from k8s_log_agent.understand.phrases import PhraseIndex, fold
from k8s_log_agent.understand.rule_files import RuleFileError, TextRule, load_rules, rule_file_names

LONGEST = 4096  # characters of a line that are looked at
MOST_LINES = 128  # lines of a trace that are looked at
_SOURCE_CODE = ("raise ", 'File "')  # lines of a Python trace that show where, not what


class CauseRule(TextRule):
    """A rule that proposes a cause. `weight` is how sure it alone makes one; `components` limits it by program."""

    weight: Annotated[float, Field(gt=0, le=1)]
    symptom: bool = False
    components: tuple[str, ...] = ()


class Cause(Record):
    """One code of the closed table. `severity` is the operator's default; `remedies` are vetted steps, safe to show.

    `recovered` are phrases by which programs say that the trouble is over.
    """

    code: Annotated[str, Field(pattern=r"^[a-z]+(_[a-z]+)*$")]
    category: Category
    severity: Severity
    component_kind: str
    summary: Annotated[str, Field(min_length=10)]
    remedies: Annotated[tuple[str, ...], Field(max_length=3)]
    recovered: tuple[str, ...] = ()
    rules: tuple[CauseRule, ...] = ()


class CauseFile(Record):
    """One file of the table."""

    causes: tuple[Cause, ...]


class CauseTable:
    """All causes, with their rules compiled once."""

    def __init__(self, causes: Iterable[Cause]) -> None:
        self._causes: dict[str, Cause] = {}
        for cause in causes:
            if cause.code in self._causes:
                raise RuleFileError(f"cause {cause.code} stands twice. Remove one of the two.")
            self._causes[cause.code] = cause
        owned = [(cause.code, rule) for cause in self._causes.values() for rule in cause.rules]
        names = [rule.name for _, rule in owned]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise RuleFileError(f"cause rule {twice} stands twice. Rename one of the two.")
        self._rules: Mapping[str, CauseRule] = {rule.name: rule for _, rule in owned}
        self._index = PhraseIndex(rule.needs for _, rule in owned)
        self._healing = tuple(cause.code for cause in self._causes.values() if cause.recovered)
        self._recovered = PhraseIndex(self._causes[code].recovered for code in self._healing)
        self._compiled = [(code, rule, compiled(rule.pattern), compiled(rule.unless)) for code, rule in owned]

    @staticmethod
    @cache
    def default() -> CauseTable:
        """The shipped table."""
        return CauseTable(cause for name in rule_file_names("causes") for cause in load_rules(name, CauseFile).causes)

    @property
    def codes(self) -> tuple[str, ...]:
        """All codes, in the order of the files."""
        return tuple(self._causes)

    def cause(self, code: str) -> Cause:
        """The entry of a code; raises `KeyError`."""
        return self._causes[code]

    def rule(self, name: str) -> CauseRule:
        """The rule of a name, as a `CauseHint` carries it; raises `KeyError`."""
        return self._rules[name]

    def is_symptom(self, hint: CauseHint) -> bool:
        """Whether a hint speaks of a consequence rather than of a cause."""
        rule = self._rules.get(hint.rule)
        return rule is not None and rule.symptom

    def recoveries(self, message: str) -> tuple[str, ...]:
        """Codes whose trouble a message calls over."""
        return tuple(self._healing[owner] for owner in self._recovered.owners(fold(message[:LONGEST])))

    def propose(
        self, message: str, trace: Sequence[str] = (), component: str = "", lines: Sequence[int] = (0,)
    ) -> tuple[CauseHint, ...]:
        """Causes for one event, the surest first, one hint a code.

        `trace` are its continuation lines; `lines` the numbers of the message and of these in their source, of which
        the hint carries the one with the evidence. `component` is the program's name where it is known.
        """
        found: dict[str, CauseHint] = {}
        component = component.casefold()
        for index, text in enumerate((message, *trace[: MOST_LINES - 1])):
            if index and text.lstrip().startswith(_SOURCE_CODE):
                continue
            part = text[:LONGEST]
            owners = self._index.owners(fold(part))
            low = lowered(part) if owners else ""
            for owner in owners:
                code, rule, pattern, unless = self._compiled[owner]
                known = found.get(code)
                if (known and known.weight >= rule.weight) or not _speaks_of(rule, component):
                    continue
                if (pattern and not pattern.found_in(part, low)) or (unless and unless.found_in(part, low)):
                    continue
                found[code] = CauseHint(code, rule.name, rule.weight, lines[min(index, len(lines) - 1)])
        if len(found) < 2:
            return tuple(found.values())
        return tuple(sorted(found.values(), key=lambda hint: (-hint.weight, hint.line, hint.code)))


def _speaks_of(rule: CauseRule, component: str) -> bool:
    return not rule.components or any(name in component for name in rule.components)
