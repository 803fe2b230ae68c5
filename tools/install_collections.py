"""Installs the collections of requirements.yml into .ansible/collections: from Galaxy, else from the `ansible` wheel.

The wheel is a plain archive of ready collections, so that a machine which reaches only a package index gets the same
ones. It is fetched by the hash in requirements/collections.txt and never installed into the environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / ".ansible" / "collections"


def wanted() -> list[str]:
    """Return the names of the collections that requirements.yml asks for."""
    document = yaml.safe_load((ROOT / "requirements.yml").read_text(encoding="utf-8"))
    return [entry["name"] for entry in document["collections"]]


def from_galaxy() -> bool:
    """Install with ansible-galaxy; answer whether that worked."""
    galaxy = Path(sys.executable).with_name("ansible-galaxy")
    command = [str(galaxy), "collection", "install", "-r", str(ROOT / "requirements.yml"), "-p", str(TARGET)]
    environment = {**os.environ, "ANSIBLE_GALAXY_SERVER_TIMEOUT": "10"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return result.returncode == 0


def from_wheel(names: list[str]) -> None:
    """Unpack ``names`` out of the `ansible` wheel.

    Raises:
        RuntimeError: the wheel could not be fetched, or lacks one of the collections.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--ignore-requires-python"]
        command += ["--require-hashes", "--only-binary", ":all:", "--dest", folder]
        command += ["-r", str(ROOT / "requirements" / "collections.txt")]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise RuntimeError(
                "neither Galaxy nor the package index could be reached, so the collections are missing. "
                "Check the network or the proxy and run the same command again. "
                f"pip said: {result.stderr.strip()[-400:]}"
            )
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            for name in names:
                unpack(wheel, name)


def unpack(wheel: zipfile.ZipFile, name: str) -> None:
    """Put the collection ``name`` in place in one rename, so that an interrupted run leaves no half collection."""
    prefix = f"ansible_collections/{name.replace('.', '/')}/"
    members = [member for member in wheel.namelist() if member.startswith(prefix)]
    if not members:
        raise RuntimeError(f"the ansible wheel of requirements/collections.txt does not carry {name}")
    destination = TARGET / prefix
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination.parent) as stage:
        wheel.extractall(stage, members)
        shutil.rmtree(destination, ignore_errors=True)
        (Path(stage) / prefix).rename(destination)


def main() -> int:
    """Install all; return the exit status."""
    names = wanted()
    print(f"setup: installing the collections {', '.join(names)}")
    if from_galaxy():
        return 0
    print("setup: Galaxy cannot be reached: taking the collections from the ansible wheel of the package index")
    try:
        from_wheel(names)
    except RuntimeError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nsetup: stopped; run the same command again, and it goes on from here.")
