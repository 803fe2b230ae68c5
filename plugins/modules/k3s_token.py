#!/usr/bin/python
"""Ansible door to :mod:`k3s_tokens`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_token
short_description: Make strong K3s tokens once, and keep them
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Makes a token of 256 random bits in each of the given files that does not exist yet, readable by its owner only.
  - A file that exists is never replaced; one that holds a weak token, or that others can read, is refused or mended.
  - Returns no token, only the beginning of its SHA-256. Runs on the controller.
options:
  paths:
    description: The files. A directory that is missing is made with mode 0700.
    type: list
    elements: path
    required: true
  in_use:
    description:
      - Whether a cluster has been made with these tokens already.
      - A file that is missing is then an error, since a new token would be of no use to that cluster.
    type: bool
    default: false
  private:
    description: Other files there that only their owner may read once they exist.
    type: list
    elements: path
    default: []
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Make the tokens of the cluster once
  homelab.log_intelligence.k3s_token:
    paths:
      - "{{ inventory_dir }}/secrets/k3s-token"
      - "{{ inventory_dir }}/secrets/k3s-agent-token"
  delegate_to: localhost
"""

RETURN = r"""
tokens:
  description: What is known about each file.
  type: list
  elements: dict
  returned: always
  contains:
    path:
      description: The file.
      type: str
    sha256:
      description: The first 16 digits of the token's SHA-256; null in check mode when it would be made.
      type: str
    created:
      description: Whether it was, or in check mode would be, made by this run.
      type: bool
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_tokens

ARGUMENTS = {
    "paths": {"type": "list", "elements": "path", "required": True},
    "in_use": {"type": "bool", "default": False},
    "private": {"type": "list", "elements": "path", "default": []},
}


def main() -> None:
    """Makes what is missing, and checks what is there."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    missing = [path for path in module.params["paths"] if not Path(path).exists()]
    if missing and module.params["in_use"]:
        module.fail_json(
            msg=f"Missing: {', '.join(missing)}, with which the cluster has been made. Nothing was changed. Bring the "
            "files back from a backup, or from a server: the part after the last colon of `token` (servers) and of "
            "`agent-token` (agents) in /var/lib/rancher/k3s/server."
        )
    try:
        tokens = [_keep(Path(path), module.check_mode) for path in module.params["paths"]]
        private = [path for path in module.params["private"] if _make_private(Path(path), module.check_mode)]
    except (k3s_tokens.WeakTokenError, k3s_tokens.TokenFileError) as error:
        module.fail_json(msg=f"{error}.")
    made = [one["path"] for one in tokens if one["created"]]
    mended = [*(one["path"] for one in tokens if one["mode_mended"]), *private]
    diff = {
        "before": "".join(f"{path}: absent\n" for path in made) + "".join(f"{path}: wide open\n" for path in mended),
        "after": "".join(f"{path}: present, mode 0600\n" for path in [*made, *mended]),
    }
    module.exit_json(changed=bool(made or mended), tokens=tokens, diff=diff)


def _keep(path: Path, check: bool) -> dict[str, Any]:
    token = k3s_tokens.read(path)
    created = token is None
    mended = not created and _make_private(path, check)
    if created and not check:
        token = k3s_tokens.generate()
        k3s_tokens.write(path, token)
    elif token is not None:
        k3s_tokens.require_strength(token, f"the token in {path}")
    sha256 = k3s_tokens.fingerprint(token) if token else None
    return {"path": str(path), "sha256": sha256, "created": created, "mode_mended": mended}


def _make_private(path: Path, check: bool) -> bool:
    """Whether others could read it, which ends here unless in check mode."""
    if not path.exists() or not path.stat().st_mode & 0o077:
        return False
    if not check:
        path.chmod(0o600)
    return True


if __name__ == "__main__":
    main()
