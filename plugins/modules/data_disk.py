#!/usr/bin/python
"""Ansible door to :mod:`data_disk`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: data_disk
short_description: Claim a whole disk for the applications' data without ever losing what is on one
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Finds a disk by its link below C(/dev/disk/by-id) and its serial, and formats it only when it is proven empty.
  - Refuses, with every reason at once, a disk that is mounted, swapped to, held, partitioned, recognised as anything or
    not empty where tools leave their labels and in samples across it, and one whose serial, size or model differs.
  - A disk that it has formatted itself is known by label, UUID and a marker file, and adopted without being written to,
    also after the system was installed anew.
  - Mounts the filesystem by UUID through C(/etc/fstab), so that the machine starts without the disk too, makes the
    mount point immutable, so that nothing lands on the root disk then, and gives each application a directory
    with a project quota.
  - A run that is killed while it formats is continued by the next one, on the same system, when nothing else
    has been written.
options:
  by_id:
    description: The disk as a link below C(/dev/disk/by-id). Names such as C(/dev/nvme1n1) are refused.
    type: str
    required: true
  serial:
    description: The serial that the disk itself must give.
    type: str
    required: true
  bytes:
    description: The size of the disk in bytes; 1 % may differ. Required with O(state=present).
    type: int
    default: 0
  model:
    description: The model that the disk must give; empty means any.
    type: str
    default: ""
  filesystem:
    description: What an empty disk is formatted with.
    type: str
    choices: [xfs, ext4]
    default: xfs
  mount_point:
    description: Where the filesystem is mounted.
    type: path
    default: /mnt/k8s-storage
  label:
    description: The label of the filesystem, of at most 12 characters (16 with ext4).
    type: str
    default: k8s-storage
  projects:
    description:
      - One directory per application, each with a hard limit that is enforced by a project quota.
      - A directory that is no longer named keeps its files and its quota.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name of the directory.
        type: str
        required: true
      bytes:
        description: The limit in bytes.
        type: int
        required: true
      owner:
        description: The owner, as a name of the host or a number.
        type: str
        default: "0"
      group:
        description: The group, as a name of the host or a number.
        type: str
        default: "0"
      mode:
        description: The mode, octal, as in V(0750).
        type: str
        default: "0750"
  erase_serial:
    description:
      - The serial of exactly this disk, typed out, formats it although something lies on it.
      - It never opens a disk that is mounted, held or used in any way, nor one that was claimed before, even when that
        looks damaged, carries another label than O(label), or is only still listed in C(/etc/fstab).
    type: str
    default: ""
  device_timeout:
    description:
      - How long the mount waits for the disk at a start, as systemd writes it. The start itself goes on meanwhile;
        a disk that comes later is mounted by the next run.
    type: str
    default: 90s
  proof:
    description:
      - How an empty disk is proven empty, before it is formatted. V(sampled) reads 16 MiB at both ends, every place
        where superblocks have copies, and 4096 samples across the disk; disks of up to 4 GiB are read whole.
      - V(whole) reads every byte, which takes minutes.
      - A disk that was only sampled is formatted without discarding, so that what was missed can still be recovered.
    type: str
    choices: [sampled, whole]
    default: sampled
  state:
    description:
      - With V(released) the filesystem is unmounted, its line taken out of C(/etc/fstab) and its mount point removed.
        The data stay on the disk, and V(present) adopts it again.
    type: str
    choices: [present, released]
    default: present
  state_dir:
    description: Where, on the root disk, a format under way is recorded.
    type: path
    default: /var/lib/log-intelligence/data-disk
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Claim the second disk
  homelab.log_intelligence.data_disk:
    by_id: /dev/disk/by-id/nvme-SAMSUNG_MZVL2512HCJQ-00B00_S675NX0T123456
    serial: S675NX0T123456
    bytes: 512110190592
    projects:
      - name: loki
        bytes: 107374182400
        owner: "10001"
        group: "10001"
"""

RETURN = r"""
uuid:
  description: The UUID of the filesystem.
  type: str
  returned: success
device:
  description: Where the link leads at present.
  type: str
  returned: success
bytes:
  description: The size of the disk in bytes.
  type: int
  returned: success
standing:
  description: How the disk was found, such as C(ours) or C(empty).
  type: str
  returned: always
projects:
  description: Each application's directory, with its project number and its limit and use in bytes.
  type: dict
  returned: success
health:
  description:
    - What the disk says about itself through smartctl or nvme, with C(wear_percent) where it tells; only C(source),
      empty, when neither is installed.
  type: dict
  returned: success
refusals:
  description:
    - Every reason to leave the disk alone, each with the guard, what was found, a command that shows it, and in C(mend)
      the next step where only one is right.
  type: list
  elements: dict
  returned: failure
disks:
  description: The disks of the host with the values that identify them, to copy into the inventory.
  type: list
  elements: dict
  returned: failure
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk import door
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk.request import DiskError, Request

ARGUMENTS = {
    "by_id": {"type": "str", "required": True},
    "serial": {"type": "str", "required": True},
    "bytes": {"type": "int", "default": 0},
    "model": {"type": "str", "default": ""},
    "filesystem": {"type": "str", "choices": ["xfs", "ext4"], "default": "xfs"},
    "mount_point": {"type": "path", "default": "/mnt/k8s-storage"},
    "label": {"type": "str", "default": "k8s-storage"},
    "projects": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "bytes": {"type": "int", "required": True},
            "owner": {"type": "str", "default": "0"},
            "group": {"type": "str", "default": "0"},
            "mode": {"type": "str", "default": "0750"},
        },
    },
    "erase_serial": {"type": "str", "default": ""},
    "device_timeout": {"type": "str", "default": "90s"},
    "proof": {"type": "str", "choices": ["sampled", "whole"], "default": "sampled"},
    "state": {"type": "str", "choices": ["present", "released"], "default": "present"},
    "state_dir": {"type": "path", "default": "/var/lib/log-intelligence/data-disk"},
}


def main() -> None:
    """Plans, tells the plan as a diff, and carries it out unless in check mode."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    request = Request.of(module.params)
    act = door.release if module.params["state"] == "released" else door.claim
    try:
        result = act(request, check=module.check_mode)
    except door.RefusedError as refused:
        module.fail_json(msg=str(refused), **refused.details)
    except (DiskError, OSError) as problem:
        module.fail_json(msg=str(problem))
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
