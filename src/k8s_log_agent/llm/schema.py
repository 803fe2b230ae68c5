"""JSON Schemas that llama.cpp turns into a grammar: flat objects of enums, bounded texts and lists of integers.

Its converter skips keywords that it does not know and takes no `$ref`, `anyOf` or number ranges with other properties,
so only what is known to bind is written. Properties are generated in the order given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]


def choice(values: Sequence[str]) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": list(values)}


def short_text(longest: int) -> Schema:
    """A text of 1 to `longest` characters."""
    return {"type": "string", "minLength": 1, "maxLength": longest}


def numbers_among(values: Sequence[int], most: int) -> Schema:
    """One to `most` of these numbers."""
    return {"type": "array", "items": {"type": "integer", "enum": list(values)}, "minItems": 1, "maxItems": most}


def flat_object(properties: Mapping[str, Schema]) -> Schema:
    """An object with exactly these properties."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
