"""The machine starts without its data disk, and later with it."""

from __future__ import annotations

from typing import Any

from tests.cluster.playbook import Run
from tests.cluster.site import until
from tests.host.virtual_node.site import MixedSite

_PLACE = "/mnt/k8s-storage"
_SECONDS = 900.0


def test_without_its_disk_it_starts_and_joins_and_nothing_lands_on_root_and_with_it_all_is_back(
    site: MixedSite, first_run: Run, figures: dict[str, Any]
) -> None:
    whole = site.machine
    whole.run(f"echo kept > {_PLACE}/loki/note; sync")

    whole.stop()
    without = whole.with_disks()
    without.start()
    figures["boot_without_disk_seconds"] = round(without.wait(), 1)
    mounted = without.run(f"findmnt {_PLACE}", check=False).stdout
    lost = without.run(f"mkdir {_PLACE}/loki || echo x > {_PLACE}/file", check=False)
    on_root = without.run(f"ls -A {_PLACE}").stdout
    figures["ready_again_seconds"] = round(until(lambda: site.ready_nodes() == {"node-1", "node-2"}, _SECONDS), 1)
    refused = site.play("--tags", "preflight")

    without.stop()
    whole.start()
    whole.wait()
    until(lambda: whole.run(f"findmnt {_PLACE}", check=False).returncode == 0, _SECONDS)
    note = whole.run(f"cat {_PLACE}/loki/note").stdout

    assert mounted == ""
    assert lost.returncode != 0
    assert "Operation not permitted" in lost.stderr
    assert on_root == ""
    assert refused.status != 0
    assert "no disk at" in refused.end
    assert note == "kept\n"
