"""Who sends a request, and what that one may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Scope = Literal["read", "analyze", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
# What each scope brings with it: whoever may have logs analyzed may read what came out.
_IMPLIED: dict[Scope, tuple[Scope, ...]] = {"read": ("read",), "analyze": ("read", "analyze"), "admin": SCOPES}


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever sends a request. `id` is stable and no secret; `kind` says how it was recognised."""

    id: str
    name: str
    scopes: frozenset[Scope]
    kind: Literal["key", "proxy", "local"]

    def may(self, scope: Scope) -> bool:
        """Whether it may do what needs `scope`."""
        return any(scope in _IMPLIED[held] for held in self.scopes)


LOCAL = Principal("local", "local", frozenset(SCOPES), "local")


def scope_of(name: str) -> Scope:
    """The scope of this name; raises `ValueError`."""
    for scope in SCOPES:
        if scope == name:
            return scope
    raise ValueError(f"{name!r} is not a scope. There are {', '.join(SCOPES)}.")
