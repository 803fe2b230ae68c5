"""The files behind a machine's disks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tools.lab import image as images
from tools.lab.command import Place
from tools.lab.errors import LabError
from tools.lab.settings import Image


def root_layer(place: Place, image: Image, store: Path) -> images.BootFiles:
    """Return what the machine boots from, making its root layer if it has none.

    A machine stays with the image that it was made upon, whatever the recipe says by now.
    """
    if not place.root.is_file():
        made = images.provide(image, store)
        partial = place.root.with_suffix(".partial")
        base = os.path.relpath(made.root, place.folder)
        command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, str(partial)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        place.image.unlink(missing_ok=True)
        place.image.symlink_to(os.path.relpath(made.root.parent, place.folder))
        partial.rename(place.root)
    folder = place.image.resolve()
    boot = images.BootFiles(folder / "root.raw", folder / "vmlinuz", folder / "initrd.img")
    if not boot.root.is_file() or not boot.kernel.is_file():
        raise LabError(
            f"The image that {place.folder.name} was made upon is gone ({folder}). Remove {place.folder}, with the "
            "machine's disks, and start it anew."
        )
    return boot


def make_disk(path: Path, size: int) -> None:
    """Make the file behind a disk, sparse and empty, unless it is there; LabError when it has another size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with path.open("xb") as file:
            file.truncate(size)
    if path.stat().st_size != size:
        raise LabError(
            f"The disk in {path} has {path.stat().st_size} bytes, not the {size} asked for. It is not resized, since "
            "it may hold data: ask for the size that it has, or remove the file if its content is not needed."
        )


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
