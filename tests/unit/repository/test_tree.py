"""What holds for the repository as a whole."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import k8s_log_agent

ROOT = Path(__file__).resolve().parents[3]
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))


def tracked(*patterns: str) -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def test_collection_and_package_have_one_version() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert galaxy == project == k8s_log_agent.__version__


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_requirements_are_exact_hashed_and_without_addresses(path: Path) -> None:
    entries = [line for line in path.read_text(encoding="utf-8").splitlines() if line and line[0] not in "# "]
    assert entries
    assert all(re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==[^ ]+ (; .+)?\\$", entry) for entry in entries)
    assert "://" not in path.read_text(encoding="utf-8")
    assert path.read_text(encoding="utf-8").count("--hash=sha256:") >= len(entries)


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_a_role_says_what_it_gives_and_has_a_molecule_scenario(role: Path) -> None:
    assert (role / "README.md").is_file()
    assert (role / "meta" / "argument_specs.yml").is_file()
    scenarios = [path.read_text(encoding="utf-8") for path in (ROOT / "molecule").glob("*/converge.yml")]
    assert any(f"homelab.log_intelligence.{role.name}\n" in text for text in scenarios)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_module_documents_check_mode_and_diff(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    assert "homelab.log_intelligence.attributes" in text or ("check_mode:" in text and "diff_mode:" in text)


def test_files_stay_short_enough_to_hold_in_the_head() -> None:
    python = dict.fromkeys(tracked("src/*.py", "plugins/*.py", "scripts/*.py", "tools/*.py"), 300)
    tasks = dict.fromkeys(tracked("roles/*/tasks/*.yml"), 60)
    long = [
        f"{path.relative_to(ROOT)}: {length}"
        for path, bound in {**python, **tasks}.items()
        if (length := len(path.read_text(encoding="utf-8").splitlines())) > bound
    ]
    assert not long


def test_the_makefile_help_has_a_line_for_every_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", text, flags=re.MULTILINE))
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    shown = subprocess.run(["make", "help"], cwd=ROOT, env=alone, check=True, capture_output=True, text=True).stdout
    assert targets == {line.split()[1] for line in shown.splitlines()}
