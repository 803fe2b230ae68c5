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
TESTS = ("action-plugin-docs", "compile", "empty-init", "ignores", "import", "line-endings", "no-assert")
TESTS += (
    "no-get-exception",
    "no-illegal-filenames",
    "no-smart-quotes",
    "replace-urlopen",
    "runtime-metadata",
    "shebang",
)
TESTS += ("symlinks", "use-argspec-type-path", "use-compat-six", "validate-modules", "yamllint", "pep8")


def shipped_files() -> list[Path]:
    """Return the files of the collection, relative to the checkout, that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *SHIPPED]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    return [Path(name) for name in listing.split("\0") if name and (ROOT / name).is_file()]


def lay_out() -> None:
    """Make the copy anew."""
    shutil.rmtree(TREE, ignore_errors=True)
    for name in shipped_files():
        target = TREE / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)


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
    home.mkdir(exist_ok=True)
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": paths, "HOME": str(home)}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run(command, cwd=TREE, check=False, env={**environment, "PATH": path}).returncode


if __name__ == "__main__":
    sys.exit(main())
