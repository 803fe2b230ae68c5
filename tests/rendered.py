"""Renders templates of roles with the roles' own variables, as Ansible does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]


def render(role: str, templates: list[str], directory: Path, **variables: Any) -> dict[str, str]:
    """The text of each of `templates` of `role`; `variables` win over those of the role."""
    directory.mkdir(parents=True, exist_ok=True)
    home = ROOT / "roles" / role
    for part in ("files", "templates"):  # where the lookups of a play search
        link = directory / part
        if (home / part).is_dir() and not link.exists():
            link.symlink_to(home / part)
    files = [home / "defaults" / "main.yml", *sorted((home / "vars").glob("*.yml"))]
    tasks = [
        {
            "ansible.builtin.template": {
                "src": str(home / "templates" / name),
                "dest": str(directory / name.removesuffix(".j2")),
                "mode": "0600",
            }
        }
        for name in templates
    ]
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars_files": [str(one) for one in files if one.exists()],
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": tasks,
    }
    (directory / "render.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    (directory / "given.json").write_text(json.dumps(variables), encoding="utf-8")
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
        "ANSIBLE_HOME": str(ROOT / ".ansible" / "home"),
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-e", "@given.json"]
    done = subprocess.run(
        [*command, "render.yml"], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: (directory / name.removesuffix(".j2")).read_text(encoding="utf-8") for name in templates}


def objects(text: str) -> list[dict[str, Any]]:
    """The objects of a rendered manifest."""
    return [one for one in yaml.safe_load_all(text) if one]
