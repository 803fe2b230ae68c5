"""The image of a node: Debian with systemd, made from the distribution's packages and kept in build/nodes."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from tests.nodes.podman import podman

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "nodes"
_SUITE = "bookworm"
_PACKAGES = """
    systemd systemd-sysv dbus udev init-system-helpers python3 sudo openssh-server ca-certificates curl procps kmod
    iproute2 iptables conntrack ethtool socat iputils-ping less util-linux e2fsprogs xfsprogs logrotate
    systemd-timesyncd python3-apt age
""".split()
_LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")

# An internal network has no way out, and K3s refuses to start without a default route.
_DEFAULT_ROUTE = """[Unit]
Description=Default route of a test node
After=network.target
Before=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
PassEnvironment=NODE_GATEWAY
ExecStart=/bin/sh -c 'test -z "$NODE_GATEWAY" || ip route replace default via "$NODE_GATEWAY"'

[Install]
WantedBy=multi-user.target
"""
# What would wait for hardware or a person that a container does not have.
_MASKED = ("getty@tty1.service", "console-getty.service", "systemd-udevd.service")


def node_image() -> str:
    """Return the name of the image, making it first (about 90 s) when its recipe has changed."""
    recipe = "\n".join((_SUITE, *_PACKAGES, *_LEFT_OUT, _DEFAULT_ROUTE, *_MASKED))
    name = f"localhost/homelab-node:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if podman("image", "exists", name, check=False).returncode == 0:
        return name
    archive = CACHE / f"{name.rpartition(':')[2]}.tar"
    if not archive.exists():
        _make(archive)
    podman("import", "--quiet", "--change", 'CMD ["/lib/systemd/systemd"]', str(archive), name)
    return name


def _make(archive: Path) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    unit = CACHE / "default-route.service"
    unit.write_text(_DEFAULT_ROUTE, encoding="utf-8")
    partial = archive.with_suffix(".partial.tar")
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(_PACKAGES)}"]
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
    command += [f"--customize-hook=upload {unit} /etc/systemd/system/default-route.service"]
    command += ['--customize-hook=chroot "$1" systemctl enable default-route.service']
    command += [f'--customize-hook=chroot "$1" systemctl mask {" ".join(_MASKED)}']
    command += ['--customize-hook=: >"$1"/etc/machine-id', _SUITE, str(partial)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        tail = "\n".join(done.stderr.splitlines()[-15:])
        raise RuntimeError(f"mmdebstrap could not make the node image; its last lines were:\n{tail}")
    partial.rename(archive)
