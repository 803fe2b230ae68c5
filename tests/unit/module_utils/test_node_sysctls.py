from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import node_sysctls
from ansible_collections.homelab.log_intelligence.plugins.module_utils.node_sysctls import Setting

FORWARD = Setting("net.ipv4.ip_forward", value="1")
WATCHES = Setting("fs.inotify.max_user_watches", minimum=524288)
OURS = "etc/sysctl.d/90-ours.conf"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, value in {"net/ipv4/ip_forward": "0\n", "fs/inotify/max_user_watches": "8192\n"}.items():
        path = tmp_path / "proc/sys" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value)
    return tmp_path


def planned(root: Path, settings: list[Setting]) -> node_sysctls.Plan:
    found = node_sysctls.read_kernel(root, [setting.name for setting in settings])
    own = root / OURS
    return node_sysctls.plan(settings, found, node_sysctls.read_file(own), node_sysctls.read_others(root, own))


def brought(root: Path, settings: list[Setting]) -> node_sysctls.Plan:
    change = planned(root, settings)
    node_sysctls.apply(change, root, root / OURS)
    return change


def value(root: Path, name: str) -> str:
    return node_sysctls.path_of(root, name).read_text().strip()


def test_what_is_wrong_is_set_and_kept_and_the_next_plan_is_empty(root: Path) -> None:
    change = brought(root, [FORWARD, WATCHES])

    assert change.live == {"net.ipv4.ip_forward": "1", "fs.inotify.max_user_watches": "524288"}
    assert value(root, "net.ipv4.ip_forward") == "1"
    assert node_sysctls.read_file(root / OURS) == change.live
    assert not planned(root, [FORWARD, WATCHES])


@pytest.mark.parametrize("alteration", ["kernel", "file", "no file"])
def test_what_is_altered_from_outside_is_mended(root: Path, alteration: str) -> None:
    brought(root, [FORWARD, WATCHES])
    if alteration == "kernel":
        node_sysctls.path_of(root, FORWARD.name).write_text("0\n")
    elif alteration == "file":
        (root / OURS).write_text("net.ipv4.ip_forward = 0\n")
    else:
        (root / OURS).unlink()

    change = brought(root, [FORWARD, WATCHES])

    assert change
    assert value(root, "net.ipv4.ip_forward") == "1"
    assert node_sysctls.read_file(root / OURS)["net.ipv4.ip_forward"] == "1"
    assert not planned(root, [FORWARD, WATCHES])


def test_what_another_file_provides_is_not_written_again(root: Path) -> None:
    brought(root, [FORWARD])
    (root / OURS).unlink()
    (root / "etc/sysctl.d/50-theirs.conf").write_text("# x\nnet/ipv4/ip_forward=1\n")

    assert not planned(root, [FORWARD])


def test_another_file_that_says_otherwise_does_not_count(root: Path) -> None:
    brought(root, [FORWARD])
    (root / OURS).unlink()
    (root / "etc/sysctl.conf").write_text("net.ipv4.ip_forward = 0\n")

    assert planned(root, [FORWARD]).kept == {"net.ipv4.ip_forward": "1"}


def test_more_than_the_minimum_is_left_as_it_is(root: Path) -> None:
    node_sysctls.path_of(root, WATCHES.name).write_text("1048576\n")

    assert not planned(root, [WATCHES])


def test_a_setting_that_the_kernel_lacks_is_told_and_not_written(root: Path) -> None:
    bridge = Setting("net.bridge.bridge-nf-call-iptables", value="1")

    change = planned(root, [bridge])

    assert change.absent == ("net.bridge.bridge-nf-call-iptables",)
    assert not change


def test_without_settings_the_file_goes(root: Path) -> None:
    brought(root, [FORWARD])

    assert brought(root, [])
    assert not (root / OURS).exists()
    assert not planned(root, [])


def test_settings_of_several_numbers_are_compared_without_their_spacing() -> None:
    assert Setting("net.ipv4.tcp_rmem", value="4096 131072 6291456").holds("4096\t131072\t6291456")


def test_a_setting_that_cannot_be_written_ends_in_one_sentence(root: Path) -> None:
    change = planned(root, [FORWARD])
    node_sysctls.path_of(root, FORWARD.name).unlink()
    node_sysctls.path_of(root, FORWARD.name).mkdir()

    with pytest.raises(node_sysctls.SettingError, match="cannot be written"):
        node_sysctls.apply(change, root, root / OURS)
