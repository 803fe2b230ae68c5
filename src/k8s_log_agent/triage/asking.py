"""Asks the model for its opinion on a window: a prompt within its budget, one structured call, citations resolved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from k8s_log_agent.llm.answers import Completion, ContextOverflowError, Message
from k8s_log_agent.llm.hostile_text import Cleaned, clean
from k8s_log_agent.llm.injection import disarmed
from k8s_log_agent.llm.prompt_templates import Prompt
from k8s_log_agent.llm.structured import StructuredChat
from k8s_log_agent.records import Severity
from k8s_log_agent.retrieval.retriever import Neighbour
from k8s_log_agent.triage.answer import MOST_TOKENS, ModelAnswer, answer_schema, problem_with, shown_reasoning
from k8s_log_agent.triage.evidence import ShownLine
from k8s_log_agent.triage.opinions import Candidate, ModelOpinion

LONGEST_LINE = 180  # characters of a log line in a prompt
LONGEST_NEIGHBOUR = 120
LONGEST_READ = 2000  # characters of a line that are looked through for what speaks to a model
_RESERVE = 16  # tokens that a chat template may add


@dataclass(frozen=True, slots=True)
class Question:
    """What one call is about. `summaries` says in a sentence what each candidate means."""

    candidates: tuple[Candidate, ...]
    summaries: dict[str, str]
    lines: tuple[ShownLine, ...]
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """The opinion, the calls that it took, and what a reader of the verdict should know about the prompt."""

    opinion: ModelOpinion
    calls: tuple[Completion, ...]
    notes: tuple[str, ...]


class Panel(Protocol):
    """What a triage asks: one model, or several behind a router."""

    @property
    def prompt_version(self) -> str:
        """The prompt's name, number and hash."""

    def check(self) -> None:
        """Raises `ModelError` when no model answers as it must."""

    def ask(self, question: Question) -> Asked:
        """The opinion on a question; raises `ModelError` and `PromptError`."""


class ModelPanel:
    """One model with one prompt. `prompt_tokens` is the budget of a prompt; the server's context may narrow it."""

    def __init__(
        self,
        chat: StructuredChat,
        prompt: Prompt,
        *,
        prompt_tokens: int,
        nonce: Callable[[], str],
        defended: bool = True,
    ) -> None:
        """`nonce` gives a fresh word that nobody who writes log lines can guess.

        Without being `defended`, log text goes into the prompt as it is: for measuring what the defences are worth.
        """
        self._chat = chat
        self._prompt = prompt
        self._budget = prompt_tokens
        self._nonce = nonce
        self._defended = defended

    @property
    def prompt_version(self) -> str:
        """The prompt's name, number and hash."""
        return self._prompt.version

    def check(self) -> None:
        """Raises `ModelError` when the server does not answer, or not as it must."""
        self._chat.probe()

    def ask(self, question: Question) -> Asked:
        """The model's opinion; raises `ModelError` and `PromptError`."""
        nonce = self._nonce()
        lines, neighbours, notes = self._fitted(question, nonce)
        messages, removed = self._messages(question, lines, neighbours, nonce)
        codes = [candidate.code for candidate in question.candidates]
        answer = self._chat.ask(
            messages,
            ModelAnswer,
            answer_schema(codes, len(lines)),
            max_tokens=MOST_TOKENS,
            check=lambda value: problem_with(value, codes, len(lines)),
        )
        if removed:
            notes.append(f"{removed} control tokens of chat templates or delimiters were taken out of the log lines")
        return Asked(_opinion(answer.value, lines, repaired=answer.repaired), answer.calls, tuple(notes))

    def _fitted(self, question: Question, nonce: str) -> tuple[list[ShownLine], list[Neighbour], list[str]]:
        """Drops neighbours first, then the least telling half of the lines, until the prompt fits."""
        budget = self._budget
        if context := self._chat.client.context_tokens():
            budget = min(budget, context - MOST_TOKENS - _RESERVE)
        lines, neighbours = list(question.lines), list(question.neighbours)
        while True:
            messages, _ = self._messages(question, lines, neighbours, nonce)
            used = self._chat.client.count_tokens(messages)
            if used <= budget:
                break
            if neighbours:
                neighbours = neighbours[:-1]
            elif len(lines) > 1:
                lines = renumbered(most_telling(lines, [one.code for one in question.candidates], len(lines) // 2))
            else:
                raise ContextOverflowError(
                    f"The prompt has {used} tokens with a single line, and {budget} fit. Give the model a larger "
                    "context, or raise the prompt budget."
                )
        notes = []
        if len(lines) < len(question.lines):
            notes.append(f"{len(lines)} of {len(question.lines)} lines were shown to the model; more did not fit")
        if len(neighbours) < len(question.neighbours):
            notes.append(f"{len(neighbours)} of {len(question.neighbours)} similar records were shown to the model")
        return lines, neighbours, notes

    def _messages(
        self, question: Question, lines: Sequence[ShownLine], neighbours: Sequence[Neighbour], nonce: str
    ) -> tuple[list[Message], int]:
        cleaned = [self._cleaned(_told(line), LONGEST_LINE, nonce) for line in lines]
        shown = [
            {"index": line.index, "count": line.count, "text": text.text}
            for line, text in zip(lines, cleaned, strict=True)
        ]
        similar = [
            {"cause": neighbour.cause, "text": self._cleaned(neighbour.text, LONGEST_NEIGHBOUR, nonce).text}
            for neighbour in neighbours
        ]
        candidates = [
            {"code": candidate.code, "summary": question.summaries[candidate.code]} for candidate in question.candidates
        ]
        render = self._prompt.render
        messages = [
            Message("system", render("system")),
            Message("user", render("example_question")),
            Message("assistant", render("example_answer")),
            Message("user", render("question", candidates=candidates, similar=similar, lines=shown, nonce=nonce)),
        ]
        return messages, sum(text.removed for text in cleaned)

    def _cleaned(self, text: str, longest: int, nonce: str) -> Cleaned:
        if not self._defended:
            return Cleaned(text[: 4 * longest])
        whole = clean(text, LONGEST_READ, nonce)
        return replace(clean(disarmed(whole.text).text, longest, nonce), removed=whole.removed)


def most_telling(lines: Sequence[ShownLine], codes: Sequence[str], most: int) -> list[ShownLine]:
    """The lines with the likeliest candidates, then the worst, in the order of the log."""

    def worth(line: ShownLine) -> tuple[int, int, int]:
        hinted = [codes.index(hint.code) for hint in line.event.causes if hint.code in codes]
        return min(hinted, default=len(codes)), -line.event.severity.rank, line.index

    return sorted(sorted(lines, key=worth)[: max(1, most)], key=lambda line: line.index)


def renumbered(lines: Sequence[ShownLine]) -> list[ShownLine]:
    """The same lines, numbered from 1 without gaps."""
    return [ShownLine(index, line.count, line.event, line.place) for index, line in enumerate(lines, start=1)]


def _told(line: ShownLine) -> str:
    """The line, behind the start of its message where it stands further down in a trace."""
    if line.place.line in line.event.lines[1:]:
        return f"{line.event.message.strip()[:60]} … {line.place.text}"
    return line.place.text


def _opinion(answer: ModelAnswer, lines: Sequence[ShownLine], *, repaired: bool) -> ModelOpinion:
    cited = list(dict.fromkeys(answer.evidence_lines))
    return ModelOpinion(
        cause=answer.cause,
        severity=Severity(answer.severity),
        confidence=answer.confidence,
        reasoning=shown_reasoning(answer.reasoning),
        evidence=tuple(lines[index - 1].place for index in cited),
        repaired=repaired,
    )
