from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import node_packages
from ansible_collections.homelab.log_intelligence.plugins.module_utils.node_packages import MANAGERS, PackagesError


@dataclass
class Host:
    """A package manager that installs what it knows."""

    known: set[str]
    installed: set[str] = field(default_factory=set)
    commands: list[list[str]] = field(default_factory=list)
    silent: bool = False

    def run(self, command: list[str]) -> tuple[int, str, str]:
        self.commands.append(command)
        if command[0] in ("dpkg-query", "rpm"):
            lines = [f"{name} installed" for name in command if name in self.installed]
            return 0, "\n".join([*lines, "removed-one config-files", "package x is not installed"]), ""
        if "update" in command:
            return 1, "", "no network"
        names = [name for name in command if name in self.known]
        if not names and not self.silent:
            return 100, "", "E: Unable to locate package"
        self.installed.update(names)
        return 0, "", ""


@pytest.mark.parametrize("program", ["dpkg-query", "rpm"])
def test_what_is_missing_is_installed_and_then_nothing_is_run(program: str) -> None:
    manager, host = MANAGERS[program], Host({"a", "b"}, {"a"})

    absent = node_packages.missing(manager, ["a", "b"], host.run)
    node_packages.install(manager, absent, host.run)

    assert absent == ["b"]
    assert "a" not in host.commands[-2]
    assert node_packages.missing(manager, ["a", "b"], host.run) == []


def test_a_package_of_which_only_the_settings_are_left_is_missing() -> None:
    assert node_packages.missing(MANAGERS["dpkg-query"], ["removed-one"], Host(set()).run) == ["removed-one"]


def test_lists_that_cannot_be_refreshed_do_not_stop_what_the_cache_still_has() -> None:
    host = Host({"a"})

    node_packages.install(MANAGERS["dpkg-query"], ["a"], host.run)

    assert host.installed == {"a"}


def test_a_failed_installation_says_what_the_program_said() -> None:
    with pytest.raises(PackagesError, match="Unable to locate package"):
        node_packages.install(MANAGERS["dpkg-query"], ["nope"], Host(set()).run)


def test_a_program_that_claims_success_is_checked() -> None:
    with pytest.raises(PackagesError, match="still not there"):
        node_packages.install(MANAGERS["rpm"], ["nope"], Host(set(), silent=True).run)


def test_the_family_is_known_by_both_programs_being_there() -> None:
    debian = {"dpkg-query", "apt-get", "rpm"}

    assert node_packages.manager_of(lambda name: name if name in debian else None).family == "deb"
    with pytest.raises(PackagesError, match="node_packages_deb"):
        node_packages.manager_of(lambda name: "x" if name == "rpm" else None)
