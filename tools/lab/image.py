"""The Debian image that all machines share: a root file system, a kernel and an initial RAM disk.

It is made once per recipe by mmdebstrap, which needs root, and kept; machines write to layers above it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.lab.errors import LabError
from tools.lab.programs import need
from tools.lab.settings import Image

HERE = Path(__file__).resolve().parent
GUEST = HERE / "guest"
CUSTOMISE = HERE / "customise.sh"
PACKAGES = "ca-certificates dbus iproute2 kmod libpam-systemd linux-image-cloud-amd64 openssh-server".split()
PACKAGES += "procps python3 sudo systemd systemd-sysv udev".split()
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
BUILD_SECONDS = 1800


@dataclass(frozen=True)
class BootFiles:
    """What a machine boots from."""

    root: Path  # raw ext4, never written to
    kernel: Path
    initrd: Path


def digest(image: Image) -> str:
    """Return what identifies the image: any change to its recipe or its files changes it."""
    recipe = json.dumps({"image": asdict(image), "packages": PACKAGES, "left_out": LEFT_OUT}, sort_keys=True)
    found = hashlib.sha256(recipe.encode())
    for path in sorted([*GUEST.rglob("*"), CUSTOMISE]):
        if path.is_file():
            found.update(f"\0{path.relative_to(HERE)}\0{os.access(path, os.X_OK)}\0".encode() + path.read_bytes())
    return found.hexdigest()[:12]


def existing(image: Image, store: Path) -> BootFiles | None:
    """Return the image's files if it was made before."""
    folder = store / f"{image.suite}-{digest(image)}"
    files = BootFiles(folder / "root.raw", folder / "vmlinuz", folder / "initrd.img")
    return files if all(path.is_file() for path in (files.root, files.kernel, files.initrd)) else None


def provide(image: Image, store: Path) -> BootFiles:
    """Return the image's files, making them first if need be: about two minutes and 700 MB."""
    if files := existing(image, store):
        return files
    if os.geteuid() != 0:
        raise LabError(
            "The lab's Debian image has not been made yet, and making it needs root, since its files belong to root. "
            "Run `sudo .venv/bin/python -m tools.lab image` once; starting machines needs no root."
        )
    need("mmdebstrap", "mke2fs")
    store.mkdir(parents=True, exist_ok=True)
    with _alone(store / ".lock"):
        if files := existing(image, store):
            return files
        folder = store / f"{image.suite}-{digest(image)}"
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=store) as partial:
            _build(image, Path(partial))
            shutil.rmtree(folder, ignore_errors=True)
            (Path(partial) / "image").rename(folder)
    made = existing(image, store)
    if made is None:
        raise LabError(f"The image in {folder} has no kernel or no root file system. Remove that folder and try again.")
    return made


def _build(image: Image, partial: Path) -> None:
    tree, result = partial / "root", partial / "image"
    result.mkdir()
    log = store_log(partial)
    with log.open("w", encoding="utf-8") as output:
        _run(mmdebstrap(image, tree), log, output.fileno())
        for kind, name in (("vmlinuz", "vmlinuz"), ("initrd.img", "initrd.img")):
            newest = max((tree / "boot").glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime)
            shutil.copyfile(newest, result / name)
            (result / name).chmod(0o644)
        root = result / "root.raw"
        with root.open("wb") as file:
            file.truncate(image.root_bytes)
        # Tables written now would otherwise be written by each machine after its first boot, into its own layer.
        options = "lazy_itable_init=0,lazy_journal_init=0"
        _run(
            ("mke2fs", "-q", "-t", "ext4", "-L", "lab-root", "-E", options, "-d", str(tree), str(root)),
            log,
            output.fileno(),
        )


def mmdebstrap(image: Image, tree: Path) -> tuple[str, ...]:
    """Return the command that fills `tree` with the root file system."""
    return (
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--format=directory",
        f"--include={','.join([*PACKAGES, *image.packages])}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
        f'--essential-hook=cp -rT --preserve=mode "{GUEST}" "$1"',
        f'--customize-hook="{CUSTOMISE}" "$1"',
        image.suite,
        str(tree),
        image.mirror,
    )


def store_log(partial: Path) -> Path:
    """Return where the build's output goes; it outlives the build's own folder."""
    return partial.parent / "build.log"


def _run(command: tuple[str, ...], log: Path, output: int) -> None:
    try:
        subprocess.run(
            command, check=True, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=BUILD_SECONDS
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as problem:
        last = " / ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-6:])
        raise LabError(
            f"The lab's image could not be made: {command[0]} failed or took more than {BUILD_SECONDS} s. It said: "
            f"{last}. Its whole output is in {log}. If the mirror was not reached, set another lab_image.mirror."
        ) from problem


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
