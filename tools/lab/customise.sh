#!/bin/sh
# Finishes the root file system of the lab's image; mmdebstrap calls this with the folder that holds it.
set -eu
root=$1
chroot "$root" useradd --create-home --shell /bin/bash lab
chroot "$root" systemctl --quiet enable lab-seed.service systemd-networkd.service ssh.service
# A timer that takes apt's lock at a moment of its own would fail whatever installs packages then.
chroot "$root" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer
# It looks for LVM snapshots, which a lab has none of, for twenty seconds of each emulated start.
chroot "$root" systemctl --quiet mask e2scrub_reap.service
# Each machine gets a key of its own.
rm -f "$root"/etc/ssh/ssh_host_*
echo 'nameserver 10.0.2.3' > "$root/etc/resolv.conf"
echo '/dev/vda / ext4 noatime,errors=remount-ro 0 1' > "$root/etc/fstab"
chmod 0440 "$root/etc/sudoers.d/lab"
