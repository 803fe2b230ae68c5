"""Removing K3s never crosses into a mount. The mounts are real, in a mount namespace of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_mounts, k3s_removal

ROOT = Path(__file__).resolve().parents[3]
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root: run the same command with sudo")
TABLE = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
90 22 254:0 /srv/data /var/lib/rancher/k3s/agent/mine rw - ext4 /dev/vda rw
91 22 0:50 / /run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/abc/rootfs rw - overlay overlay rw
92 22 0:51 / /var/lib/kubelet/pods/0f0e0d0c-0001-4002-8003-000000000004/volumes/token rw - tmpfs tmpfs rw
93 22 254:1 / /var/lib/kubelet/my\040disk rw - xfs /dev/nvme1n1 rw
94 22 254:1 / /mnt/k8s-storage rw - xfs /dev/nvme1n1 rw
95 22 0:60 /net /run/netns/cni-0f0e0d0c-0001-4002-8003-000000000004 rw - nsfs nsfs rw
""".strip()
DATA_DIR = Path("/var/lib/rancher/k3s")
WALKED = [DATA_DIR, Path("/var/lib/kubelet"), Path("/run/k3s")]


def in_a_mount_namespace(script: str) -> str:
    """What `script` prints when it may mount as it likes."""
    path = os.pathsep.join([str(ROOT / ".ansible" / "collections"), str(ROOT / "src")])
    done = subprocess.run(
        ["unshare", "--mount", sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_mounts_of_k3s_and_of_others_are_told_apart() -> None:
    mounts = k3s_mounts.parse(TABLE)

    foreign = [str(one.point) for one in k3s_mounts.foreign(mounts, WALKED, DATA_DIR)]
    own = [one.identity for one in mounts if k3s_mounts.is_own(one, DATA_DIR)]

    assert foreign == ["/var/lib/rancher/k3s/agent/mine", "/var/lib/kubelet/my disk"]
    assert own == [91, 92, 95]


def test_the_data_disk_is_never_ones_own() -> None:
    storage = next(one for one in k3s_mounts.parse(TABLE) if str(one.point) == "/mnt/k8s-storage")

    assert not k3s_mounts.is_own(storage, DATA_DIR)
    assert not k3s_mounts.is_own(storage, Path("/mnt"))


def test_a_tree_goes_and_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("kept")
    tree = tmp_path / "tree"
    (tree / "deep" / "er").mkdir(parents=True)
    (tree / "deep" / "link").symlink_to(tmp_path / "precious")

    assert k3s_removal.remove_tree(tree)

    assert not tree.exists()
    assert (tmp_path / "precious" / "file").read_text() == "kept"
    assert not k3s_removal.remove_tree(tree)


@NEEDS_ROOT
@pytest.mark.parametrize("mount", ["mount --bind {precious} {inner}", "mount -t tmpfs tmpfs {inner}"])
def test_a_mount_inside_the_tree_stops_the_walk_before_it(tmp_path: Path, mount: str) -> None:
    printed = in_a_mount_namespace(f"""
        import subprocess
        from pathlib import Path
        from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_removal
        base = Path("{tmp_path}")
        precious, inner = base / "precious", base / "tree" / "a" / "inner"
        precious.mkdir(); inner.mkdir(parents=True)
        subprocess.run("{mount}".format(precious=precious, inner=inner).split(), check=True)
        (inner / "file").write_text("kept")
        try:
            k3s_removal.remove_tree(base / "tree")
        except k3s_removal.OtherMountError as error:
            print(error)
        print((inner / "file").read_text())
    """)

    assert f"{tmp_path}/tree/a/inner is a mount that K3s has not made" in printed
    assert printed.endswith("kept\n")


@NEEDS_ROOT
def test_a_file_that_is_mounted_inside_the_tree_is_not_emptied(tmp_path: Path) -> None:
    printed = in_a_mount_namespace(f"""
        import subprocess
        from pathlib import Path
        from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_removal
        base = Path("{tmp_path}")
        (base / "tree").mkdir(); (base / "precious").write_text("kept"); (base / "tree" / "file").touch()
        subprocess.run(["mount", "--bind", base / "precious", base / "tree" / "file"], check=True)
        try:
            k3s_removal.remove_tree(base / "tree")
        except k3s_removal.OtherMountError as error:
            print(error)
        print((base / "precious").read_text())
    """)

    assert "cannot be removed" in printed
    assert printed.endswith("kept\n")


@NEEDS_ROOT
def test_a_tree_that_is_itself_a_mount_is_emptied_and_stays(tmp_path: Path) -> None:
    printed = in_a_mount_namespace(f"""
        import os, subprocess
        from pathlib import Path
        from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_removal
        tree = Path("{tmp_path}") / "tree"
        tree.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tree], check=True)
        (tree / "file").touch()
        print(k3s_removal.remove_tree(tree), os.path.ismount(tree), list(tree.iterdir()))
    """)

    assert printed == "True True []\n"


def test_what_is_not_named_keeps_its_directory(tmp_path: Path) -> None:
    for name in ("agent", "server", "storage"):
        (tmp_path / "k3s" / name).mkdir(parents=True)

    removed = k3s_removal.remove_known(tmp_path / "k3s", ["agent", "server", "data"])

    assert removed == [str(tmp_path / "k3s" / "agent"), str(tmp_path / "k3s" / "server")]
    assert [one.name for one in (tmp_path / "k3s").iterdir()] == ["storage"]
