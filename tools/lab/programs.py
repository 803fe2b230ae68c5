"""Programs of the host that the lab calls."""

from __future__ import annotations

import shutil

from tools.lab.errors import MissingProgramError

PACKAGES = {  # program: package in Debian and Ubuntu, package in Fedora
    "qemu-system-x86_64": ("qemu-system-x86", "qemu-system-x86-core"),
    "qemu-img": ("qemu-utils", "qemu-img"),
    "mmdebstrap": ("mmdebstrap", "mmdebstrap"),
    "mke2fs": ("e2fsprogs", "e2fsprogs"),
    "ssh": ("openssh-client", "openssh-clients"),
    "ssh-keygen": ("openssh-client", "openssh-clients"),
    "ip": ("iproute2", "iproute"),
}


def missing(*programs: str) -> list[str]:
    """Return those of the programs that are not installed."""
    return [program for program in programs if shutil.which(program) is None]


def need(*programs: str) -> None:
    """Raise MissingProgramError, with the line that installs them, if one of the programs is not installed."""
    if lacking := missing(*programs):
        debian, fedora = (" ".join(sorted({PACKAGES[name][index] for name in lacking})) for index in (0, 1))
        command = (
            f"dnf install {fedora}" if shutil.which("dnf") else f"apt-get install --no-install-recommends {debian}"
        )
        raise MissingProgramError(f"The lab needs {', '.join(lacking)}, which is not installed. Run `sudo {command}`.")
