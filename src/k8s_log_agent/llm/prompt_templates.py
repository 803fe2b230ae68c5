"""Prompts: one Jinja file for each, with a block for each turn, shipped here and overridable by a directory.

A prompt's version is the number in its block `version` and the start of the hash of its text, so that a stored answer
tells which words led to it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

SHIPPED = Path(__file__).with_name("prompts")


class PromptError(ValueError):
    """A prompt cannot be used; the text names the file, the block and what is wrong."""


class Prompt:
    """One prompt file, with the blocks that it defines."""

    def __init__(self, name: str, directory: Path | None = None) -> None:
        """`directory` holds files that take the place of shipped ones of the same name; raises `PromptError`."""
        places = [directory, SHIPPED] if directory else [SHIPPED]
        environment = SandboxedEnvironment(
            loader=ChoiceLoader([FileSystemLoader(place) for place in places]),
            undefined=StrictUndefined,
            autoescape=False,  # plain text; the data in it is made safe by `hostile_text.clean`
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._file = f"{name}.j2"
        try:
            source, _, _ = environment.loader.get_source(environment, self._file)  # type: ignore[union-attr] # set above
            self._template = environment.get_template(self._file)
        except TemplateError as error:
            raise PromptError(f"The prompt {self._file} cannot be used: {error}.") from error
        self.version = f"{name}-{self.render('version')}-{hashlib.sha256(source.encode()).hexdigest()[:8]}"

    def render(self, block: str, **values: Any) -> str:  # noqa: ANN401 - whatever the template shows
        """The text of one block, without blank lines around it; raises `PromptError`."""
        if block not in self._template.blocks:
            raise PromptError(f"The prompt {self._file} has no block {block}.")
        try:
            return "".join(self._template.blocks[block](self._template.new_context(values))).strip()
        except TemplateError as error:
            raise PromptError(f"The block {block} of the prompt {self._file} cannot be filled: {error}.") from error
