"""One virtual machine with many small NVMe disks, each with other content, made by the tools that people use."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
from pathlib import Path
from typing import Any

from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk.request import Request

from tools.lab.machine import Machine
from tools.lab.settings import Disk

ROOT = Path(__file__).resolve().parents[3]
PARTS = ROOT / "plugins" / "module_utils" / "data_disk"
MIB = 1 << 20
DISK_BYTES = 320 * MIB  # XFS takes no less than 300
PACKAGES = (
    *("btrfs-progs", "cryptsetup-bin", "e2fsprogs", "fdisk", "lvm2", "mdadm"),
    *("nvme-cli", "psmisc", "smartmontools", "xfsprogs"),
)
PLACE = "/mnt/k8s-storage"
JOURNALS = "/var/lib/log-intelligence/data-disk"
SHARES = (
    {"name": "loki", "bytes": 60 * MIB, "owner": "10001", "group": "10001", "mode": "0750"},
    {"name": "chroma", "bytes": 40 * MIB, "owner": "0", "group": "0", "mode": "0755"},
)
LINK = "/dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_{}"

FIND = "d() { readlink -f /dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_$1; }\n"
PREPARE = (
    "set -eu\n"
    + FIND
    + r"""
printf 'AUTO -all\n' > /etc/mdadm/mdadm.conf
modprobe -a xfs ext4 btrfs dm-mod dm-crypt md-mod raid1
mkfs.ext4 -q -L photos $(d EXT4)
mkfs.xfs -q -L films $(d XFS)
mkfs.btrfs -q -L music $(d BTRFS)
pvcreate -q -q $(d LVM) && vgcreate -q -q quiet $(d LVM) && lvcreate -q -q -y -n data -L 64M quiet
mkfs.ext4 -q /dev/quiet/data && vgchange -q -q -an quiet
mdadm --quiet --create /dev/md/old --metadata=1.2 --level=1 --raid-devices=2 --force $(d RAID12) missing
mdadm --quiet --stop /dev/md/old
mdadm --quiet --create /dev/md/older --metadata=0.90 --level=1 --raid-devices=2 --force $(d RAID090) missing
mdadm --quiet --stop /dev/md/older
printf secret | cryptsetup luksFormat --batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000 $(d LUKS) -
printf 'label: gpt\n,,\n' | sfdisk -q $(d GPT)
printf 'label: dos\n,,\n' | sfdisk -q $(d MBR)
udevadm settle
mkfs.ext4 -q $(d GPT)p1
mkswap $(d MBR)p1 > /dev/null
mkfs.ext4 -q $(d LEFTOVER) && wipefs -q -a $(d LEFTOVER)
python3 - $(d ODD) $(d ZFS) <<'PYTHON'
import struct, sys
with open(sys.argv[1], "r+b") as disk:
    disk.seek(217 * 1048576 + 12345)
    disk.write(b"the only copy of something")
with open(sys.argv[2], "r+b") as disk:
    size = disk.seek(0, 2)
    for label in (0, 262144, size - 524288, size - 262144):
        for number in range(8):
            disk.seek(label + 131072 + number * 1024)
            disk.write(struct.pack("<QQQQQ", 0x00BAB10C, 5000, number + 1, 7, 1700000000))
PYTHON
udevadm settle
"""
)
USE = (  # the same disks, now in use
    "set -eu\n"
    + FIND
    + r"""
mkdir -p /srv/volume
vgchange -q -q -ay quiet && mount /dev/quiet/data /srv/volume
mdadm --quiet --assemble --run /dev/md/old $(d RAID12)
printf secret | cryptsetup open $(d LUKS) opened -
swapon $(d MBR)p1
udevadm settle
"""
)
CONTENTS = (
    *("EMPTY", "EXT4", "XFS", "BTRFS", "LVM", "RAID12", "RAID090", "LUKS", "ZFS", "GPT", "MBR", "ODD"),
    *("LEFTOVER", "SPARE"),
)

AGENT = "/root/parts/guest_agent.py"
ANSWER_SECONDS = 900  # an emulated machine on a busy host


class Guest:
    """The machine, and the code under test in it. One login is kept open, since each costs seconds in emulation."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._open: subprocess.Popen[str] | None = None

    def install(self) -> None:
        """Copies the code under test in; it needs nothing but the guest's own Python."""
        self.machine.copy(PARTS, "/root/parts/data_disk")
        self.machine.copy(Path(__file__).with_name("guest_agent.py"), AGENT)

    def ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What :mod:`guest_agent` answers."""
        if self._open is None:
            command = self.machine.login.command("--", "python3", AGENT)
            self._open = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._open.stdin is not None
        assert self._open.stdout is not None
        overdue = threading.Timer(ANSWER_SECONDS, self._open.kill)
        overdue.start()
        try:
            print(json.dumps(asked), file=self._open.stdin, flush=True)
            line = self._open.stdout.readline()
        finally:
            overdue.cancel()
        if not line:
            ended = self._open.wait(60)
            self.close()  # the next question logs in anew
            raise AssertionError(f"the machine did not answer to {asked}; the login ended with {ended}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Ends the login, before the machine stops."""
        if self._open is not None:
            self._open.kill()
            self._open.wait()
            self._open = None

    def restart(self, *disks: Disk, cut: bool = False) -> None:
        """Stops the machine, by a power cut if `cut`, and starts it with these disks in this order."""
        self.close()
        self.machine.kill() if cut else self.machine.stop()
        self.machine = self.machine.with_disks(*disks)
        self.machine.start()
        self.machine.wait()
        self.sh("systemctl is-system-running --wait || true")
        self.sh("mdadm --stop --scan || true")  # the initramfs, made before the disks, assembles what it finds

    def call(self, what: str, serial: str, /, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """What `observe`, `claim` or `release` answers; `refused` or `failed` is set when it did not do it."""
        return self.ask({"what": what, "check": check, "options": asked_for(serial, **options)})

    def claim(self, serial: str, /, **options: Any) -> dict[str, Any]:
        """Claims the disk."""
        return self.call("claim", serial, **options)

    def sh(self, command: str) -> str:
        """What a shell in the guest prints; fails when it does."""
        done = self.ask({"shell": command})
        assert done["code"] == 0, f"{command} ended with {done['code']}: {done['stdout']}{done['stderr']}"
        return str(done["stdout"]).strip()

    def fails(self, command: str) -> str:
        """What a shell that must fail says about it."""
        done = self.ask({"shell": command})
        assert done["code"] != 0, f"{command} succeeded"
        return str(done["stderr"])

    def digest(self, serial: str) -> str:
        """Of every byte of the disk, read on the host from the file behind it."""
        self.sh("sync")
        with self.machine.place.disk(serial).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def start_claim(self, serial: str, /, **options: Any) -> None:
        """Begins to claim the disk in a session of its own, whose number is then in /tmp/claim.pid."""
        asked = json.dumps({"what": "claim", "check": False, "options": asked_for(serial, **options)})
        self.sh(f"cat > /tmp/asked.json <<'END'\n{asked}\nEND")
        self.sh(f"setsid python3 {AGENT} < /tmp/asked.json > /tmp/claim.out 2>&1 & echo $! > /tmp/claim.pid")

    def blank(self, serial: str) -> None:
        """Makes a disk as it came from the shop, and forgets what an earlier, perhaps failed, test left of it."""
        link = LINK.format(serial)
        self.sh(
            f"umount -q {PLACE}; chattr -i {PLACE}; rmdir {PLACE}; sed -i '\\|{PLACE}|d' /etc/fstab; "
            f"rm -rf {JOURNALS}; blkdiscard --zeroout --force {link} || blkdiscard --zeroout {link}; udevadm settle"
        )

    def half_make(self, serial: str, *, journal: bool = True) -> None:
        """Leaves the disk as mkfs.xfs does when it is killed before its last write: marked as being made."""
        wanted = Request.of(asked_for(serial))
        told = {"serial": serial, "uuid": wanted.uuid, "bytes": str(DISK_BYTES), "was": "empty"}
        link = LINK.format(serial)
        self.sh(f"mkfs.xfs -q -L {wanted.label} -m uuid={wanted.uuid} {link}")
        self.sh(f"printf '\\001' | dd of={link} bs=1 seek=126 conv=notrunc,fsync status=none; udevadm settle")
        if journal:
            self.sh(f"mkdir -p {JOURNALS}; echo '{json.dumps(told)}' > {JOURNALS}/{serial}.formatting.json")


def guards(answer: dict[str, Any]) -> set[str]:
    """The names of the guards that refused."""
    return {refusal["guard"] for refusal in answer["refusals"]}


def asked_for(serial: str, /, **options: Any) -> dict[str, Any]:
    """The module's options for one of the disks."""
    given = {
        "by_id": LINK.format(serial),
        "serial": serial,
        "bytes": DISK_BYTES,
        "model": "QEMU NVMe Ctrl",
        "filesystem": "xfs",
        "mount_point": PLACE,
        "label": "k8s-storage",
        "projects": [],
        "device_timeout": "120s",
        "state_dir": JOURNALS,
    }
    return {**given, **options}
