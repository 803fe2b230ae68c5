from __future__ import annotations

import struct
from pathlib import Path

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.gguf import GgufError, read_header
from hypothesis import given
from hypothesis import strategies as st

from tests.gguf_files import gguf_bytes, write_gguf


def test_the_header_of_a_whole_file_is_read(tmp_path: Path) -> None:
    write_gguf(tmp_path / "m.gguf", values=64, layers=3, context=256)

    summary = read_header(tmp_path / "m.gguf").summary()

    assert summary["architecture"] == "llama"
    assert summary["quantisation"] == "F32"
    assert summary["context_length_tokens"] == 256
    assert summary["parameter_count"] == 64


def test_the_cache_takes_layers_times_heads_times_key_and_value_at_two_bytes(tmp_path: Path) -> None:
    write_gguf(tmp_path / "m.gguf", layers=3)

    # 3 layers x 2 key-value heads x (16 key + 16 value) x 2 bytes; 16 = embedding 64 / 4 heads
    assert read_header(tmp_path / "m.gguf").kv_cache_bytes_per_token == 3 * 2 * 32 * 2


def test_a_file_cut_short_is_refused_with_the_missing_bytes(tmp_path: Path) -> None:
    content = write_gguf(tmp_path / "m.gguf")
    (tmp_path / "m.gguf").write_bytes(content[:-100])

    with pytest.raises(GgufError, match="100 are missing"):
        read_header(tmp_path / "m.gguf")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "0 bytes"), (b"PK\3\4" + b"\0" * 40, "begins with"), (b"GGUF" + struct.pack("<IQQ", 9, 1, 1), "version 9")],
)
def test_what_is_no_model_is_refused_by_what_it_is(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "m.gguf").write_bytes(content)

    with pytest.raises(GgufError, match=said):
        read_header(tmp_path / "m.gguf")


@given(cut=st.integers(min_value=0, max_value=len(gguf_bytes()) - 1))
def test_no_shortened_file_is_ever_accepted(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "m.gguf"
    path.write_bytes(gguf_bytes()[:cut])

    with pytest.raises(GgufError):
        read_header(path)


@given(place=st.integers(min_value=0, max_value=400), value=st.integers(min_value=0, max_value=255))
def test_a_damaged_header_is_refused_or_read_but_never_breaks(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int
) -> None:
    content = bytearray(gguf_bytes())
    content[place] = value
    path = tmp_path_factory.mktemp("damaged") / "m.gguf"
    path.write_bytes(content)

    try:
        read_header(path)
    except GgufError as refused:
        assert str(refused)
