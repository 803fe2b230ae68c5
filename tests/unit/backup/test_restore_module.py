"""Through the module k3s_datastore: nothing is put back below a K3s that runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NoReturn

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_systemd
from ansible_collections.homelab.log_intelligence.plugins.modules import k3s_datastore

from tests.unit.backup.server import TOKEN, Node

pytestmark = pytest.mark.skipif(shutil.which("age") is None, reason="the program age is missing (package age)")


class EndedError(Exception):
    """How the module ended."""

    def __init__(self, **result: Any) -> None:
        super().__init__(result.get("msg", ""))
        self.result = result


def restore(node: Node, folder: Path, pid: int, monkeypatch: pytest.MonkeyPatch, *, check: bool = False) -> EndedError:
    class Door:
        check_mode = check
        params = {  # noqa: RUF012 - as a module has them
            "state": "restored", "backup": str(folder), "identity_file": str(node.identity), "token": TOKEN,
            "token_name": "secrets", "data_dir": str(node.store.data_dir),
        }  # fmt: skip

        def __init__(self, **_: Any) -> None:
            """The specification is Ansible's concern."""

        def end(self, **result: Any) -> NoReturn:
            raise EndedError(**result)

        fail_json = exit_json = end

    unit = k3s_systemd.UnitState(True, "active" if pid else "inactive", "", "", pid, 0, False, True, "")
    monkeypatch.setattr(k3s_systemd, "state", lambda _unit: unit)
    monkeypatch.setattr(k3s_datastore, "AnsibleModule", Door)
    monkeypatch.setattr(k3s_datastore, "STAGE", node.stage)
    with pytest.raises(EndedError) as ended:
        k3s_datastore.main()
    return ended.value


def test_nothing_is_put_back_while_k3s_runs(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = node.back_up().folder
    before = {path: path.read_bytes() for path in node.store.server.rglob("*") if path.is_file()}

    assert restore(node, folder, 7, monkeypatch, check=True).result["changed"]
    assert "k3s runs. Stop it first" in str(restore(node, folder, 7, monkeypatch))
    assert {path: path.read_bytes() for path in node.store.server.rglob("*") if path.is_file()} == before

    put_back = restore(node, folder, 0, monkeypatch)
    assert (Path(put_back.result["aside"]) / "db" / "state.db").is_file()
    assert list(node.stage.iterdir()) == []
