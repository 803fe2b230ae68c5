"""Runs ansible-test sanity on a copy of the collection, in the folder layout that it insists on.

The copy holds the files that git knows or would add. ansible-test makes environments of its own and keeps them below
build/sanity, so only the first run needs a package index.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "sanity"
TREE = WORK / "ansible_collections" / "homelab" / "log_intelligence"
SHIPPED = ("plugins", "roles", "meta", "playbooks", "galaxy.yml", "README.md", "requirements.yml", "site.yml")
TESTS = """
    action-plugin-docs compile empty-init ignores import line-endings no-assert no-get-exception no-illegal-filenames
    no-smart-quotes pep8 replace-urlopen runtime-metadata shebang symlinks use-argspec-type-path use-compat-six
    validate-modules yamllint
""".split()

# ansible-test fetches pip's own installer from its makers' site; Python's ensurepip and the package index do as well.
PIP_BOOTSTRAP = """import ensurepip, os, subprocess, sys
ensurepip.bootstrap(upgrade=True)
wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
command = [sys.executable, "-m", "pip", "install", *wanted]
sys.exit(subprocess.call(command, env={{**os.environ, **{settings!r}}}))
"""


def prepare_home(home: Path) -> None:
    """Put the bootstrap script where ansible-test looks before it downloads."""
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    settings = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    (cache / "get_pip_24_2.py").write_text(PIP_BOOTSTRAP.format(settings=settings), encoding="utf-8")


def shipped_files() -> list[Path]:
    """Return the files of the collection, relative to the checkout, that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *SHIPPED]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    return [Path(name) for name in listing.split("\0") if name and (ROOT / name).is_file()]


def lay_out() -> None:
    """Make the copy anew, as a repository of its own: ansible-test asks git for its targets."""
    TREE.mkdir(parents=True, exist_ok=True)
    for old in TREE.iterdir():
        if old.is_dir() and old.name != "tests":  # ansible-test keeps its environments below tests/output
            shutil.rmtree(old)
    files = shipped_files()
    for name in files:
        target = TREE / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    (TREE / ".gitignore").write_text("tests/output/\n", encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=TREE, check=True)
    subprocess.run(["git", "add", "--", *files], cwd=TREE, check=True)


def main() -> int:
    """Run the tests; return the exit status of ansible-test."""
    lay_out()
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [str(Path(sys.executable).with_name("ansible-test")), "sanity", "--color", "no", "--venv"]
    command += ["--requirements", "--python", python]
    for test in TESTS:
        command += ["--test", test]
    paths = os.pathsep.join([str(WORK), str(ROOT / ".ansible" / "collections")])
    home = WORK / "home"
    prepare_home(home)
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": paths, "HOME": str(home)}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run(command, cwd=TREE, check=False, env={**environment, "PATH": path}).returncode


if __name__ == "__main__":
    sys.exit(main())
