"""Measures how fast this machine's processors read memory: the limit of a language model's generation."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

SMALLEST_WORKING_SET_BYTES = 64 << 20
LARGEST_WORKING_SET_BYTES = 1 << 30
_ROUNDS = 5


def read_bandwidth_bytes_per_second(
    working_set_bytes: int, threads: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The best of five rounds in which `threads` threads read a working set of about that size (64 MiB to 1 GiB).

    With the size of a model's weights, caches help here as much as they help the model. A dot product of float32 values
    is used: it reads without writing, and releases the interpreter's lock.
    """
    size = min(max(working_set_bytes, SMALLEST_WORKING_SET_BYTES), LARGEST_WORKING_SET_BYTES)
    parts = [np.ones(size // 4 // threads, dtype=np.float32) for _ in range(threads)]
    read = sum(part.nbytes for part in parts)
    best = 0.0
    with ThreadPoolExecutor(max_workers=threads) as pool:
        for _ in range(_ROUNDS):
            started = clock()
            list(pool.map(lambda part: float(np.dot(part, part)), parts))
            best = max(best, read / (clock() - started))
    return best
