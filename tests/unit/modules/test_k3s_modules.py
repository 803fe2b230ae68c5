"""The doors to K3s, called as Ansible calls them."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.module_door import run_module

TOKEN = "q7Zr2mXc9LwT4vBn8KsJ1hGf6DpY3eUa"
PROGRAM = "#!/bin/sh\necho k3s version v1.35.0+k3s1 '(test)'\n"
SUM = hashlib.sha256(PROGRAM.encode()).hexdigest()
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="owners are root's business: run the same command with sudo")
KUBECONFIG = yaml.safe_dump(
    {
        "clusters": [{"cluster": {"server": "https://127.0.0.1:6443"}, "name": "default"}],
        "contexts": [{"context": {"cluster": "default", "user": "default"}, "name": "default"}],
        "current-context": "default",
        "users": [{"name": "default", "user": {"client-key-data": "c2VjcmV0LWtleQ=="}}],
    }
)


def files(folder: Path) -> dict[str, Any]:
    return {
        "files": [
            {
                "path": str(folder / "k3s" / "config.yaml"),
                "settings": {"disable": ["traefik"], "write-kubeconfig-mode": "0600"},
            },
            {"path": str(folder / "k3s" / "token"), "secret": "token"},
            {"path": str(folder / "k3s" / "registries.yaml"), "secret": "registries"},
            {"path": str(folder / "k3s" / "old"), "absent": True},
            {"path": str(folder / "k3s" / "left-alone")},
        ],
        "secrets": {"token": TOKEN, "registries": {"configs": {"example.org": {"auth": {"password": TOKEN[::-1]}}}}},
    }


def test_files_are_predicted_written_and_then_left_alone(tmp_path: Path) -> None:
    predicted = run_module("k3s_files", files(tmp_path), check=True)
    assert not (tmp_path / "k3s").exists()
    written = run_module("k3s_files", files(tmp_path))
    again = run_module("k3s_files", files(tmp_path))

    assert predicted["files"] == written["files"]
    assert [one["change"] for one in written["files"]] == ["created"] * 3
    assert not again["changed"]
    assert yaml.safe_load((tmp_path / "k3s" / "config.yaml").read_text())["write-kubeconfig-mode"] == "0600"
    assert (tmp_path / "k3s" / "token").read_text() == f"{TOKEN}\n"
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "k3s").iterdir()} == {0o600}


def test_no_secret_is_in_the_answer(tmp_path: Path) -> None:
    for check in (True, False):
        answer = json.dumps(run_module("k3s_files", files(tmp_path), check=check))
        assert TOKEN not in answer
        assert TOKEN[::-1] not in answer
        assert "traefik" in answer


@pytest.mark.parametrize("name", ["config.yaml", "token", "registries.yaml"])
@pytest.mark.parametrize("change", ["content", "mode", "created"])
def test_exactly_what_was_altered_is_mended(tmp_path: Path, name: str, change: str) -> None:
    run_module("k3s_files", files(tmp_path))
    path = tmp_path / "k3s" / name
    before = path.read_text()
    if change == "content":
        path.write_text("altered")
    elif change == "mode":
        path.chmod(0o644)
    else:
        path.unlink()

    answer = run_module("k3s_files", files(tmp_path))

    assert [(one["path"], one["change"]) for one in answer["files"]] == [(str(path), change)]
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == (before, 0o600)


def test_a_file_in_the_place_of_a_directory_is_one_paragraph(tmp_path: Path) -> None:
    (tmp_path / "k3s").write_text("in the way")

    answer = run_module("k3s_files", files(tmp_path))

    assert answer["failed"]
    assert "cannot be written" in answer["msg"]


def test_tokens_are_made_once_and_never_shown(tmp_path: Path) -> None:
    arguments = {"paths": [str(tmp_path / "secrets" / name) for name in ("k3s-token", "k3s-agent-token")]}

    predicted = run_module("k3s_token", arguments, check=True)
    assert predicted["changed"]
    assert not (tmp_path / "secrets").exists()
    made = run_module("k3s_token", arguments)
    tokens = [Path(path).read_text().strip() for path in arguments["paths"]]
    (tmp_path / "secrets" / "kubeconfig").touch(mode=0o644)
    arguments["private"] = [str(tmp_path / "secrets" / "kubeconfig")]
    shown = run_module("k3s_token", arguments)
    (tmp_path / "secrets" / "k3s-token").chmod(0o644)
    mended = run_module("k3s_token", arguments)

    assert made["changed"]
    assert len(set(tokens)) == 2
    assert shown["changed"]
    assert mended["changed"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").iterdir()} == {0o600}
    assert [Path(path).read_text().strip() for path in arguments["paths"]] == tokens
    assert not run_module("k3s_token", arguments)["changed"]
    assert not any(token in json.dumps([made, mended]) for token in tokens)


def test_a_token_that_a_cluster_was_made_with_is_not_made_anew(tmp_path: Path) -> None:
    answer = run_module("k3s_token", {"paths": [str(tmp_path / "k3s-token")], "in_use": True})

    assert "with which the cluster has been made" in answer["msg"]
    assert list(tmp_path.iterdir()) == []


def test_a_weak_token_in_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "k3s-token").write_text("hunter2hunter2\n")

    answer = run_module("k3s_token", {"paths": [str(tmp_path / "k3s-token")]})

    assert "14 characters" in answer["msg"]
    assert "hunter2" not in json.dumps(answer)


def program(folder: Path) -> dict[str, Any]:
    return {
        "path": str(folder / "k3s-v1.35.0+k3s1"),
        "sha256": SUM,
        "version": "v1.35.0+k3s1",
        "link": str(folder / "k3s"),
        "aliases": ["kubectl", "crictl"],
    }


def test_a_program_is_put_into_use_once(tmp_path: Path) -> None:
    (tmp_path / "k3s-v1.35.0+k3s1").write_text(PROGRAM)
    (tmp_path / "k3s-v1.35.0+k3s1").chmod(0o755)
    (tmp_path / "kubectl").write_text("somebody else's")

    answers = [run_module("k3s_binary", program(tmp_path), check=check) for check in (True, False, False)]

    assert [answer["changed"] for answer in answers] == [True, True, False]
    assert answers[0]["diff"] == answers[1]["diff"]
    assert (tmp_path / "k3s").readlink() == tmp_path / "k3s-v1.35.0+k3s1"
    assert (tmp_path / "crictl").readlink() == Path("k3s")
    assert (tmp_path / "kubectl").read_text() == "somebody else's"


def test_a_half_copied_program_is_never_put_into_use(tmp_path: Path) -> None:
    (tmp_path / "k3s-v1.35.0+k3s1").write_text(PROGRAM[:20])
    (tmp_path / "k3s-v1.35.0+k3s1").chmod(0o755)

    answer = run_module("k3s_binary", program(tmp_path))

    assert answer["failed"]
    assert SUM in answer["msg"]
    assert not (tmp_path / "k3s").exists()


def test_a_program_of_another_version_is_not_put_into_use(tmp_path: Path) -> None:
    (tmp_path / "k3s-v1.35.0+k3s1").write_text(PROGRAM)
    (tmp_path / "k3s-v1.35.0+k3s1").chmod(0o755)

    answer = run_module("k3s_binary", {**program(tmp_path), "version": "v1.36.4+k3s1"})

    assert "says that it is v1.35.0+k3s1, and v1.36.4+k3s1 is asked for" in answer["msg"]
    assert not (tmp_path / "k3s").exists()


def test_a_download_is_verified_before_it_gets_its_name(tmp_path: Path) -> None:
    (tmp_path / "served").write_text(PROGRAM)
    (tmp_path / "sums.txt").write_text(f"{'0' * 64}  k3s-images.txt\n{SUM}  k3s\n")
    url = f"file://{tmp_path}/served"
    wrong = run_module("k3s_binary", {**program(tmp_path), "urls": [url], "sha256": "0" * 64})
    assert "gave a file with the sha256" in wrong["msg"]
    assert not (tmp_path / "k3s-v1.35.0+k3s1").exists()

    asked = {
        **program(tmp_path),
        "urls": [f"file://{tmp_path}/missing", url],
        "sha256": "",
        "sums_url": f"file://{tmp_path}/sums.txt",
    }
    answer = run_module("k3s_binary", asked)

    assert answer["changed"]
    assert answer["source"] == url
    assert not run_module("k3s_binary", asked)["changed"]


def test_only_one_older_program_is_kept(tmp_path: Path) -> None:
    for age, version in enumerate(("v1.35.0+k3s1", "v1.34.9+k3s1", "v1.34.1+k3s1")):
        path = tmp_path / f"k3s-{version}"
        path.write_text(PROGRAM)
        path.chmod(0o755)
        os.utime(path, (time.time() - age * 1000,) * 2)
    (tmp_path / "k3s-killall.sh").write_text("of K3s' own script")

    run_module("k3s_binary", program(tmp_path))

    left = sorted(path.name for path in tmp_path.glob("k3s-*"))
    assert left == ["k3s-killall.sh", "k3s-v1.34.9+k3s1", "k3s-v1.35.0+k3s1"]


def kubeconfig(folder: Path, cluster: str = "one") -> dict[str, Any]:
    server = "https://10.0.0.102:6443"
    return {
        "path": str(folder / "secrets" / "kubeconfig"),
        "content": KUBECONFIG,
        "server": server,
        "cluster_id": cluster,
        "name": "lab",
    }


def test_a_kubeconfig_is_rewritten_for_the_controller_and_not_shown(tmp_path: Path) -> None:
    answers = [run_module("k3s_kubeconfig", kubeconfig(tmp_path), check=check) for check in (True, False, False)]

    path = tmp_path / "secrets" / "kubeconfig"
    written = yaml.safe_load(path.read_text())
    assert [answer["changed"] for answer in answers] == [True, True, False]
    assert written["clusters"] == [{"cluster": {"server": "https://10.0.0.102:6443"}, "name": "lab"}]
    assert written["contexts"] == [{"context": {"cluster": "lab", "user": "lab"}, "name": "lab"}]
    assert written["current-context"] == "lab"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "c2VjcmV0LWtleQ==" not in json.dumps(answers)


def test_the_kubeconfig_of_another_cluster_is_refused(tmp_path: Path) -> None:
    run_module("k3s_kubeconfig", kubeconfig(tmp_path))
    before = (tmp_path / "secrets" / "kubeconfig").read_text()

    answer = run_module("k3s_kubeconfig", kubeconfig(tmp_path, cluster="another"))

    assert answer["failed"]
    assert "is the cluster another, and this inventory belongs to the cluster one" in answer["msg"]
    assert (tmp_path / "secrets" / "kubeconfig").read_text() == before


def test_a_kubeconfig_goes_with_its_own_cluster_only(tmp_path: Path) -> None:
    run_module("k3s_kubeconfig", kubeconfig(tmp_path))
    path = str(tmp_path / "secrets" / "kubeconfig")

    other = run_module("k3s_kubeconfig", {"path": path, "cluster_id": "another", "state": "absent"})
    own = run_module("k3s_kubeconfig", {"path": path, "cluster_id": "one", "state": "absent"})

    assert (other["changed"], own["changed"]) == (False, True)
    assert list((tmp_path / "secrets").iterdir()) == []


def test_a_reset_wants_the_name_of_the_host_typed() -> None:
    for typed in ("", "node-1"):
        answer = run_module("k3s_reset", {"host": "node-2", "confirm_host": typed}, check=True)
        assert answer["failed"]
        assert "-e k3s_reset_host=node-2" in answer["msg"]


def test_a_server_that_nobody_answers_for_is_named_before_anything_is_changed() -> None:
    arguments = {
        "role": "agent",
        "host": "node-2",
        "version": "v1.35.0+k3s1",
        "servers": ["node-1"],
        "agent_token": TOKEN,
        "found": {"role": None, "member": False},
        "join_url": "https://127.0.0.1:1",
    }

    fresh = run_module("k3s_check", arguments)
    joined = run_module("k3s_check", {**arguments, "found": {"role": "agent", "member": True}})

    assert "127.0.0.1:1 cannot be reached from node-2 (connection refused)" in fresh["msg"]
    assert "failed" not in joined
    assert TOKEN not in json.dumps([fresh, joined])


def test_info_answers_on_a_host_without_k3s(tmp_path: Path) -> None:
    answer = run_module("k3s_info", {"program": str(tmp_path / "k3s"), "data_dir": str(tmp_path)})

    assert answer["role"] is None
    assert answer["member"] is False
    assert answer["certificates"] == []
