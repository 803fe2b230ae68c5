"""Kernel settings: set only where they are wrong, and kept in a file of their own for the next start.

A setting wants a value, or a number that must not be smaller. The file holds what nobody else provides: what another
file sets well enough, or the kernel itself makes larger, is not written down again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HEADER = "# Written by the role node; what is not listed here is provided elsewhere.\n"
DIRECTORIES = ("usr/lib/sysctl.d", "run/sysctl.d", "etc/sysctl.d")
ARGUMENT: dict[str, Any] = {  # the settings as modules are given them
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {"name": {"type": "str", "required": True}, "value": {"type": "str"}, "minimum": {"type": "int"}},
    "mutually_exclusive": [("value", "minimum")],
    "required_one_of": [("value", "minimum")],
}


class SettingError(RuntimeError):
    """A setting cannot be read or set; the message says what to do."""


@dataclass(frozen=True)
class Setting:
    """One kernel setting. Exactly one of `value` and `minimum` is given."""

    name: str
    value: str | None = None
    minimum: int | None = None

    def wanted(self) -> str:
        """What is written where it is wrong."""
        return str(self.minimum) if self.value is None else self.value

    def holds(self, found: str) -> bool:
        """Whether `found`, the kernel's text, will do."""
        if self.value is not None:
            return found.split() == self.value.split()
        return found.strip().isdigit() and int(found) >= int(self.minimum or 0)

    def exceeded(self, found: str) -> bool:
        """Whether `found` is more than we would ever set, so that it is somebody else's doing."""
        return self.value is None and found.strip().isdigit() and int(found) > int(self.minimum or 0)


@dataclass(frozen=True)
class Plan:
    """What to set now, by name, and the file's content before and after. `absent` are unknown to this kernel."""

    live: dict[str, str]
    before: dict[str, str]
    kept: dict[str, str]
    absent: tuple[str, ...] = ()
    found: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.live) or self.kept != self.before


def plan(
    settings: Sequence[Setting], found: Mapping[str, str | None], file: Mapping[str, str], others: Mapping[str, str]
) -> Plan:
    """`found` is the kernel's value of each name, None where it has none; `file` and `others` are read from files."""
    live: dict[str, str] = {}
    kept: dict[str, str] = {}
    absent = []
    for setting in settings:
        value = found.get(setting.name)
        if value is None:
            absent.append(setting.name)
            if setting.name in file:
                kept[setting.name] = file[setting.name]
            continue
        if not setting.holds(value):
            live[setting.name] = setting.wanted()
        provided = setting.name in others and setting.holds(others[setting.name])
        if setting.name in file or not (provided or setting.exceeded(value)):
            kept[setting.name] = setting.wanted()
    present = {name: value for name, value in found.items() if value is not None}
    return Plan(live, dict(file), kept, tuple(absent), present)


def read_kernel(root: Path, names: Sequence[str]) -> dict[str, str | None]:
    """The kernel's values; None for a name that it does not know."""
    return {name: _value(path_of(root, name)) for name in names}


def path_of(root: Path, name: str) -> Path:
    """Where the kernel shows the setting."""
    return root / "proc/sys" / name.replace(".", "/")


def read_others(root: Path, own: Path) -> dict[str, str]:
    """What all other files set at the next start, in the order in which they are read."""
    files = {path.name: path for directory in DIRECTORIES for path in (root / directory).glob("*.conf") if path != own}
    found: dict[str, str] = {}
    for path in [*(files[name] for name in sorted(files)), root / "etc/sysctl.conf"]:
        found.update({name.lstrip("-").replace("/", "."): value for name, value in read_file(path).items()})
    return found


def read_file(path: Path) -> dict[str, str]:
    """The settings in our file; none when it is absent or not text."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith(("#", ";")))
    return {name.strip(): value.strip() for name, _, value in pairs}


def apply(change: Plan, root: Path, path: Path) -> None:
    """Writes the file whole, then sets what is wrong now. An empty file is removed."""
    try:
        if change.kept != change.before:
            if change.kept:
                _write(path, as_text(change.kept))
            else:
                path.unlink(missing_ok=True)
        for name, value in change.live.items():
            path_of(root, name).write_text(value, encoding="ascii")
    except OSError as error:
        raise SettingError(
            f"The setting at {error.filename or path} cannot be written: {error.strerror}. In a container set it on "
            "the machine below; elsewhere look who holds it"
        ) from None


def as_text(settings: Mapping[str, str]) -> str:
    """The file's content."""
    return HEADER + "".join(f"{name} = {value}\n" for name, value in settings.items())


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    part.write_text(text, encoding="utf-8")
    part.chmod(0o644)
    os.replace(part, path)  # noqa: PTH105 - one system call, said plainly


def _value(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None
