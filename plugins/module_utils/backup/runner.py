"""What the timer runs: `python3 -m backup.runner CONFIG` makes the backups that the configuration lists.

The directory of this file is copied to the node; nothing else is needed there but Python and age.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from . import making, metrics
from .content import Content, Directory, K3sDatastore
from .errors import BackupError


def contents(config: dict[str, Any]) -> list[Content]:
    """What a configuration lists."""
    found: list[Content] = []
    if config.get("k3s"):
        k3s = config["k3s"]
        found.append(K3sDatastore(Path(k3s["data_dir"]), Path(k3s["config_dir"]), Path(k3s["program"])))
    found += [Directory(one["name"], Path(one["path"])) for one in config.get("directories", [])]
    return found


def order_of(config: dict[str, Any]) -> making.Order:
    """Where they go."""
    return making.Order(
        target=Path(config["target"]),
        stage=Path(config["stage"]),
        site=config["site"],
        host=config["host"],
        recipients=tuple(config["recipients"]),
        keep=int(config["keep"]),
    )


def main(arguments: list[str]) -> int:
    """Makes each backup and reads it back; one that fails does not keep the others from being made."""
    config = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    failed = 0
    for content in contents(config):
        try:
            made = making.make(content, order_of(config), datetime.now(timezone.utc))  # noqa: UP017 - nodes may have Python 3.9
        except BackupError as error:
            print(f"backup: {content.name}: {error}", file=sys.stderr)
            failed += 1
        else:
            size = made.manifest.archive_bytes
            print(f"backup: {content.name}: {made.folder}, {size} bytes, {len(made.manifest.files)} files")
    if config.get("metrics"):
        metrics.write(Path(config["metrics"]), Path(config["target"]), [one.name for one in contents(config)])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
