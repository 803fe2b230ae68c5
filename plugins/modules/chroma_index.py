#!/usr/bin/python
"""Ansible door to :mod:`k8s_log_agent.retrieval.collection`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: chroma_index
short_description: Bring a collection of Chroma to the records of a data set
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Compares the records of a golden data set with a collection by id and by a hash of their content. Where they differ,
    a new collection is filled beside the old one and takes its place in one step, so a reader sees one or the other.
  - The vectors are made in this process by MiniLM, whose files come from installed Python distributions, or by an
    embedding server; vectors of records that did not change are taken over.
  - The name of a collection carries the version of the signature recipe and the embedder. A collection that was made by
    another embedder is never mixed with this one.
requirements:
  - The Python package C(k8s_log_agent) of the same version as this collection, with its extra C(retrieval)
options:
  url:
    description: The address of the Chroma server.
    type: str
    default: http://127.0.0.1:18000
  dataset:
    description: The golden data set file whose records are indexed.
    type: path
    required: true
  collection:
    description: The base name of the collection.
    type: str
    default: golden
  embedding_url:
    description:
      - The address of a llama.cpp embedding server with BGE-small-en-v1.5, started with C(--embedding --pooling cls).
      - MiniLM makes the vectors when this is not set.
    type: str
    default: ""
  splits:
    description: Only records of these splits are indexed; of all splits when the list is empty.
    type: list
    elements: str
    choices: [train, validation, test]
    default: []
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Index the golden data set
  homelab.log_intelligence.chroma_index:
    url: http://127.0.0.1:18000
    dataset: /srv/golden_dataset.json
"""

RETURN = r"""
collection:
  description: The name of the collection that holds the records; in check mode the name that it would have.
  type: str
  returned: always
  sample: golden-s1-minilm-l6-v2-int8-g000001
embedder:
  description: The name of what made its vectors.
  type: str
  returned: always
added:
  description: Number of records that were not in it.
  type: int
  returned: always
updated:
  description: Number of records whose content had changed.
  type: int
  returned: always
removed:
  description: Number of records that were in it and not in the data set.
  type: int
  returned: always
unchanged:
  description: Number of records that were in it already.
  type: int
  returned: always
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import package

ARGUMENTS = {
    "url": {"type": "str", "default": "http://127.0.0.1:18000"},
    "dataset": {"type": "path", "required": True},
    "collection": {"type": "str", "default": "golden"},
    "embedding_url": {"type": "str", "default": ""},
    "splits": {"type": "list", "elements": "str", "choices": ["train", "validation", "test"], "default": []},
}


def main() -> None:
    """Compares, and in a real run brings the collection to what is wanted."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    collection = package.load(module, "k8s_log_agent.retrieval.collection")
    choosing = package.load(module, "k8s_log_agent.retrieval.choosing")
    errors = package.load(module, "k8s_log_agent.retrieval.errors")
    datasets = package.load(module, "k8s_log_agent.dataset.store")
    given = module.params
    try:
        brought = collection.bring_collection(
            Path(given["dataset"]),
            given["url"],
            given["collection"],
            embedder=choosing.choose_embedder(given["embedding_url"]),
            splits=given["splits"],
            check=module.check_mode,
        )
    except (errors.RetrievalError, datasets.DatasetError) as error:
        module.fail_json(msg=str(error))
    plan = brought.plan
    diff = {
        "before": {"collection": plan.current, "records": sorted((*plan.removed, *plan.updated))},
        "after": {"collection": plan.target, "records": sorted((*plan.added, *plan.updated))},
    }
    module.exit_json(**brought.as_json(), diff=diff if plan.changed else None)


if __name__ == "__main__":
    main()
