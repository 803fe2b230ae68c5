#!/usr/bin/python
"""Ansible door to :mod:`k3s_binary`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_binary
short_description: Bring the K3s program to its place, verified, and put it into use
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Brings the program to a versioned file, verified by its SHA-256 before it gets its name, and points the command at
    it with one rename. A half-copied program can so never be run.
  - Starts and stops nothing. A running K3s keeps the program that it was started with.
options:
  path:
    description: The versioned file, such as C(/usr/local/bin/k3s-v1.36.4+k3s1).
    type: path
    required: true
  sha256:
    description: The SHA-256 of the file, in lower-case hexadecimal; empty takes it from O(sums_url).
    type: str
    default: ""
  sums_url:
    description: The release's own list of sums, read when O(sha256) is empty and the file is not there.
    type: str
    default: ""
  asset:
    description: The name that the file has in O(sums_url).
    type: str
    default: k3s
  urls:
    description: Where the file may be downloaded from, tried in this order; empty expects it to be there.
    type: list
    elements: str
    default: []
  version:
    description: The version that the program must say it has; empty does not run it.
    type: str
    default: ""
  link:
    description: The command that is pointed at the file, such as C(/usr/local/bin/k3s).
    type: path
  aliases:
    description: Names beside O(link) under which K3s answers, too, such as V(kubectl); names that are taken are left
      alone.
    type: list
    elements: str
    default: []
  keep:
    description: How many older versioned files stay beside O(path), for going back.
    type: int
    default: 1
  timeout_seconds:
    description: How long a server may be silent during a download.
    type: int
    default: 30
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Bring K3s from a mirror and put it into use
  homelab.log_intelligence.k3s_binary:
    path: /usr/local/bin/k3s-v1.36.4+k3s1
    sha256: "{{ sum_of_k3s }}"
    urls: [https://mirror.example.org/k3s]
    version: v1.36.4+k3s1
    link: /usr/local/bin/k3s
    aliases: [kubectl, crictl, ctr]
"""

RETURN = r"""
path:
  description: The versioned file.
  type: str
  returned: always
sha256:
  description: Its SHA-256; null when it is not known yet in check mode.
  type: str
  returned: always
source:
  description: The address that gave the file in this run; null when it was there.
  type: str
  returned: always
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_binary, k3s_fingerprint

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "sha256": {"type": "str", "default": ""},
    "sums_url": {"type": "str", "default": ""},
    "asset": {"type": "str", "default": "k3s"},
    "urls": {"type": "list", "elements": "str", "default": []},
    "version": {"type": "str", "default": ""},
    "link": {"type": "path"},
    "aliases": {"type": "list", "elements": "str", "default": []},
    "keep": {"type": "int", "default": 1},
    "timeout_seconds": {"type": "int", "default": 30},
}


def main() -> None:
    """Brings the file, runs it once to learn its version, then points the command at it."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        changes, sha256, source = _bring(module)
        changes += _use(module)
    except k3s_binary.BinaryError as error:
        module.fail_json(msg=f"{error}.")
    except OSError as error:
        module.fail_json(
            msg=f"{error.filename or module.params['path']}: {error.strerror}. Mend that, then run the play again."
        )
    module.exit_json(
        changed=bool(changes),
        path=module.params["path"],
        sha256=sha256,
        source=source,
        diff={"before": "".join(f"{old}\n" for old, _ in changes), "after": "".join(f"{new}\n" for _, new in changes)},
    )


def _bring(module: AnsibleModule) -> tuple[list[tuple[str, str]], str | None, str | None]:
    given = module.params
    path, sha256 = Path(given["path"]), given["sha256"].lower()
    if sha256 and k3s_binary.is_right(path, sha256, runnable=bool(given["link"])):
        return [], sha256, None
    if not sha256 and path.is_file():
        return [], k3s_fingerprint.sha256(str(path)), None
    change = [
        (
            f"{path}: {'with another content' if path.is_file() else 'absent'}",
            f"{path}: sha256 {sha256 or 'as published'}",
        )
    ]
    if module.check_mode:
        return change, sha256 or None, None
    if not given["urls"]:
        found = f"has the sha256 {k3s_fingerprint.sha256(str(path))}" if path.is_file() else "is not there"
        raise k3s_binary.BinaryError(
            f"{path} {found}, and {sha256 or 'a file'} is wanted; check k3s_sha256 and k3s_binary_source, and copy "
            "the file again"
        )

    def opener(url: str) -> Any:  # noqa: ANN401 - a response of http.client
        return open_url(url, timeout=given["timeout_seconds"], decompress=False)

    sha256 = sha256 or k3s_binary.published_sha256(given["sums_url"], given["asset"], opener)
    return change, sha256, k3s_binary.fetch(path, sha256, given["urls"], opener)


def _use(module: AnsibleModule) -> list[tuple[str, str]]:
    """Points the link and its aliases at the file, and takes the oldest files away."""
    given = module.params
    if not given["link"]:
        return []
    path, link = Path(given["path"]), Path(given["link"])
    if given["version"] and path.is_file():
        found = k3s_binary.version_of(path)
        if found != given["version"]:
            raise k3s_binary.BinaryError(
                f"{path} says that it is {found}, and {given['version']} is asked for; set k3s_version, or give the "
                "right file"
            )
    changes = []
    if path.is_file() and not k3s_binary.is_guarded(path):
        changes.append((f"{path}: others may write it, or not run it", f"{path}: mode {k3s_binary.MODE:04o}"))
        if not module.check_mode:
            k3s_binary.guard(path)
    if not k3s_binary.link_is_right(link, path):
        before = str(link.readlink()) if link.is_symlink() else "a file" if link.exists() else "absent"
        changes.append((f"{link}: {before}", f"{link}: {path}"))
        if not module.check_mode:
            k3s_binary.put_into_use(link, path)
    for alias in k3s_binary.free_links(link.parent, given["aliases"], link):
        changes.append((f"{alias}: absent", f"{alias}: {link.name}"))
        if not module.check_mode:
            alias.symlink_to(link.name)
    for old in k3s_binary.older(path, given["keep"]):
        changes.append((f"{old}: no longer needed", f"{old}: absent"))
        if not module.check_mode:
            old.unlink()
    return changes


if __name__ == "__main__":
    main()
