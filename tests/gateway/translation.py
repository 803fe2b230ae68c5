"""What Envoy Gateway's own `egctl` makes of the role's objects, and the golden files of it.

`python -m tests.gateway.translation` writes the golden files anew, given an egctl by EGCTL_BINARY or on PATH.
"""

from __future__ import annotations

import base64
import datetime
import importlib
import ipaddress
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.gateway.examples import CASES, manifests

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "gateway"
KEPT = ("Endpoints", "Clusters", "Listeners", "Routes", "Secrets")
FIRST_ADDRESS = ipaddress.ip_address("10.43.1.1")


def egctl() -> str:
    """The path of egctl; skips the test with the reason when there is none."""
    found = os.environ.get("EGCTL_BINARY") or shutil.which("egctl")
    if not found:
        pytest.skip("no egctl: EGCTL_BINARY does not name one, and none is on PATH")
    return found


def version(binary: str) -> str:
    """The version of Envoy Gateway that egctl was built from."""
    told = subprocess.run([binary, "version", "--remote=false"], capture_output=True, text=True, check=True).stdout
    return told.strip().splitlines()[0].split()[-1]


def services(routes: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """A Service with an address of its own for each that the routes name; by address."""
    ends: set[tuple[str, str, int]] = set()
    for one in routes:
        home = one["metadata"]["namespace"]
        named = [ref for rule in one["spec"].get("rules", []) for ref in rule.get("backendRefs", [])]
        for rule in one["spec"].get("rules", []):
            named += [
                found["requestMirror"]["backendRef"] for found in rule.get("filters", []) if "requestMirror" in found
            ]
        named += one["spec"].get("extAuth", {}).get("http", {}).get("backendRefs", [])
        ends |= {(ref.get("namespace", home), ref["name"], ref["port"]) for ref in named}
    return {
        str(FIRST_ADDRESS + index): {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": home},
            "spec": {
                "clusterIP": str(FIRST_ADDRESS + index),
                "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
            },
        }
        for index, (home, name, port) in enumerate(sorted(ends))
    }


def given(case: str, directory: Path) -> list[dict[str, Any]]:
    """The objects of a case with the namespaces and Services that they refer to, and a real certificate."""
    parts = manifests(case, directory)
    found = [one for objects in parts.values() for one in objects]
    for one in found:
        if one["kind"] == "Secret" and one["type"] == "kubernetes.io/tls":
            one["data"] = {key: base64.b64encode(value).decode() for key, value in _certificate(directory).items()}
        if (
            one["kind"] == "Gateway"
        ):  # egctl drops the labels of namespaces when it reads them, so no selector can match
            for listener in one["spec"]["listeners"]:
                listener["allowedRoutes"] = {"namespaces": {"from": "All"}}
    names = {one["metadata"].get("namespace") for one in found} - {None}
    spaces = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        }
        for name in sorted(names)
    ]
    return spaces + list(services(parts["routes.yaml.j2"]).values()) + found


def translate(binary: str, case: str, directory: Path) -> dict[str, Any]:
    """What egctl makes of a case: `xds`, and the objects with their conditions."""
    source = directory / "given.yaml"
    source.write_text(yaml.dump_all(given(case, directory), Dumper=yaml.CSafeDumper), encoding="utf-8")
    command = [binary, "x", "translate", "--from", "gateway-api", "--to", "xds,gateway-api", "--file", str(source)]
    done = subprocess.run([*command, "--output", "yaml"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded: dict[str, Any] = yaml.load(done.stdout, Loader=yaml.CSafeLoader)
    return loaded


def golden_of(translated: dict[str, Any], made_by: str) -> dict[str, Any]:
    """The part that is kept: what Envoy is told, without the bootstrap and without any private key."""
    (dump,) = translated["xds"].values()
    kept = {}
    for part in dump["configs"]:
        name = part["@type"].rpartition(".")[2].removesuffix("ConfigDump")
        if name in KEPT and name != "Secrets":
            kept[name.lower()] = {key: value for key, value in part.items() if key != "@type"}
    return {"made_by": f"egctl of Envoy Gateway {made_by}", "envoy": kept}


def text_of(golden: dict[str, Any]) -> str:
    """The golden file's text."""
    return yaml.dump(golden, Dumper=yaml.CSafeDumper, sort_keys=True, width=120)


def read(case: str) -> dict[str, Any]:
    """The golden file of a case; skips the test where it was never made."""
    path = GOLDEN / f"{case}.yaml"
    if not path.is_file():
        pytest.skip(f"no {path.name}: make it with python -m tests.gateway.translation, which needs an egctl")
    loaded: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return loaded


def _certificate(directory: Path) -> dict[str, bytes]:
    self_signed = importlib.import_module("plugins.module_utils.self_signed")  # by its path, so that -m finds it, too
    wanted = self_signed.Wanted(("ai.example.lan", "127.0.0.1"), 30, 1)
    certificate, key = directory / "tls.crt", directory / "tls.key"
    self_signed.make(certificate, key, wanted, datetime.datetime.now(datetime.UTC))
    return {"tls.crt": certificate.read_bytes(), "tls.key": key.read_bytes()}


def refresh() -> None:
    """Writes every golden file."""
    binary = egctl()
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        with tempfile.TemporaryDirectory() as directory:
            golden = golden_of(translate(binary, case, Path(directory)), version(binary))
        (GOLDEN / f"{case}.yaml").write_text(text_of(golden), encoding="utf-8")


if __name__ == "__main__":
    refresh()
