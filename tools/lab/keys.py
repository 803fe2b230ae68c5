"""Keys of the lab, made once: the person's and each machine's, so that the first login already checks the host key."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.lab.programs import need


@dataclass(frozen=True)
class KeyPair:
    """An SSH key in a file of mode 0600, with its public half beside it."""

    private: Path

    @property
    def public(self) -> str:
        """The public half as one line."""
        return self.private.with_name(f"{self.private.name}.pub").read_text(encoding="utf-8").strip()


def key_pair(path: Path, comment: str) -> KeyPair:
    """Return the key at `path`, making it if it is not there."""
    if not path.is_file() or not path.with_name(f"{path.name}.pub").is_file():
        need("ssh-keygen")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.unlink(missing_ok=True)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    path.chmod(0o600)
    return KeyPair(path)


def known_host(port: int, key: KeyPair) -> str:
    """Return the line of a known_hosts file for a machine that is reached at a port of 127.0.0.1."""
    return f"[127.0.0.1]:{port} {' '.join(key.public.split()[:2])}\n"
