"""Reads the header of a GGUF model file with the standard library alone.

Layout (all little endian): magic ``GGUF``, u32 version, u64 tensor count, u64 metadata count; the metadata pairs; one
record a tensor (name, dimensions, type, offset); padding to ``general.alignment``; the tensors' data. Only the header
is read, so a file of many gigabytes answers in well under a second.
"""

from __future__ import annotations

import mmap
import struct
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAGIC = b"GGUF"
SUPPORTED_VERSIONS = (2, 3)
DEFAULT_ALIGNMENT = 32
CACHE_BYTES_PER_VALUE = 2  # llama.cpp keeps keys and values as f16 unless told otherwise

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9

# Tensor type: (name, values in a block, bytes of a block).
TENSOR_TYPES = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}

# The values of general.file_type: what the file as a whole was quantised to.
FILE_TYPES = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4_MOE",
}


class GgufError(ValueError):
    """The file is not a GGUF model that can be used; the text says what was found and at which byte."""


@dataclass(frozen=True)
class GgufHeader:
    """What the header of one model file states. Sizes are bytes, lengths are tokens."""

    version: int
    metadata: dict[str, Any] = field(repr=False)
    tensor_count: int
    parameters: int
    tensor_types: dict[str, int]
    data_end_bytes: int

    @property
    def architecture(self) -> str:
        """The architecture as llama.cpp names it; its metadata keys begin with it."""
        return str(self.metadata.get("general.architecture", "unknown"))

    @property
    def dominant_tensor_type(self) -> str:
        """The type that holds most of the parameters."""
        return max(self.tensor_types, key=lambda name: self.tensor_types[name])

    @property
    def quantisation(self) -> str:
        """The name of ``general.file_type``; the dominant tensor type where the file does not state one."""
        return FILE_TYPES.get(self.metadata.get("general.file_type", -1), self.dominant_tensor_type)

    @property
    def kv_cache_bytes_per_token(self) -> int:
        """Bytes that one token of context takes in the key and value cache (f16), summed over the layers."""
        heads = int(self._of_architecture("attention.head_count", 1))
        width = int(self._of_architecture("embedding_length", 0)) // max(heads, 1)
        key = int(self._of_architecture("attention.key_length", width))
        value = int(self._of_architecture("attention.value_length", width))
        blocks = int(self._of_architecture("block_count", 0))
        kv_heads = self._of_architecture("attention.head_count_kv", heads)
        all_heads = sum(kv_heads) if isinstance(kv_heads, list) else int(kv_heads) * blocks
        return all_heads * (key + value) * CACHE_BYTES_PER_VALUE

    def _of_architecture(self, key: str, default: int) -> Any:  # noqa: ANN401 - metadata values have many types
        return self.metadata.get(f"{self.architecture}.{key}", default)

    def summary(self) -> dict[str, Any]:
        """The header as plain values, each name carrying its unit."""
        return {
            "gguf_version": self.version,
            "name": str(self.metadata.get("general.name", "")),
            "architecture": self.architecture,
            "quantisation": self.quantisation,
            "dominant_tensor_type": self.dominant_tensor_type,
            "context_length_tokens": int(self._of_architecture("context_length", 0)),
            "embedding_length": int(self._of_architecture("embedding_length", 0)),
            "block_count": int(self._of_architecture("block_count", 0)),
            "tensor_count": self.tensor_count,
            "parameter_count": self.parameters,
            "kv_cache_bytes_per_token": self.kv_cache_bytes_per_token,
        }


class _Cursor:
    """A position in the mapped file; every read is checked against the file's end."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> int:
        """Moves past `size` bytes and returns where they begin."""
        start = self.at
        if size < 0 or start + size > len(self.data):
            raise GgufError(f"the header needs byte {start + size:,}, but the file ends at byte {len(self.data):,}")
        self.at = start + size
        return start

    def scalar(self, layout: str) -> Any:  # noqa: ANN401 - what the layout says
        start = self.take(struct.calcsize(layout))
        return struct.unpack_from(layout, self.data, start)[0]

    def text(self) -> str:
        size = self.scalar("<Q")
        start = self.take(size)
        return self.data[start : start + size].decode("utf-8", "replace")

    def value(self, kind: int) -> Any:  # noqa: ANN401 - what the file's type number says
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            return self._array()
        if kind not in _SCALARS:
            raise GgufError(f"byte {self.at:,} states the unknown metadata type {kind}")
        return self.scalar(_SCALARS[kind])

    def _array(self) -> list[Any] | None:
        """Numbers come back as a list; text and nested arrays (vocabularies) are stepped over and come back as None."""
        kind, count = self.scalar("<I"), self.scalar("<Q")
        if kind in _SCALARS:
            layout = f"<{count}{_SCALARS[kind][1]}"
            start = self.take(struct.calcsize(_SCALARS[kind]) * count)
            return list(struct.unpack_from(layout, self.data, start))
        if kind == _STRING:
            self._skip_texts(count)
            return None
        for _ in range(count):
            self.value(kind)
        return None

    def _skip_texts(self, count: int) -> None:
        data, end, at = self.data, len(self.data), self.at
        unpack = struct.Struct("<Q").unpack_from
        for _ in range(count):
            if at + 8 > end:
                raise GgufError(f"the vocabulary needs byte {at + 8:,}, but the file ends at byte {end:,}")
            at += 8 + unpack(data, at)[0]
        self.at = at
        self.take(0)


def read_header(path: Path) -> GgufHeader:
    """Reads and checks the header of `path`; raises `GgufError` for anything that llama.cpp could not load whole."""
    size = path.stat().st_size
    if size < 24:
        raise GgufError(f"the file has {size:,} bytes, fewer than the 24 with which every GGUF file begins")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        header = _parse(_Cursor(data))
    if size < header.data_end_bytes:
        missing = header.data_end_bytes - size
        raise GgufError(
            f"the file is cut short: its header promises {header.data_end_bytes:,} bytes, it has {size:,} "
            f"({missing:,} are missing)"
        )
    return header


def _parse(cursor: _Cursor) -> GgufHeader:
    start = cursor.take(4)
    magic = cursor.data[start : start + 4]
    if magic != MAGIC:
        raise GgufError(f"it begins with {magic!r} instead of {MAGIC!r}, so it is no GGUF model")
    version = cursor.scalar("<I")
    if version not in SUPPORTED_VERSIONS:
        raise GgufError(f"it is of GGUF version {version}; versions {SUPPORTED_VERSIONS} can be read")
    tensor_count, metadata_count = cursor.scalar("<Q"), cursor.scalar("<Q")
    metadata = {}
    for _ in range(metadata_count):
        key = cursor.text()
        metadata[key] = cursor.value(cursor.scalar("<I"))
    parameters: Counter[str] = Counter()
    end = 0
    for _ in range(tensor_count):
        name, values, size, offset = _tensor(cursor)
        parameters[name] += values
        end = max(end, offset + size)
    alignment = int(metadata.get("general.alignment", DEFAULT_ALIGNMENT))
    data_start = -(-cursor.at // alignment) * alignment
    if not parameters:
        raise GgufError("it holds no tensors, so it is a vocabulary, not a model")
    return GgufHeader(version, metadata, tensor_count, sum(parameters.values()), dict(parameters), data_start + end)


def _tensor(cursor: _Cursor) -> tuple[str, int, int, int]:
    """One tensor's record as (type name, number of values, bytes, offset from the start of the data)."""
    name = cursor.text()
    values = 1
    for _ in range(cursor.scalar("<I")):
        values *= cursor.scalar("<Q")
    kind, offset = cursor.scalar("<I"), cursor.scalar("<Q")
    if kind not in TENSOR_TYPES:
        raise GgufError(
            f"the tensor {name!r} is of the unknown type {kind}; a newer version of this collection may know it"
        )
    type_name, block_values, block_bytes = TENSOR_TYPES[kind]
    return type_name, values, values // block_values * block_bytes, offset
