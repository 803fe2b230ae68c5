"""Packages of Debian's and Fedora's families by their own programs, so that no Python binding has to be there first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# runs a command and gives its exit status, output and error output
Run = Callable[[list[str]], tuple[int, str, str]]
DEB, RPM = "deb", "rpm"
_APT = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3"]


class PackagesError(RuntimeError):
    """Packages cannot be looked up or installed; the message says what to do."""


@dataclass(frozen=True)
class Manager:
    """How one family of distributions looks up and installs packages."""

    family: str
    query: list[str]
    refresh: list[str]
    install: list[str]


MANAGERS = {
    "dpkg-query": Manager(
        DEB,
        ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\\n"],
        [*_APT, "update"],
        [*_APT, "--no-install-recommends", "install"],
    ),
    "rpm": Manager(
        RPM, ["rpm", "--query", "--queryformat", "%{NAME} installed\\n"], [], ["dnf", "-q", "-y", "install"]
    ),
}


def manager_of(which: Callable[[str], str | None]) -> Manager:
    """The family of this host; `which` finds a program."""
    for program, manager in MANAGERS.items():
        if which(program) and which(manager.install[0]):
            return manager
    raise PackagesError(
        "Neither apt-get with dpkg nor dnf with rpm is on this host. Install the packages by hand and set "
        "node_packages_deb and node_packages_rpm to empty lists"
    )


def missing(manager: Manager, names: list[str], run: Run) -> list[str]:
    """Which of `names` are not installed, in their order."""
    if not names:
        return []
    _code, output, _errors = run([*manager.query, *names])
    installed = {line.split()[0] for line in output.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed]


def install(manager: Manager, names: list[str], run: Run) -> None:
    """Installs `names`; refreshes the lists first where they are needed, and looks afterwards whether all are there."""
    for command in (manager.refresh, [*manager.install, *names]):
        if not command:
            continue
        code, output, errors = run(command)
        if code != 0 and command is not manager.refresh:
            said = " ".join((errors.strip() or output.strip()).splitlines()[-3:])[-400:]
            raise PackagesError(
                f"{command[0]} could not install {', '.join(names)}: {said}. Run it by hand on the host, or bring the "
                "packages with the system's image"
            )
    absent = missing(manager, names, run)
    if absent:
        raise PackagesError(f"After the installation {', '.join(absent)} are still not there; install them by hand")


def program_path(name: str) -> str | None:
    """The program in the usual directories, also where a task's PATH leaves out sbin."""
    for directory in ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"):
        path = Path(directory) / name
        if path.is_file():
            return str(path)
    return None
