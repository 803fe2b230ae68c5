"""One sentence of a model for each incident of a summary: constrained, checked against the lines, kept by signature.

A sentence that cannot be used is left out, and the summary says so; nothing else in it comes from a model.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from k8s_log_agent.dataset.store import Artefact, canonical
from k8s_log_agent.llm.answers import Message, ModelError
from k8s_log_agent.llm.client import ChatClient, ClientOptions
from k8s_log_agent.llm.hostile_text import clean
from k8s_log_agent.llm.prompt_templates import Prompt
from k8s_log_agent.llm.schema import flat_object, short_text
from k8s_log_agent.llm.structured import StructuredChat
from k8s_log_agent.triage.answer import shown_reasoning
from k8s_log_agent.triage.servers import fresh_nonce
from k8s_log_agent.triage.summary import IncidentSummary, Summary

LONGEST = 200  # characters of a sentence
MOST_TOKENS = 96
LONGEST_LINE = 180
MOST_KEPT = 2000  # sentences of a cache file
_VALUE = re.compile(r"\w*\d\w*")
_SCHEMA = flat_object({"sentence": short_text(LONGEST)})


class Sentence(BaseModel):
    """A model's answer as it must be."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    sentence: Annotated[str, Field(min_length=1, max_length=LONGEST)]


class SentenceCache:
    """Sentences by what they were made of: the last 2,000, in a file where one is named. A broken file is empty."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._kept: OrderedDict[str, str] = OrderedDict()
        if path and path.is_file():
            try:
                read = json.loads(path.read_bytes())
                self._kept.update((str(key), str(value)) for key, value in read.items())
            except (OSError, ValueError, AttributeError):
                self._kept.clear()

    def get(self, key: str) -> str | None:
        """The kept sentence, or None."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: str, sentence: str) -> None:
        """Keep a sentence."""
        self._kept[key] = sentence
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    def save(self) -> None:
        """Write the file, if there is one and it differs; raises ValueError when it cannot be written."""
        if self._path and self._kept:
            Artefact(self._path, canonical(dict(self._kept))).write()


class SentenceWriter:
    """A model with the prompt `summary`. `name` stands for the model in keys and in the summary."""

    def __init__(self, chat: StructuredChat, prompt: Prompt, name: str, nonce: Callable[[], str]) -> None:
        self._chat = chat
        self._prompt = prompt
        self._nonce = nonce
        self.name = name

    def check(self) -> None:
        """Raises `ModelError` when the server does not answer, or not as it must."""
        self._chat.probe()

    def key(self, incident: IncidentSummary) -> str:
        """What a sentence depends on: prompt, model, cause and signatures, not times or counts."""
        parts = [self._prompt.version, self.name, incident.cause, *sorted(one.template for one in incident.signatures)]
        return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:32]

    def write(self, incident: IncidentSummary) -> str:
        """The sentence; raises `ModelError` and `PromptError`."""
        nonce = self._nonce()
        lines = [
            {"index": index, "count": one.count, "text": clean(one.exemplar.text, LONGEST_LINE, nonce).text}
            for index, one in enumerate(incident.signatures, start=1)
        ]
        render = self._prompt.render
        messages = [
            Message("system", render("system")),
            Message("user", render("example_question")),
            Message("assistant", render("example_answer")),
            Message("user", render("question", cause=incident.root_cause, lines=lines, nonce=nonce)),
        ]
        shown = " ".join([incident.root_cause, *(str(line["text"]) for line in lines)])
        answer = self._chat.ask(
            messages, Sentence, _SCHEMA, max_tokens=MOST_TOKENS, check=lambda value: problem_with(value, shown)
        )
        return clean(answer.value.sentence, LONGEST).text


def problem_with(answer: Sentence, shown: str) -> str | None:
    """What is wrong with a sentence: links, commands, markup, or a value that is in none of the lines."""
    text = clean(answer.sentence, LONGEST).text
    if shown_reasoning(answer.sentence) != text or set(text) & set("<>{}[]#*_\\"):
        return "the sentence must hold no link, command or markup"
    known = set(_VALUE.findall(shown.lower()))
    strange = [value for value in _VALUE.findall(text.lower()) if value not in known]
    if strange:
        return f"{strange[0]} stands in none of the lines"
    return None if len(text.split()) >= 3 and text.endswith((".", "!")) else "it must be a whole sentence"


def with_sentences(
    summary: Summary,
    writer: SentenceWriter,
    cache: SentenceCache,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Summary:
    """The summary with a sentence for each incident that one could be had for; never raises for a server's fault."""
    incidents: list[IncidentSummary] = []
    notes = list(summary.notes)
    missing = 0
    for done, incident in enumerate(summary.incidents, start=1):
        key = writer.key(incident)
        sentence = cache.get(key) or ""
        if not sentence:
            try:
                sentence = writer.write(incident)
                cache.put(key, sentence)
            except ModelError:
                missing += 1
        incidents.append(incident.model_copy(update={"sentence": sentence}))
        progress(done, len(summary.incidents))
    if missing:
        notes.append(f"the model gave no usable sentence for {missing} of {len(incidents)} incidents")
    return summary.model_copy(update={"incidents": tuple(incidents), "model": writer.name, "notes": tuple(notes)})


@contextmanager
def open_writer(
    url: str, options: ClientOptions, *, prompts: Path | None = None, nonce: Callable[[], str] = fresh_nonce
) -> Iterator[SentenceWriter]:
    """The model behind `url`; raises `PromptError`; the server is asked nothing yet."""
    prompt = Prompt("summary", prompts)
    with ChatClient(url, options) as client:
        chat = StructuredChat(client, lambda problem: prompt.render("repair", problem=problem))
        yield SentenceWriter(chat, prompt, options.model or "model", nonce)
