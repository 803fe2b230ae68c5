"""What the molecule scenario `platform` stands on: an API, a Helm, and charts; or why it has none of them.

`python -m tests.platform_scenario start DIRECTORY` prints them as JSON; `stop DIRECTORY` ends the API.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests import api_server
from tests.cluster_tools import binary
from tests.custom_resources import CRDS
from tests.reference_charts import values_only_chart

CHARTS = ("loki", "alloy", "grafana", "prometheus")


def start(directory: Path) -> dict[str, object]:
    """Starts what is not running; `skipped` says why it cannot, and is empty otherwise."""
    if reason := api_server.missing():
        return {"skipped": reason}
    try:
        helm = binary("helm4")
        charts = {name: str(values_only_chart(name, directory / "charts")) for name in CHARTS}
    except pytest.skip.Exception as missing:
        return {"skipped": str(missing)}
    if not CRDS.is_dir():
        return {"skipped": f"no custom resource definitions: there is no {CRDS}"}
    kubeconfig = api_server.start(directory / "server")
    return {"skipped": "", "kubeconfig": str(kubeconfig), "helm": helm, "charts": charts, "crds": str(CRDS)}


if __name__ == "__main__":
    if sys.argv[1] == "start":
        sys.stdout.write(json.dumps(start(Path(sys.argv[2]))) + "\n")
    else:
        api_server.stop(Path(sys.argv[2]) / "server")
