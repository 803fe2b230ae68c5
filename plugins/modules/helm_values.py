#!/usr/bin/python
"""Ansible door to :mod:`chart_values`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_values
short_description: Find values that a Helm chart does not know
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Helm takes a misspelt value without a word, and it has no effect.
  - Asks Helm for the chart's own values and compares. A key that resembles a known one beside it is taken for a typing
    error and fails; any other unknown key is a warning, since some charts read more than their values show.
requirements:
  - Helm 3 or 4
options:
  binary_path:
    description: The Helm to ask.
    type: path
    default: helm
  chart_ref:
    description: An OCI address, a directory, an archive, or the name of a chart in O(chart_repo_url).
    type: str
    required: true
  chart_repo_url:
    description: The repository of the chart.
    type: str
  chart_version:
    description: The version of the chart.
    type: str
  release_values:
    description: The values to check.
    type: dict
    required: true
  free_paths:
    description: Dotted paths below which the chart takes anything.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
"""

EXAMPLES = r"""
- name: Check the values for typing errors
  homelab.log_intelligence.helm_values:
    chart_ref: oci://ghcr.io/grafana-community/helm-charts/loki
    chart_version: 18.11.0
    release_values:
      singleBinary:
        replicas: 1
    free_paths:
      - loki.limits_config
"""

RETURN = r"""
unknown:
  description: The keys that the chart does not know, as dotted paths.
  type: list
  elements: str
  returned: always
chart_version:
  description: The version of the chart that was read.
  type: str
  returned: always
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.homelab.log_intelligence.plugins.module_utils import chart_values

ARGUMENTS = {
    "binary_path": {"type": "path", "default": "helm"},
    "chart_ref": {"type": "str", "required": True},
    "chart_repo_url": {"type": "str"},
    "chart_version": {"type": "str"},
    "release_values": {"type": "dict", "required": True},
    "free_paths": {"type": "list", "elements": "str", "default": []},
}
PROGRESS = ("Pulled: ", "Digest: ")  # what Helm says of an OCI registry before the answer


def show(module: AnsibleModule, what: str) -> dict[str, Any]:
    """What Helm shows of the chart."""
    given = module.params
    command = [given["binary_path"], "show", what, given["chart_ref"]]
    if given["chart_repo_url"]:
        command += ["--repo", given["chart_repo_url"]]
    if given["chart_version"]:
        command += ["--version", given["chart_version"]]
    code, out, err = module.run_command(command)
    if code:
        wanted = f"{given['chart_ref']} {given['chart_version'] or '(newest)'}"
        where = f" of {given['chart_repo_url']}" if given["chart_repo_url"] else ""
        module.fail_json(
            msg=f"The chart {wanted}{where} cannot be had: {' '.join(err.split())[-400:]}. Check that this version "
            "exists and that this machine reaches its source, or give a local directory or archive as the chart."
        )
    told = [line for line in out.splitlines() if not line.startswith(PROGRESS)]
    return yaml_load("\n".join(told)) or {}


def main() -> None:
    """Compares the values with what the chart knows."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    version = str(show(module, "chart").get("version", ""))
    if given["chart_version"] and version.lstrip("v") != given["chart_version"].lstrip("v"):
        module.fail_json(
            msg=f"The chart at {given['chart_ref']} has version {version}, and {given['chart_version']} was asked for. "
            "Give the right directory or archive, or change the version."
        )
    free = tuple(given["free_paths"])
    unknown = list(chart_values.unknown_keys(given["release_values"], show(module, "values"), free))
    typos = [one for one in unknown if one.meant]
    if typos:
        told = "; ".join(f"{one.path} (did you mean {one.meant}?)" for one in typos)
        module.fail_json(
            msg=f"The chart {given['chart_ref']} {version} does not know {told}. It would take the value silently and "
            "it would have no effect. Correct the key and run again."
        )
    for one in unknown:
        module.warn(f"The chart {given['chart_ref']} {version} shows no value {one.path}; it may have no effect.")
    module.exit_json(changed=False, unknown=[one.path for one in unknown], chart_version=version)


if __name__ == "__main__":
    main()
