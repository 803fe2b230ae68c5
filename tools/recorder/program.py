"""What the recorder knows about a program before it runs it, and where the programs are found."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tools.recorder import programs

if TYPE_CHECKING:
    from tools.recorder.recording import Recording


@dataclass(frozen=True)
class Program:
    """One program to record.

    `kind` is its role (`database`, `cache`, …), `version` a command that prints its version or the version itself,
    `command` how it is started, `packages` what must be installed (`debian:redis-server`, `pypi:fastapi`, `npm:pg`).
    `prepare` runs before the sandbox is entered, with the network still there: it builds or installs into the given
    folder, which later runs find again. `rewrites` are pairs of a text that the program's own build left in its lines,
    such as its build machine's folders, and the neutral text for it.
    """

    name: str
    kind: str
    split: Literal["training", "held_out"]
    version: tuple[str, ...] | str
    command: tuple[str, ...]
    packages: tuple[str, ...] = ()
    prepare: Callable[[Path], None] | None = None
    rewrites: tuple[tuple[str, str], ...] = ()

    def version_text(self) -> str:
        """The first thing that looks like a version in what the version command prints."""
        if isinstance(self.version, str):
            return self.version
        result = subprocess.run(self.version, capture_output=True, text=True, timeout=30, check=False)
        found = re.search(r"\d+\.\d+[\w.+-]*", result.stdout + result.stderr)
        return found.group() if found else "unknown"


@dataclass(frozen=True)
class Script:
    """A program together with the function that records it."""

    program: Program
    record: Callable[[Recording], None]


def known_programs() -> dict[str, Script]:
    """Every file of `programs/`, by the program's name."""
    scripts = {}
    for module_info in pkgutil.iter_modules(programs.__path__):
        module = importlib.import_module(f"{programs.__name__}.{module_info.name}")
        if hasattr(module, "PROGRAM"):
            scripts[module.PROGRAM.name] = Script(module.PROGRAM, module.record)
    return dict(sorted(scripts.items()))
