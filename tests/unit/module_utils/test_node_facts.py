from __future__ import annotations

import gzip
import platform
import socket
import threading
from pathlib import Path

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import node_disks, node_facts, node_network


def tree(root: Path, **files: str) -> Path:
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_an_os_release_is_read_with_its_quotes() -> None:
    text = '# comment\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\nID_LIKE="rhel centos"\n'

    assert node_facts.os_release(text)["VERSION_ID"] == "12"
    assert node_facts.os_release(text)["ID_LIKE"] == "rhel centos"


def test_control_groups_v2_are_told_from_v1_and_from_both_side_by_side(tmp_path: Path) -> None:
    second = tree(tmp_path / "2", sys__fs__cgroup="")
    (second / "sys/fs/cgroup").unlink()
    (second / "sys/fs/cgroup").mkdir()
    (second / "sys/fs/cgroup/cgroup.controllers").write_text("cpuset cpu memory pids\n")
    rows = "#subsys_name hierarchy num_cgroups enabled\ncpu 1 1 1\nmemory 2 1 0\n"
    first = tree(tmp_path / "1", proc__cgroups=rows)

    assert node_facts.control_groups(second) == {"version": 2, "controllers": ["cpu", "cpuset", "memory", "pids"]}
    assert node_facts.control_groups(first) == {"version": 1, "controllers": ["cpu"]}


@pytest.mark.parametrize("where", ["sys/module", "modules.builtin", "config.gz", "boot config"])
def test_a_module_in_the_kernel_is_found_wherever_it_shows(tmp_path: Path, where: str) -> None:
    release = platform.release()
    if where == "sys/module":
        (tmp_path / "sys/module/br_netfilter").mkdir(parents=True)
    elif where == "modules.builtin":
        path = tmp_path / "lib/modules" / release / "modules.builtin"
        path.parent.mkdir(parents=True)
        path.write_text("kernel/net/bridge/br-netfilter.ko\n")
    elif where == "config.gz":
        (tmp_path / "proc").mkdir()
        (tmp_path / "proc/config.gz").write_bytes(gzip.compress(b"CONFIG_A=m\nCONFIG_BRIDGE_NETFILTER=y\n"))
    else:
        (tmp_path / "boot").mkdir()
        (tmp_path / "boot" / f"config-{release}").write_text("CONFIG_A=m\nCONFIG_BRIDGE_NETFILTER=y\n")

    assert node_facts.kernel_modules(tmp_path, ["br_netfilter"]) == {"br_netfilter": "built in"}


def test_a_module_is_loaded_loadable_not_permitted_or_missing(tmp_path: Path) -> None:
    dependencies = tmp_path / "lib/modules" / platform.release() / "modules.dep"
    dependencies.parent.mkdir(parents=True)
    dependencies.write_text("kernel/drivers/net/vxlan.ko.xz: kernel/x.ko\n")
    tree(tmp_path, proc__modules="overlay 151552 0 - Live 0x0\n", proc__self__status="CapEff:\t0000000000000000\n")

    states = node_facts.kernel_modules(tmp_path, ["overlay", "vxlan", "br_netfilter"])

    assert states == {"overlay": "loaded", "vxlan": "not permitted", "br_netfilter": "missing"}


def test_swap_areas_and_memory_are_in_bytes(tmp_path: Path) -> None:
    swaps = "Filename Type Size Used Priority\n/dev/sda2 partition 1024 0 -2\n"
    root = tree(tmp_path, proc__meminfo="MemTotal:  2048 kB\nMemFree: 1 kB\n", proc__swaps=swaps)

    assert node_facts.memory(root) == {"total_bytes": 2 << 20, "swap": [{"path": "/dev/sda2", "bytes": 1 << 20}]}


def test_a_container_is_known_by_its_manager_or_its_first_process(tmp_path: Path) -> None:
    assert node_facts.container(tree(tmp_path / "a", run__systemd__container="podman\n")) == "podman"
    assert node_facts.container(tree(tmp_path / "b", proc__1__environ="A=b\0container=lxc\0")) == "lxc"
    assert node_facts.container(tmp_path / "c") == ""


def test_listening_ports_are_read_from_the_kernels_table() -> None:
    table = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n"
        "   1: 0100007F:0016 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1\n"
    )

    assert node_network.bound_ports(table, "0A") == [(6443, "4711")]


def test_default_routes_and_name_servers_are_read() -> None:
    table = (
        "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
        "eno1 00000000 0100000A 0003 0 0 100 00000000 0 0 0\n"
        "eno1 0000000A 00000000 0001 0 0 100 00FFFFFF 0 0 0\n"
    )

    assert node_network.default_routes(table) == ["eno1"]
    assert node_network.name_servers("# x\nsearch lan\nnameserver 10.0.0.1\nnameserver\n") == ["10.0.0.1"]


def test_a_bond_is_a_card_and_a_bridge_of_pods_is_not(tmp_path: Path) -> None:
    (tmp_path / "nic0/device").mkdir(parents=True)
    (tmp_path / "bond0/lower_nic0").mkdir(parents=True)
    (tmp_path / "cni0/lower_veth1").mkdir(parents=True)
    (tmp_path / "veth1").mkdir()

    assert [name for name in ("nic0", "bond0", "cni0", "veth1") if node_network.is_card(tmp_path, name)] == [
        "nic0",
        "bond0",
    ]


def test_a_port_of_this_process_is_listed_with_its_program() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        found = [entry for entry in node_network.listeners() if (entry["protocol"], entry["port"]) == ("tcp", port)]

    assert len(found) == 1
    assert found[0]["program"]
    assert "python" in found[0]["path"]


def test_a_refusal_counts_as_reached_and_silence_is_given_up() -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    refusing = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        connection, _peer = refusing.accept()
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        connection.close()

    threading.Thread(target=refuse, daemon=True).start()
    urls = [f"http://127.0.0.1:{server.getsockname()[1]}/v2/" for server in (refusing, silent)]
    with silent, refusing:
        reasons = node_network.reached([*urls, "ftp://x/"], timeout_seconds=1)

    assert reasons[urls[0]] == ""
    assert reasons[urls[1]]
    assert reasons["ftp://x/"] == "not an HTTP address"


def test_a_disk_is_told_with_serial_model_bytes_and_mounts(tmp_path: Path) -> None:
    block = tmp_path / "sys/block/nvme1n1"
    (block / "device").mkdir(parents=True)
    (block / "nvme1n1p1").mkdir()
    for name, content in {
        "dev": "259:1\n",
        "size": "1000215216\n",
        "device/serial": "S64DNX0R  \n",
        "device/model": "Samsung SSD 980   \n",
        "nvme1n1p1/partition": "1\n",
        "nvme1n1p1/dev": "259:2\n",
    }.items():
        (block / name).write_text(content)
    tree(tmp_path, proc__self__mountinfo="30 1 259:2 / /srv rw - ext4 /dev/nvme1n1p1 rw\n", dev__nvme1n1="")
    links = tmp_path / "dev/disk/by-id"
    links.mkdir(parents=True)
    (links / "nvme-A").symlink_to("../../nvme1n1")
    (links / "nvme-A-part1").symlink_to("../../nvme1n1p1")

    found = node_disks.disk(tmp_path, "/dev/disk/by-id/nvme-A")

    assert found == {
        "present": True,
        "by_id": "/dev/disk/by-id/nvme-A",
        "name": "nvme1n1",
        "serial": "S64DNX0R",
        "model": "Samsung SSD 980",
        "bytes": 512110190592,
        "partitions": ["nvme1n1p1"],
        "mounted_at": ["/srv"],
    }
    assert node_disks.disk(tmp_path, "/dev/disk/by-id/nvme-B") == {
        "present": False,
        "by_id": "/dev/disk/by-id/nvme-B",
        "known": ["/dev/disk/by-id/nvme-A"],
    }


def test_udevs_serial_wins_since_it_is_what_the_link_is_made_of(tmp_path: Path) -> None:
    block = tmp_path / "sys/block/sda"
    (block / "device").mkdir(parents=True)
    (block / "dev").write_text("8:0\n")
    (block / "size").write_text("8\n")
    (tmp_path / "run/udev/data").mkdir(parents=True)
    (tmp_path / "run/udev/data/b8:0").write_text("S:disk/x\nE:ID_SERIAL_SHORT=WD-1\nE:ID_MODEL=WDC_WD40\n")
    (tmp_path / "dev/disk/by-id").mkdir(parents=True)
    (tmp_path / "dev/sda").write_text("")
    (tmp_path / "dev/disk/by-id/ata-W").symlink_to("../../sda")

    found = node_disks.disk(tmp_path, "/dev/disk/by-id/ata-W")

    assert (found["serial"], found["model"], found["bytes"]) == ("WD-1", "WDC WD40", 4096)
