"""What makes one machine differ from another, as an archive that the machine unpacks at each start."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from ipaddress import IPv4Interface
from pathlib import Path

from tools.lab.keys import KeyPair

LAB_USER = 1000  # the first user of the image
CARD = "enp0s4"  # the second card: its place on the bus is fixed on QEMU's command line


def seed(name: str, address: IPv4Interface | None, person: KeyPair, host: KeyPair, peers: Mapping[str, str]) -> bytes:
    """Return the archive; `peers` maps names of other machines to their addresses."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, (text, mode, owner) in files(name, address, person, host, peers).items():
            entry = tarfile.TarInfo(path)
            entry.mode, entry.uid, entry.gid = mode, owner, owner
            if path.endswith("/"):
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)
            else:
                content = text.encode()
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def files(
    name: str, address: IPv4Interface | None, person: KeyPair, host: KeyPair, peers: Mapping[str, str]
) -> dict[str, tuple[str, int, int]]:
    """Return path: (text, mode, owner) of each file; a path that ends with a slash is a folder."""
    hosts = ["127.0.0.1 localhost", f"127.0.1.1 {name}", *(f"{where} {peer}" for peer, where in sorted(peers.items()))]
    found: dict[str, tuple[str, int, int]] = {
        "etc/hostname": (f"{name}\n", 0o644, 0),
        "etc/hosts": ("\n".join([*hosts, "::1 localhost ip6-localhost", ""]), 0o644, 0),
        "etc/ssh/ssh_host_ed25519_key": (Path(host.private).read_text(encoding="utf-8"), 0o600, 0),
        "etc/ssh/ssh_host_ed25519_key.pub": (f"{host.public}\n", 0o644, 0),
    }
    for home, owner in (("root", 0), ("home/lab", LAB_USER)):
        found[f"{home}/.ssh/"] = ("", 0o700, owner)
        found[f"{home}/.ssh/authorized_keys"] = (f"{person.public}\n", 0o600, owner)
    if address:
        text = f"[Match]\nName={CARD}\n\n[Network]\nAddress={address}\nLinkLocalAddressing=no\n"
        found["etc/systemd/network/20-lab.network"] = (text, 0o644, 0)
    return found
