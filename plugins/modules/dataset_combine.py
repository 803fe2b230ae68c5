#!/usr/bin/python
"""Ansible door to :mod:`k8s_log_agent.dataset.runs`: the combined records."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dataset_combine
short_description: Combine real and synthetic records into one data set
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Brings real and synthetic records to a wanted number of each severity, real ones first, with a data card in Markdown
    beside it (C(<name>_card.md)).
  - What the records cannot fill is returned in RV(shortfalls), and fails the task only with O(strict=true).
  - Changed by content. The same inputs, options and seed give the same bytes, and a file that has them is left alone.
  - In check mode everything is computed and nothing is written.
requirements:
  - The Python package C(k8s_log_agent) of the same version as this collection
options:
  real:
    description: The data set file of real records.
    type: path
    required: true
  synthetic:
    description: The data set file of synthetic records.
    type: path
    required: true
  dest:
    description: The combined data set file. Its directory is made when it is missing.
    type: path
    required: true
  target:
    description: Number of records of each severity; the keys are V(INFO), V(WARN), V(ERROR) and V(CRITICAL).
    type: dict
    default:
      INFO: 37
      WARN: 38
      ERROR: 60
      CRITICAL: 15
  synthetic_share:
    description: The most of a severity that may be synthetic, V(0) to V(1).
    type: float
    default: 1
  seed:
    description: Decides every choice.
    type: int
    default: 1
  strict:
    description: Whether a target that is not met fails the task; the files are written all the same.
    type: bool
    default: false
  input_sha256:
    description:
      - In check mode, the SHA-256 that each input will have, as the task that makes it returned, by the option's name
        (O(real), O(synthetic)).
      - It makes the prediction right while an input is missing, or altered and about to be mended.
    type: dict
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Combine real and synthetic records
  homelab.log_intelligence.dataset_combine:
    real: /srv/log-intelligence/golden_dataset_real.json
    synthetic: /srv/log-intelligence/golden_dataset_synthetic.json
    dest: /srv/log-intelligence/golden_dataset.json
    input_sha256:
      real: "{{ real.sha256 }}"
      synthetic: "{{ synthetic.sha256 }}"
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
    "real": {"type": "path", "required": True},
    "synthetic": {"type": "path", "required": True},
    "dest": {"type": "path", "required": True},
    "target": {"type": "dict", "default": {"INFO": 37, "WARN": 38, "ERROR": 60, "CRITICAL": 15}},
    "synthetic_share": {"type": "float", "default": 1},
    "seed": {"type": "int", "default": 1},
    "strict": {"type": "bool", "default": False},
    "input_sha256": {"type": "dict"},
}


def main() -> None:
    """Combines, compares with what is there, and writes unless in check mode."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    runs = package.load(module, "k8s_log_agent.dataset.runs")
    errors = package.load(module, "k8s_log_agent.dataset.errors")
    combination = package.load(module, "k8s_log_agent.dataset.combine")
    given = module.params
    if not 0 <= given["synthetic_share"] <= 1:
        module.fail_json(msg=f"synthetic_share is {given['synthetic_share']}; it is a share, from 0 to 1.")
    options = combination.CombineOptions(dataset_files.target_of(module), given["synthetic_share"], seed=given["seed"])
    inputs = {name: Path(given[name]) for name in ("real", "synthetic")}
    dest = Path(given["dest"])
    coming = dataset_files.awaited(module, inputs)
    if coming is not None:
        stands = runs.combination_stands(dest, {**coming, "options": options.fingerprint})
        dataset_files.finish_foretold(module, dest, stands)
    try:
        outcome = runs.combine_run(inputs["real"], inputs["synthetic"], dest, options, module.debug)
    except errors.USER_ERRORS as error:
        module.fail_json(msg=f"There is nothing to combine: {errors.told(error)}")
    if outcome.shortfalls and given["strict"]:
        if not module.check_mode:
            outcome.write()
        module.fail_json(msg=combination.shortage(outcome.shortfalls), shortfalls=outcome.shortfalls)
    dataset_files.finish(module, outcome)


if __name__ == "__main__":
    main()
