"""Makes and removes labs by hand: `python -m tests.nodes create mylab node-1 node-2`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.nodes import lab
from tests.nodes.host import why_not, why_not_run


def main() -> int:
    """Do what was asked; exit 0 when done, 1 where nodes cannot be made here."""
    parser = argparse.ArgumentParser(prog="python -m tests.nodes", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("check", help="say whether nodes can be made here")
    create = verbs.add_parser("create", help="make a lab anew")
    create.add_argument("lab")
    create.add_argument("node", nargs="+")
    create.add_argument("--images", type=Path, help="folder of image archives for K3s")
    destroy = verbs.add_parser("destroy", help="remove a lab")
    destroy.add_argument("lab")
    asked = parser.parse_args()

    reason = why_not() or (why_not_run() if asked.verb == "check" else None)
    if reason:
        print(reason, file=sys.stderr)
        return 1
    if asked.verb == "create":
        for node in lab.create(asked.lab, asked.node, images=asked.images).nodes:
            print(f"{node.name} {node.container} {node.address}")
    elif asked.verb == "destroy":
        lab.destroy(asked.lab)
    return 0


if __name__ == "__main__":
    sys.exit(main())
