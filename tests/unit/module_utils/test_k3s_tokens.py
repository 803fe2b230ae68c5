"""Tokens are strong, made once, and told apart without being shown."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_tokens
from ansible_collections.homelab.log_intelligence.plugins.module_utils.k3s_tokens import WeakTokenError

CA = "ab" * 32
STRONG = "q7Zr2mXc9LwT4vBn8KsJ1hGf6DpY3eUa"


def test_a_made_token_is_strong_and_never_the_same() -> None:
    made = {k3s_tokens.generate() for _ in range(20)}

    assert len(made) == 20
    for token in made:
        k3s_tokens.require_strength(token, "k3s_token")


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("secret", "6 characters"),
        (STRONG[:31], "31 characters"),
        ("a" * 64, "repeats itself"),
        ("passwordpasswordpasswordpassword", "repeats itself"),
        ("0123456789" * 8, "repeats itself"),
        (f"K10{CA}::server:short", "5 characters"),
        (f"{STRONG[:20]} {STRONG}", "white space"),
    ],
)
def test_a_weak_token_is_refused_and_not_shown(token: str, why: str) -> None:
    with pytest.raises(WeakTokenError, match=why) as refused:
        k3s_tokens.require_strength(token, "k3s_token")

    assert token not in str(refused.value)


@pytest.mark.parametrize("token", [STRONG, f"K10{CA}::node:{STRONG}", f"K10::server:{STRONG}"])
def test_a_strong_token_passes_in_either_form(token: str) -> None:
    k3s_tokens.require_strength(token, "k3s_token")


def test_both_forms_of_a_token_have_one_fingerprint() -> None:
    full = f"K10{CA}::server:{STRONG}\n"

    assert k3s_tokens.fingerprint(STRONG) == k3s_tokens.fingerprint(full)
    assert k3s_tokens.ca_hash(full) == CA
    assert k3s_tokens.ca_hash(STRONG) is None
    assert len(k3s_tokens.fingerprint(STRONG)) == 16


def test_a_token_file_is_its_owners_only_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "k3s-token"

    k3s_tokens.write(path, STRONG)
    with pytest.raises(k3s_tokens.TokenFileError):
        k3s_tokens.write(path, "another")

    assert k3s_tokens.read(path) == STRONG
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["k3s-token"]
