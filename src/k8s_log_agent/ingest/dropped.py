"""What reading left out or altered, in words."""

from __future__ import annotations

from collections.abc import Mapping


def dropped_words(dropped: Mapping[str, int]) -> str:
    """Such as `3 broken cri, 1 truncated`, from names with underscores and their counts; empty where nothing was."""
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(dropped.items()))
