"""The certificate, the keys and the passwords of the gateway: made once, renewed in time, for their owner alone."""

from __future__ import annotations

import base64
import datetime
import hashlib
import ssl
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import self_signed

from tests.module_door import run_module

NOW = datetime.datetime.now(datetime.UTC)
NAMES = ["ai.example.lan", "10.0.0.102"]


def certificate(directory: Path, *, check: bool = False, **more: Any) -> dict[str, Any]:
    paths = {"certificate_path": str(directory / "s" / "a.crt"), "key_path": str(directory / "s" / "a.key")}
    return run_module("tls_certificate", {**paths, "names": NAMES, **more}, check=check)


def test_a_certificate_is_made_once_and_serves(tmp_path: Path) -> None:
    predicted = certificate(tmp_path, check=True)
    assert predicted["changed"] and not (tmp_path / "s").exists()

    made, again = certificate(tmp_path), certificate(tmp_path)

    assert made["changed"] and made["days_left"] == 396 and sorted(made["names"]) == sorted(NAMES)
    assert not again["changed"] and again["fingerprint"] == made["fingerprint"]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "s").iterdir()} == {0o600}
    ssl.create_default_context().load_cert_chain(tmp_path / "s" / "a.crt", tmp_path / "s" / "a.key")


@pytest.mark.parametrize(("days", "renewed"), [(29, True), (31, False)])
def test_it_is_renewed_before_it_ends(tmp_path: Path, days: int, renewed: bool) -> None:
    wanted = self_signed.Wanted(tuple(NAMES), days, 30)
    self_signed.make(tmp_path / "s" / "a.crt", tmp_path / "s" / "a.key", wanted, NOW + datetime.timedelta(minutes=5))

    predicted, answer = certificate(tmp_path, check=True), certificate(tmp_path)

    assert predicted["changed"] is answer["changed"] is renewed


@pytest.mark.parametrize("harm", ["names", "key", "mode", "torn"])
def test_what_was_altered_is_mended(tmp_path: Path, harm: str) -> None:
    certificate(tmp_path)
    key: Path = tmp_path / "s" / "a.key"
    more: dict[str, Any] = {}
    if harm == "names":
        more = {"names": ["other.example.lan"]}
    elif harm == "key":
        self_signed.make(tmp_path / "b.crt", key, self_signed.Wanted(("b",), 9, 1), NOW)
    elif harm == "mode":
        key.chmod(0o644)
    else:
        key.write_text("-----BEGIN")

    assert certificate(tmp_path, check=True, **more)["changed"]
    assert certificate(tmp_path, **more)["changed"]
    assert not certificate(tmp_path, **more)["changed"]
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_given_certificate_is_checked_and_never_written(tmp_path: Path) -> None:
    paths = (tmp_path / "s" / "a.crt", tmp_path / "s" / "a.key")
    self_signed.make(*paths, self_signed.Wanted(("a",), 9, 1), NOW)
    before = paths[0].read_bytes()

    near = certificate(tmp_path, given=True)
    assert not near["changed"] and "ends in" in str(near["warnings"])

    self_signed.make(*paths, self_signed.Wanted(("a",), 9, 1), NOW - datetime.timedelta(days=10))
    assert "ended on" in certificate(tmp_path, given=True)["msg"]
    paths[0].write_bytes(before)
    assert "is not the key" in certificate(tmp_path, given=True)["msg"]
    assert paths[0].read_bytes() == before
    paths[1].unlink()
    assert "cannot be read" in certificate(tmp_path, given=True)["msg"]


def test_keys_are_made_once_and_a_removed_one_is_new(tmp_path: Path) -> None:
    given = {"directory": str(tmp_path / "s"), "names": ["a-ada", "a-bob"]}

    predicted = run_module("kept_secrets", given, check=True)
    assert predicted["changed"] and not (tmp_path / "s").exists()
    made, again = run_module("kept_secrets", given), run_module("kept_secrets", given)
    (tmp_path / "s" / "a-bob").unlink()
    third = run_module("kept_secrets", given)

    assert made["made"] == ["a-ada", "a-bob"] and again["words"] == made["words"] and not again["changed"]
    assert third["made"] == ["a-bob"] and third["words"]["a-ada"] == made["words"]["a-ada"]
    assert len(set(made["words"].values())) == 2 and min(map(len, made["words"].values())) >= 32
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "s").iterdir()} == {0o600}
    digest = hashlib.sha1(made["words"]["a-ada"].encode(), usedforsecurity=False).digest()
    assert made["htpasswd"]["a-ada"] == "{SHA}" + base64.b64encode(digest).decode()


def test_a_key_that_others_may_read_is_closed_and_kept(tmp_path: Path) -> None:
    given = {"directory": str(tmp_path), "names": ["a-ada"]}
    (tmp_path / "a-ada").write_text("word-of-ada\n", encoding="utf-8")
    (tmp_path / "a-ada").chmod(0o644)

    predicted, mended, again = (run_module("kept_secrets", given, check=check) for check in (True, False, False))

    assert predicted["changed"] and mended["changed"] and not again["changed"]
    assert mended["words"] == {"a-ada": "word-of-ada"} and mended["made"] == []
    assert (tmp_path / "a-ada").stat().st_mode & 0o777 == 0o600


def test_a_name_that_leaves_the_directory_is_refused(tmp_path: Path) -> None:
    answer = run_module("kept_secrets", {"directory": str(tmp_path), "names": ["../a"]})

    assert answer["failed"] and list(tmp_path.iterdir()) == []
