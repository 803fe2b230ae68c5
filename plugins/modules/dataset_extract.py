#!/usr/bin/python
"""Ansible door to :mod:`k8s_log_agent.dataset.runs`: real records."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dataset_extract
short_description: Extract labelled records from real logs
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Reads recordings with their manifests, any folder or file of logs, or a Loki, drops noise, keeps one or two examples
    of each signature, labels them, and samples them by severity, category and format.
  - Recordings bring the truth of what was provoked; other labels are the rules' own and say so.
  - Changed by content. The same inputs, options and seed give the same bytes, and a file that has them is left alone.
  - In check mode everything is computed and nothing is written.
requirements:
  - The Python package C(k8s_log_agent) of the same version as this collection
options:
  source:
    description: A folder or file of logs on the managed host, or the address of a Loki.
    type: str
    default: http://localhost:3100
  dest:
    description: The data set file. Its directory is made when it is missing.
    type: path
    required: true
  target:
    description: Number of records of each severity; the keys are V(INFO), V(WARN), V(ERROR) and V(CRITICAL).
    type: dict
    default:
      INFO: 80
      WARN: 80
      ERROR: 120
      CRITICAL: 60
  seed:
    description: Decides every choice.
    type: int
    default: 1
  splits:
    description: Which recordings are used; those of V(held_out) go to the split C(test).
    type: list
    elements: str
    choices: [training, held_out]
    default: [training, held_out]
  hours:
    description: How far back a Loki is asked, in hours.
    type: float
    default: 1
  selector:
    description: The streams of the Loki as LogQL labels in braces; all streams when it is empty.
    type: str
    default: ""
  tenant:
    description: The tenant of the Loki.
    type: str
  user:
    description: The user of the Loki, together with O(password_file).
    type: str
  password_file:
    description: A file that holds the user's password.
    type: path
  token_file:
    description: A file that holds a bearer token.
    type: path
  ca_file:
    description: A PEM file of the authority that signed the Loki's certificate.
    type: path
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Extract records from the recordings
  homelab.log_intelligence.dataset_extract:
    source: examples/recordings
    dest: /srv/log-intelligence/golden_dataset_real.json

- name: Extract records from the last six hours of a Loki
  homelab.log_intelligence.dataset_extract:
    source: http://localhost:3100
    hours: 6
    selector: '{namespace="shop"}'
    dest: /srv/log-intelligence/golden_dataset_real.json
"""

RETURN = r"""
files:
  description: The files that shall be there, the data first.
  type: list
  elements: dict
  returned: always
  contains:
    path:
      description: Where the file lies.
      type: str
    sha256:
      description: The SHA-256 of what it holds, or will hold; null when that cannot be known in check mode.
      type: str
    changed:
      description: Whether it had other content, or was not there.
      type: bool
sha256:
  description: The SHA-256 of the first file; null when that cannot be known in check mode.
  type: str
  returned: always
records:
  description: Number of records; null when that cannot be known in check mode.
  type: int
  returned: always
counts:
  description:
    - Number of records by severity and by other fields, such as category and split; null when that cannot be known in
      check mode.
  type: dict
  returned: always
shortfalls:
  description: Number of records by severity that the target asks for and that could not be had.
  type: dict
  returned: always
drops:
  description: Number of log events or records that were left out, by reason.
  type: dict
  returned: always
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import dataset_files, package

if TYPE_CHECKING:
    from k8s_log_agent.dataset.opening import SourceOptions

ARGUMENTS = {
    "source": {"type": "str", "default": "http://localhost:3100"},
    "dest": {"type": "path", "required": True},
    "target": {"type": "dict", "default": {"INFO": 80, "WARN": 80, "ERROR": 120, "CRITICAL": 60}},
    "seed": {"type": "int", "default": 1},
    "splits": {
        "type": "list",
        "elements": "str",
        "choices": ["training", "held_out"],
        "default": ["training", "held_out"],
    },
    "hours": {"type": "float", "default": 1},
    "selector": {"type": "str", "default": ""},
    "tenant": {"type": "str"},
    "user": {"type": "str"},
    "password_file": {"type": "path", "no_log": False},
    "token_file": {"type": "path", "no_log": False},
    "ca_file": {"type": "path"},
}


def main() -> None:
    """Extracts, compares with what is there, and writes unless in check mode."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
        required_together=[("user", "password_file")],
        mutually_exclusive=[("user", "token_file")],
    )
    runs = package.load(module, "k8s_log_agent.dataset.runs")
    errors = package.load(module, "k8s_log_agent.dataset.errors")
    extract = package.load(module, "k8s_log_agent.dataset.extract")
    opening = package.load(module, "k8s_log_agent.dataset.opening")
    given = module.params
    options = extract.ExtractOptions(dataset_files.target_of(module), seed=given["seed"])
    try:
        with opening.open_source(_source(module), time.time) as source:
            outcome = runs.extract_run(source, Path(given["dest"]), options, module.debug)
    except errors.USER_ERRORS as error:
        module.fail_json(msg=f"{given['source']} gave no data set. {errors.told(error)}")
    dataset_files.finish(module, outcome)


def _source(module: AnsibleModule) -> SourceOptions:
    opening = package.load(module, "k8s_log_agent.dataset.opening")
    given = module.params
    files = {name: Path(given[name]) if given[name] else None for name in ("password_file", "token_file", "ca_file")}
    splits = tuple(name for name in opening.SPLITS if name in given["splits"])
    plain = {name: given[name] for name in ("source", "hours", "selector", "tenant", "user")}
    options: SourceOptions = opening.SourceOptions(splits=splits, **plain, **files)
    return options


if __name__ == "__main__":
    main()
