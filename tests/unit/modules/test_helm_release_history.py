from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import helm_history

from tests.fake_secrets_api import FakeSecretsApi, serve
from tests.module_door import run_module

LONG_AGO = 1_700_000_000


def record(number: int, status: str) -> dict[str, Any]:
    release = {"version": number, "info": {"status": status}, "manifest": ""}
    labels = {"owner": "helm", "name": "web", "version": str(number), "status": status, "modifiedAt": str(LONG_AGO)}
    return {
        "type": "helm.sh/release.v1",
        "metadata": {
            "name": f"sh.helm.release.v1.web.v{number}",
            "labels": labels,
            "creationTimestamp": "2026-11-01T00:00:00Z",
        },
        "data": {"release": helm_history.write(release)},
    }


def mend(api: FakeSecretsApi, directory: Path, *, check: bool = False) -> dict[str, Any]:
    with serve(api, directory) as kubeconfig:
        given = {"kubeconfig": str(kubeconfig), "release_name": "web", "namespace": "shop"}
        return run_module("helm_release_history", given, check=check)


@pytest.mark.parametrize("status", ["pending-upgrade", "pending-rollback", "uninstalling"])
def test_the_good_revision_stays_and_the_interrupted_one_is_marked(tmp_path: Path, status: str) -> None:
    api = FakeSecretsApi([record(1, "deployed"), record(2, status)])

    answer = mend(api, tmp_path)

    assert answer["changed"] and api.changes == [("PATCH", "sh.helm.release.v1.web.v2")]
    assert helm_history.read(api.secrets["sh.helm.release.v1.web.v2"])["info"]["status"] == "failed"
    assert answer["diff"] == {
        "before": {"revisions": {"1": "deployed", "2": status}},
        "after": {"revisions": {"1": "deployed", "2": "failed"}},
    }
    assert not mend(api, tmp_path)["changed"]


def test_records_of_a_first_installation_that_broke_are_removed_newest_first(tmp_path: Path) -> None:
    api = FakeSecretsApi([record(1, "failed"), record(2, "pending-upgrade")])

    assert mend(api, tmp_path)["changed"]

    assert [name[-2:] for _method, name in api.changes] == ["v2", "v1"]


def test_check_mode_says_the_same_and_changes_nothing(tmp_path: Path) -> None:
    api = FakeSecretsApi([record(1, "pending-install")])

    answer = mend(api, tmp_path, check=True)

    assert answer["changed"] and answer["repair"] and api.changes == []


def test_nothing_is_done_to_a_release_that_is_well_or_not_there(tmp_path: Path) -> None:
    assert not mend(FakeSecretsApi([record(1, "superseded"), record(2, "deployed")]), tmp_path)["changed"]
    assert mend(FakeSecretsApi([]), tmp_path)["revisions"] == []
