"""All machines of an inventory: up, down, status."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.lab.errors import LabError
from tools.lab.machine import BOOT_SECONDS, Machine
from tools.lab.settings import LabSettings

Say = Callable[[str], None]


@dataclass(frozen=True)
class State:
    """What a machine is: running or not, and whether it was started with what the inventory says now."""

    name: str
    running: bool
    as_asked: bool
    ssh_port: int
    address: str

    def as_dict(self) -> dict[str, object]:
        """Return the state for a program to read."""
        return asdict(self)


@dataclass(frozen=True)
class Laboratory:
    """The machines of one inventory, in folders below `folder`."""

    settings: LabSettings
    folder: Path

    @property
    def person(self) -> Path:
        """The private key that opens every machine of the lab."""
        return self.folder / "ssh_key"

    def machines(self) -> list[Machine]:
        """Return the machines, running or not."""
        addresses = {one.name: str(one.network.address.ip) for one in self.settings.machines if one.network}
        return [
            Machine(
                settings=one,
                folder=self.folder / "machines" / one.name,
                images=self.folder / "images",
                person=self.person,
                image=self.settings.image,
                accelerator=self.settings.accelerator,
                peers={name: address for name, address in addresses.items() if name != one.name},
            )
            for one in self.settings.machines
        ]

    def machine(self, name: str) -> Machine:
        """Return one machine; LabError names those there are."""
        for one in self.machines():
            if one.settings.name == name:
                return one
        names = ", ".join(one.name for one in self.settings.machines)
        raise LabError(f"There is no machine {name} in this lab; there are {names}.")

    def status(self) -> list[State]:
        """Return the state of each machine."""
        return [
            State(
                name=one.settings.name,
                running=one.is_running,
                as_asked=one.is_as_asked,
                ssh_port=one.ssh_port,
                address=str(one.settings.network.address.ip) if one.settings.network else "",
            )
            for one in self.machines()
        ]

    def up(self, say: Say, seconds: float = BOOT_SECONDS) -> list[str]:
        """Start what does not run and wait until all can be logged in to; return the names of those started."""
        with self._alone():
            started = []
            for one in self.machines():
                if one.start():
                    say(f"{one.settings.name}: started")
                    started.append(one.settings.name)
                elif not one.is_as_asked:
                    say(f"{one.settings.name}: runs with earlier settings; the new ones need a stop and a start")
                else:
                    say(f"{one.settings.name}: runs already")
            for one in self.machines():
                waited = one.wait(seconds)
                if one.settings.name in started:
                    say(f"{one.settings.name}: can be logged in to, {waited:.0f} s later")
        return started

    def down(self, say: Say, erase: str = "") -> list[str]:
        """Stop what runs; return the names of the machines changed.

        The disks are kept, unless `erase` is the lab's name: then they are removed with all that is on them.
        """
        if erase and erase != self.settings.name:
            raise LabError(f"Nothing was done: {erase!r} is not the name of this lab, which is {self.settings.name!r}.")
        with self._alone():
            changed = []
            for one in self.machines():
                name = one.settings.name
                stopped, erased = one.stop(), bool(erase) and one.erase()
                say(f"{name}: {'stopped' if stopped else 'was not running'}{', its disks removed' if erased else ''}")
                if stopped or erased:
                    changed.append(name)
        return changed

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
