"""Renders the reference pages of every module and role into build/docs; fails on documentation that does not render."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "build" / "docs"
COLLECTION = "homelab.log_intelligence"


def names() -> list[tuple[str, str]]:
    """Return (type, full name) of everything that has reference documentation."""
    modules = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
    roles = sorted(path.parent.parent.name for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"))
    return [("module", f"{COLLECTION}.{name}") for name in modules] + [
        ("role", f"{COLLECTION}.{name}") for name in roles
    ]


def render(kind: str, name: str) -> str:
    """Return the page of one module or role as ansible-doc renders it.

    Raises:
        RuntimeError: ansible-doc refused it.
    """
    command = [str(Path(sys.executable).with_name("ansible-doc")), "--type", kind, name]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "PAGER": "cat", "ANSIBLE_NOCOLOR": "1"}
    result = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, env=environment)
    problems = result.stderr.strip()
    if result.returncode or not result.stdout.strip() or problems:
        raise RuntimeError(f"{name} does not render: {problems or 'ansible-doc printed nothing'}")
    return result.stdout


def main() -> int:
    """Write one page a module and role, and an index; return the exit status."""
    failures = 0
    TARGET.mkdir(parents=True, exist_ok=True)
    index = ["# Reference", ""]
    for kind, name in names():
        try:
            page = render(kind, name)
        except RuntimeError as error:
            print(f"docs: {error}", file=sys.stderr)
            failures += 1
            continue
        short = name.removeprefix(f"{COLLECTION}.")
        (TARGET / f"{kind}_{short}.txt").write_text(page, encoding="utf-8")
        index.append(f"- [{kind} {short}]({kind}_{short}.txt)")
    (TARGET / "index.md").write_text("\n".join(index) + "\n", encoding="utf-8")
    print(f"docs: {len(index) - 2} pages under {TARGET.relative_to(ROOT)}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
