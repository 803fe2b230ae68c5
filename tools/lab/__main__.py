"""The lab on the command line.

Examples:
  sudo .venv/bin/python -m tools.lab image   make the machines' image: needs root, and only once
  python -m tools.lab up                     start the machines of inventory/lab and wait until one can log in
  python -m tools.lab ssh node-2 -- lsblk    run a command in one of them; without a command, open a shell
  python -m tools.lab down                   stop them and keep their disks
  python -m tools.lab down --erase-lab lab   stop them and remove their disks
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from tools.lab import accelerator, image
from tools.lab.errors import LabError
from tools.lab.laboratory import Laboratory
from tools.lab.machine import BOOT_SECONDS
from tools.lab.settings import read_lab

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = ROOT / "inventory" / "lab"
FOLDER = ROOT / "build" / "lab"
LAB_FILE = "group_vars/all/lab.yml"
INTERRUPTED = 130


def arguments(given: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.lab", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inventory", type=Path, default=INVENTORY, help="the inventory that describes the lab")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where images, disks and keys are kept")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("image", help="make the image that all machines share")
    up = verbs.add_parser("up", help="start the machines and wait until one can log in")
    up.add_argument("--boot-seconds", type=float, default=BOOT_SECONDS, help="how long to wait (default %(default)s)")
    down = verbs.add_parser("down", help="stop the machines")
    down.add_argument("--erase-lab", metavar="NAME", default="", help="remove their disks, too: type the lab's name")
    for verb in (up, down):
        verb.add_argument("--check", action="store_true", help="only say what would be done")
    for verb in (up, down, verbs.add_parser("status", help="say which machines run")):
        verb.add_argument("--json", action="store_true", help="end with one JSON object on standard output")
    ssh = verbs.add_parser("ssh", help="log in to a machine")
    ssh.add_argument("machine")
    ssh.add_argument("command", nargs="*", help="what to run there; without it, a shell is opened")
    return parser.parse_args(given)


def intended(laboratory: Laboratory, verb: str, typed: str) -> list[str]:
    """Return the names of the machines that the verb would change."""
    running = {state.name: state.running for state in laboratory.status()}
    if verb == "up":
        return [name for name, runs in running.items() if not runs]
    if typed:
        return [one.settings.name for one in laboratory.machines() if one.place.folder.exists()]
    return [name for name, runs in running.items() if runs]


def make_image(options: argparse.Namespace) -> None:
    """Make the image, and leave the folders to the person who called sudo."""
    store = options.folder / "images"
    files = image.provide(read_lab(options.inventory / LAB_FILE).image, store)
    say(f"the image is in {files.root.parent}")
    if os.geteuid() == 0 and "SUDO_UID" in os.environ:
        for folder in (options.folder.parent, options.folder, store):
            os.chown(folder, int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"]))


def run(options: argparse.Namespace) -> dict[str, object]:
    """Do what was asked; return the result for a program to read."""
    laboratory = Laboratory(read_lab(options.inventory / LAB_FILE), options.folder)
    changed: list[str] = []
    if options.verb in ("up", "down") and options.check:
        changed = intended(laboratory, options.verb, getattr(options, "erase_lab", ""))
        say(f"would change: {', '.join(changed) or 'nothing'}")
    elif options.verb == "up":
        say(f"accelerator: {accelerator.choose(laboratory.settings.accelerator).reason}")
        changed = laboratory.up(say, options.boot_seconds)
    elif options.verb == "down":
        changed = laboratory.down(say, options.erase_lab)
    for state in laboratory.status():
        what = "running" if state.running else "stopped"
        say(f"  {state.name}  {what}  ssh port {state.ssh_port} of 127.0.0.1  {state.address}")
    return {
        "changed": bool(changed),
        "machines_changed": changed,
        "machines": [one.as_dict() for one in laboratory.status()],
    }


def shell(options: argparse.Namespace) -> None:
    """Become ssh; does not return."""
    laboratory = Laboratory(read_lab(options.inventory / LAB_FILE), options.folder)
    machine = laboratory.machine(options.machine)
    if not machine.is_running:
        raise LabError(f"{options.machine} is not running. Start it with `make lab`.")
    words = ["--", *options.command] if options.command else []
    command = machine.login.command(*words, user="lab")
    os.execvp(command[0], command)  # noqa: S606 - the terminal belongs to ssh from here on


def say(text: str) -> None:
    """Show progress."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Run the command line; return the exit status."""
    options = arguments(sys.argv[1:])
    try:
        if options.verb == "ssh":
            shell(options)
        if options.verb == "image":
            make_image(options)
            return 0
        result = run(options)
    except LabError as problem:
        print(f"lab: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped. Machines that were started keep running; `make lab-down` stops them.", file=sys.stderr)
        return INTERRUPTED
    if options.json:
        print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
