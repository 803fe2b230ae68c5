#!/usr/bin/python
"""Ansible door to :mod:`k8s_log_agent.dataset.runs`: synthetic records."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dataset_synthesize
short_description: Make labelled records from templates of failure scenarios
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Plays the templates of failure scenarios and healthy look-alikes, with values drawn once for a record, the truth
    filled in, and secrets redacted.
  - Changed by content. The same inputs, options and seed give the same bytes, and a file that has them is left alone.
  - In check mode everything is computed and nothing is written.
requirements:
  - The Python package C(k8s_log_agent) of the same version as this collection
options:
  templates:
    description: The template file on the managed host; the one of the package when it is left out.
    type: path
  dest:
    description: The data set file. Its directory is made when it is missing.
    type: path
    required: true
  target:
    description: Number of records of each severity; the keys are V(INFO), V(WARN), V(ERROR) and V(CRITICAL).
    type: dict
    default:
      INFO: 64
      WARN: 72
      ERROR: 130
      CRITICAL: 64
  seed:
    description: Decides every choice.
    type: int
    default: 1
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Make synthetic records
  homelab.log_intelligence.dataset_synthesize:
    dest: /srv/log-intelligence/golden_dataset_synthetic.json
    seed: 7
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

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import dataset_files, package

ARGUMENTS = {
    "templates": {"type": "path"},
    "dest": {"type": "path", "required": True},
    "target": {"type": "dict", "default": {"INFO": 64, "WARN": 72, "ERROR": 130, "CRITICAL": 64}},
    "seed": {"type": "int", "default": 1},
}


def main() -> None:
    """Makes the records, compares with what is there, and writes unless in check mode."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    runs = package.load(module, "k8s_log_agent.dataset.runs")
    errors = package.load(module, "k8s_log_agent.dataset.errors")
    synthesis = package.load(module, "k8s_log_agent.dataset.synthesize")
    given = module.params
    templates = Path(given["templates"]) if given["templates"] else runs.default_templates()
    options = synthesis.SynthesisOptions(dataset_files.target_of(module), given["seed"])
    try:
        outcome = runs.synthesize_run(templates, Path(given["dest"]), options, module.debug)
    except errors.USER_ERRORS as error:
        module.fail_json(msg=f"The templates gave no data set: {errors.told(error)}")
    dataset_files.finish(module, outcome)


if __name__ == "__main__":
    main()
