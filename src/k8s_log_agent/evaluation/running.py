"""Judges all cases: what is known is taken from the cache, what is not is asked, and each answer is kept at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from k8s_log_agent.evaluation.answer_cache import AnswerCache
from k8s_log_agent.evaluation.asking_order import each_fault_once_first, unsure_first
from k8s_log_agent.evaluation.cases import content_key
from k8s_log_agent.evaluation.judging import FirstPass, Judge, SecondPass
from k8s_log_agent.evaluation.outcomes import Case
from k8s_log_agent.evaluation.threads import in_threads
from k8s_log_agent.records import Verdict

Progress = Callable[[str, int, int], None]  # what is being done, how many are done, of how many


@dataclass(frozen=True, slots=True)
class Judged:
    """A case with what was made of it. `over_budget`: the model was wanted for it, and not asked.

    `model_decides`: the verdict that ships is the model's where it has one, else the rules'.
    """

    case: Case
    first: FirstPass
    second: SecondPass | None
    over_budget: bool
    model_decides: bool = True

    @property
    def incomplete(self) -> bool:
        """Whether a server gave no answer, so that another run may come to another verdict."""
        return self.first.unavailable or (self.second is not None and self.second.unavailable)

    @property
    def verdict(self) -> Verdict:
        """The verdict that ships."""
        return self.verdict_with_model if self.model_decides else self.first.verdict

    @property
    def verdict_with_model(self) -> Verdict:
        """The verdict when the model may decide, whether it ships or not."""
        return self.second.verdict if self.second else self.first.verdict


class AnswersMissingError(LookupError):
    """Cases have not been judged yet, and nothing was to be asked."""


@dataclass(frozen=True, slots=True)
class Run:
    """How an evaluation is run. `rules_key` and `model_key` stand for all that decides an answer besides the case.

    `model_calls` is how many cases the model may be asked about, None for all. `ask` False takes kept answers only.
    `model_decides` False asks the model for its opinion alone.
    """

    rules_key: str
    model_key: str
    workers: int
    model_calls: int | None
    ask: bool = True
    model_decides: bool = True


def judge_all(cases: Sequence[Case], judge: Judge, cache: AnswerCache, run: Run, progress: Progress) -> list[Judged]:
    """In the order of `cases`. An interruption loses only what is on its way.

    Raises `AnswersMissingError` when nothing is to be asked and an answer is not kept.
    """
    keys = {case.id: content_key(case) for case in cases}
    work = _Work(judge, cache, run, progress, keys)
    firsts = work.firsts(cases)
    asked, left_out = _to_ask(cases, keys, firsts, run) if judge.has_model else ([], set())
    seconds = work.seconds(asked)
    return [
        Judged(case, firsts[case.id], seconds.get(case.id), case.id in left_out, run.model_decides) for case in cases
    ]


def _to_ask(
    cases: Sequence[Case], keys: dict[str, str], firsts: dict[str, FirstPass], run: Run
) -> tuple[list[Case], set[str]]:
    """The cases that the model is asked about, and the ids of those where it was wanted and the budget was used up."""
    wanted = {case.id: firsts[case.id].wants_model for case in cases}
    possible = [case for case in cases if firsts[case.id].may_ask]
    ordered = unsure_first(possible, keys, wanted) if run.model_decides else each_fault_once_first(possible, keys)
    taken = ordered if run.model_calls is None else ordered[: run.model_calls]
    return taken, {case.id for case in ordered[len(taken) :] if wanted[case.id]}


@dataclass(frozen=True, slots=True)
class _Work:
    judge: Judge
    cache: AnswerCache
    run: Run
    progress: Progress
    keys: dict[str, str]

    def firsts(self, cases: Sequence[Case]) -> dict[str, FirstPass]:
        """The pass without the model, by id of the case; what the index gave no answer to is not kept."""
        found: dict[str, FirstPass] = {}
        for number, case in enumerate(cases, start=1):
            name = self._name("first", case, self.run.rules_key)
            kept = self.cache.get(name)
            if kept is None and not self.run.ask:
                raise AnswersMissingError(f"{case.id} has not been judged")
            made = FirstPass.model_validate(kept) if kept is not None else self.judge.first(case)
            if kept is None and not made.unavailable:
                self.cache.put(name, made.model_dump(mode="json"))
            found[case.id] = made
            self.progress("rules and memory", number, len(cases))
        return found

    def seconds(self, cases: Sequence[Case]) -> dict[str, SecondPass]:
        """The pass with the model, by id of the case; what the server gave no answer to is not kept."""
        names = {case.id: self._name("second", case, self.run.model_key) for case in cases}
        answers: dict[str, SecondPass] = {}
        for case in cases:
            if (kept := self.cache.get(names[case.id])) is not None:
                answers[case.id] = SecondPass.model_validate(kept)
        missing = [case for case in cases if case.id not in answers]
        if missing and not self.run.ask:
            raise AnswersMissingError(f"the model has not been asked about {len(missing)} cases")
        for case, answer in in_threads(self._asked, missing, self.run.workers):
            answers[case.id] = answer
            self.progress("asking the model", len(answers), len(cases))
        return answers

    def _asked(self, case: Case) -> SecondPass:
        """Kept by the thread that asked, before anybody else learns of it."""
        answer = self.judge.second(case)
        if not answer.unavailable:
            self.cache.put(self._name("second", case, self.run.model_key), answer.model_dump(mode="json"))
        return answer

    def _name(self, step: str, case: Case, made_with: str) -> str:
        return hashlib.sha256(f"{step}\x1f{self.keys[case.id]}\x1f{case.group}\x1f{made_with}".encode()).hexdigest()
