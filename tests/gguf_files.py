"""Writes small, valid GGUF files for tests."""

from __future__ import annotations

import struct
from pathlib import Path

_UINT32, _STRING, _ARRAY = 4, 8, 9
_F32 = 0


def gguf_bytes(*, values: int = 64, layers: int = 2, context: int = 128) -> bytes:
    """A model of one F32 tensor with `values` values, 4 heads, 2 key-value heads, an embedding of 64."""
    metadata = [
        _text("general.architecture", "llama"),
        _number("general.file_type", 0),
        _number("llama.context_length", context),
        _number("llama.embedding_length", 64),
        _number("llama.block_count", layers),
        _number("llama.attention.head_count", 4),
        _number("llama.attention.head_count_kv", 2),
        _name("tokenizer.ggml.tokens") + struct.pack("<IIQ", _ARRAY, _STRING, 2) + _name("a") + _name("bc"),
    ]
    header = b"GGUF" + struct.pack("<IQQ", 3, 1, len(metadata)) + b"".join(metadata)
    header += _name("weight") + struct.pack("<IQIQ", 1, values, _F32, 0)
    padding = -len(header) % 32
    return header + b"\0" * padding + b"\1" * (4 * values)


def write_gguf(path: Path, **settings: int) -> bytes:
    """Writes the file and returns what it holds."""
    content = gguf_bytes(**settings)
    path.write_bytes(content)
    return content


def _name(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _text(key: str, value: str) -> bytes:
    return _name(key) + struct.pack("<I", _STRING) + _name(value)


def _number(key: str, value: int) -> bytes:
    return _name(key) + struct.pack("<II", _UINT32, value)
