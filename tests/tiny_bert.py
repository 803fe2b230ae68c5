"""A BERT with seeded random weights: written as a GGUF file, and computed by numpy, to hold one against the other.

Its words are `w0` to `w49`; each is one token.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

CONTEXT, WIDTH, HEADS, LAYERS, INNER = 512, 32, 4, 2, 64
WORDS = [f"w{number}" for number in range(50)]
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
_CLS, _SEP, _FIRST_WORD = 2, 3, len(_SPECIAL)
_EPSILON = 1e-12
_UINT32, _INT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9


class TinyBert:
    """The weights, by the names that llama.cpp gives them."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)

        def weights(*shape: int) -> Array:
            return random.normal(0, 0.5, shape).astype(np.float32)

        self.weights = {
            "token_embd.weight": weights(len(_SPECIAL) + len(WORDS), WIDTH),
            "token_types.weight": weights(2, WIDTH),
            "position_embd.weight": weights(CONTEXT, WIDTH),
            **_norm("token_embd_norm"),
        }
        for layer in range(LAYERS):
            for name, rows, columns in (
                ("attn_q", WIDTH, WIDTH),
                ("attn_k", WIDTH, WIDTH),
                ("attn_v", WIDTH, WIDTH),
                ("attn_output", WIDTH, WIDTH),
                ("ffn_up", INNER, WIDTH),
                ("ffn_down", WIDTH, INNER),
            ):
                self.weights[f"blk.{layer}.{name}.weight"] = weights(rows, columns)
                self.weights[f"blk.{layer}.{name}.bias"] = weights(rows)
            self.weights |= _norm(f"blk.{layer}.attn_output_norm")
            self.weights |= _norm(f"blk.{layer}.layer_output_norm")

    def embed(self, text: str) -> Array:
        """The vector of the first token, [CLS], scaled to length 1, of a text of known words."""
        ids = [_CLS, *(_FIRST_WORD + WORDS.index(word) for word in text.split()), _SEP]
        w = self.weights
        x = w["token_embd.weight"][ids] + w["token_types.weight"][0] + w["position_embd.weight"][: len(ids)]
        x = self._normed(x, "token_embd_norm")
        for layer in range(LAYERS):
            x = self._normed(x + self._attention(x, layer), f"blk.{layer}.attn_output_norm")
            inner = self._linear(x, f"blk.{layer}.ffn_up")
            gelu = 0.5 * inner * (1 + np.tanh(np.sqrt(2 / np.pi) * (inner + 0.044715 * inner**3)))
            x = self._normed(x + self._linear(gelu, f"blk.{layer}.ffn_down"), f"blk.{layer}.layer_output_norm")
        first: Array = x[0] / np.linalg.norm(x[0])
        return first

    def _attention(self, x: Array, layer: int) -> Array:
        def split(name: str) -> Array:
            return self._linear(x, f"blk.{layer}.{name}").reshape(len(x), HEADS, -1).transpose(1, 0, 2)

        q, k, v = split("attn_q"), split("attn_k"), split("attn_v")
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(WIDTH // HEADS)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        return self._linear((shares @ v).transpose(1, 0, 2).reshape(len(x), WIDTH), f"blk.{layer}.attn_output")

    def _linear(self, x: Array, name: str) -> Array:
        y: Array = x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return y

    def _normed(self, x: Array, name: str) -> Array:
        scaled = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + _EPSILON)
        y: Array = scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
        return y

    def write(self, path: Path) -> None:
        """The GGUF file, F32 throughout."""
        metadata = _metadata()
        head = b"GGUF" + struct.pack("<IQQ", 3, len(self.weights), len(metadata)) + b"".join(metadata)
        data = b""
        for name, array in self.weights.items():
            shape = array.shape[::-1]
            head += _name(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(data))
            data += array.tobytes() + b"\0" * (-array.nbytes % 32)
        path.write_bytes(head + b"\0" * (-len(head) % 32) + data)


def _norm(name: str) -> dict[str, Array]:
    return {f"{name}.weight": np.ones(WIDTH, np.float32), f"{name}.bias": np.zeros(WIDTH, np.float32)}


def _metadata() -> list[bytes]:
    tokens = [*_SPECIAL, *("\u2581" + word for word in WORDS)]
    kinds = [3, 2, 3, 3] + [1] * len(WORDS)  # control, unknown, normal
    numbers = {
        "general.file_type": 0,
        "bert.context_length": CONTEXT,
        "bert.embedding_length": WIDTH,
        "bert.feed_forward_length": INNER,
        "bert.block_count": LAYERS,
        "bert.attention.head_count": HEADS,
        "bert.pooling_type": 2,  # the first token
        "tokenizer.ggml.token_type_count": 2,
        "tokenizer.ggml.bos_token_id": _CLS,
        "tokenizer.ggml.eos_token_id": _SEP,
        "tokenizer.ggml.cls_token_id": _CLS,
        "tokenizer.ggml.seperator_token_id": _SEP,  # spelled so in the format
        "tokenizer.ggml.unknown_token_id": 1,
        "tokenizer.ggml.padding_token_id": 0,
    }
    return [
        _name("general.architecture") + struct.pack("<I", _STRING) + _name("bert"),
        _name("tokenizer.ggml.model") + struct.pack("<I", _STRING) + _name("bert"),
        _name("bert.attention.layer_norm_epsilon") + struct.pack("<If", _FLOAT32, _EPSILON),
        _name("bert.attention.causal") + struct.pack("<I?", _BOOL, False),
        *(_name(name) + struct.pack("<II", _UINT32, value) for name, value in numbers.items()),
        _array("tokenizer.ggml.tokens", _STRING, [_name(token) for token in tokens]),
        _array("tokenizer.ggml.token_type", _INT32, [struct.pack("<i", kind) for kind in kinds]),
    ]


def _name(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _array(name: str, kind: int, items: list[bytes]) -> bytes:
    return _name(name) + struct.pack("<IIQ", _ARRAY, kind, len(items)) + b"".join(items)
