"""BGE-small-en-v1.5 behind a llama.cpp embedding server (started with `--pooling cls`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np

from k8s_log_agent.retrieval.embeddings import EmbeddingError, Purpose, Vectors, normalised

# The model was trained with this sentence before questions and nothing before passages.
QUERY_PREFIX = "Represent this sentence for searching relevant passages: "
MAXIMUM_TOKENS = 509  # of 512; the server adds [CLS] and [SEP], and refuses a longer text instead of cutting it
_BATCH = 16


class ServedEmbedder:
    """Vectors from `/v1/embeddings`, normalised again here. A text is cut by the server's own tokenizer."""

    def __init__(
        self,
        http: httpx.Client,
        *,
        name: str = "bge-small-en-v1.5",
        dimensions: int = 384,
        maximum_tokens: int = MAXIMUM_TOKENS,
        query_prefix: str = QUERY_PREFIX,
    ) -> None:
        """`http` has the server's base URL and a time-out; `maximum_tokens` leaves room for the two special ones."""
        self.name = name
        self.dimensions = dimensions
        self._http = http
        self._maximum_tokens = maximum_tokens
        self._query_prefix = query_prefix

    def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> Vectors:
        """As `Embedder.embed`."""
        prefix = self._query_prefix if purpose == "query" else ""
        inputs = [self._cut(prefix + text) for text in texts]
        rows = [row for start in range(0, len(inputs), _BATCH) for row in self._ask(inputs[start : start + _BATCH])]
        if not rows:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        return normalised(np.array(rows, dtype=np.float32))

    def _cut(self, text: str) -> str:
        # Every token stands for at least one byte.
        if len(text.encode("utf-8", "replace")) <= self._maximum_tokens:
            return text
        # The tokenizer is asked for no more text than could ever fit; no token of this vocabulary has over 24 letters.
        text = text[: self._maximum_tokens * 24]
        while len(tokens := self._tokens(text)) > self._maximum_tokens:
            # Detokenising a WordPiece text would change it; the share of tokens gives the share of characters.
            keep = int(len(text) * self._maximum_tokens / len(tokens))
            text = text[: min(keep, len(text) - 1)]
        return text

    def _tokens(self, text: str) -> list[Any]:
        answer = self._post("/tokenize", {"content": text, "add_special": False})
        tokens = answer.get("tokens")
        if not isinstance(tokens, list):
            raise self._odd("/tokenize", str(answer))
        return tokens

    def _ask(self, inputs: list[str]) -> list[list[float]]:
        answer = self._post("/v1/embeddings", {"input": inputs, "model": self.name, "encoding_format": "float"})
        try:
            rows: list[list[float]] = [
                entry["embedding"] for entry in sorted(answer["data"], key=lambda entry: entry["index"])
            ]
        except (KeyError, TypeError) as error:
            raise self._odd("/v1/embeddings", str(answer)) from error
        if len(rows) != len(inputs) or any(len(row) != self.dimensions for row in rows):
            shape = f"{len(rows)} vectors of {sorted({len(row) for row in rows})} numbers"
            raise self._odd(
                "/v1/embeddings", f"{shape} for {len(inputs)} texts; {self.dimensions} numbers are expected"
            )
        return rows

    def _post(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        try:
            response = self._http.post(path, json=body)
            response.raise_for_status()
            answer = response.json()
        except httpx.HTTPStatusError as error:
            raise self._odd(path, f"{error.response.status_code} {error.response.text}") from error
        except httpx.HTTPError as error:
            raise EmbeddingError(
                f"The embedding server at {self._http.base_url} did not answer {path}: {error or type(error).__name__}"
                ". Is it running, and started with --embedding --pooling cls?"
            ) from error
        except ValueError as error:
            raise self._odd(path, response.text) from error
        if not isinstance(answer, dict):
            raise self._odd(path, str(answer))
        return answer

    def _odd(self, path: str, said: str) -> EmbeddingError:
        return EmbeddingError(f"The embedding server at {self._http.base_url} answered {path} with {said[:300]!r}.")
