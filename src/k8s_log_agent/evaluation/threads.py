"""Does slow work in several threads, and lets go of them at once when it is interrupted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(work: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[tuple[Item, Result]]:
    """Each item with what `work` makes of it, as it comes; the first exception of any ends all of it.

    An interruption does not wait for calls that are under way: the threads do not keep the process alive.
    """
    waiting: SimpleQueue[Item] = SimpleQueue()
    finished: SimpleQueue[tuple[Item, Result | None, BaseException | None]] = SimpleQueue()
    stop = threading.Event()
    for item in items:
        waiting.put(item)

    def serve() -> None:
        while not stop.is_set():
            try:
                item = waiting.get_nowait()
            except Empty:
                return
            try:
                finished.put((item, work(item), None))
            except BaseException as error:  # noqa: BLE001 - it is raised where the results are taken
                stop.set()
                finished.put((item, None, error))

    for _ in range(min(workers, len(items))):
        threading.Thread(target=serve, daemon=True).start()
    try:
        for _ in items:
            item, result, error = finished.get()
            if error is not None:
                raise error
            yield item, result  # type: ignore[misc] # there is a result where there is no error
    finally:
        stop.set()
