"""Announcements within one process: from any thread to any number of listeners on event loops."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator
from typing import Self

from k8s_log_agent.service.models import ServiceEvent

MOST_UNREAD = 200
MOST_LISTENERS = 500


class TooManyListenersError(RuntimeError):
    """No more listeners are served now."""


class MemoryBus:
    """An `EventBus`. After `close` every listener comes to its end, and new ones at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: weakref.WeakSet[Subscription] = weakref.WeakSet()  # one that nobody has any more counts not
        self._closed = False

    def publish(self, event: ServiceEvent) -> None:
        """As `EventBus.publish`."""
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener.tell(event)

    def subscribe(self) -> Subscription:
        """As `EventBus.subscribe`, from within a running event loop; raises `TooManyListenersError`."""
        listener = Subscription(asyncio.get_running_loop(), self)
        with self._lock:
            if len(self._listeners) >= MOST_LISTENERS:
                raise TooManyListenersError("Too many pages listen for news already. Close some, or look again later.")
            if self._closed:
                listener.tell(None)
            else:
                self._listeners.add(listener)
        return listener

    def leave(self, listener: Subscription) -> None:
        """Tells this listener nothing more."""
        with self._lock:
            self._listeners.discard(listener)

    def close(self) -> None:
        """Ends all listening, so that a server can stop."""
        with self._lock:
            listeners, self._closed = tuple(self._listeners), True
            self._listeners.clear()
        for listener in listeners:
            listener.tell(None)


class Subscription(AsyncIterator[ServiceEvent]):
    """What one listener has yet to hear. Leave it with `aclose`, or use it as a context manager."""

    def __init__(self, loop: asyncio.AbstractEventLoop, bus: MemoryBus) -> None:
        self._loop = loop
        self._bus = bus
        self._unread: asyncio.Queue[ServiceEvent | None] = asyncio.Queue()

    def tell(self, event: ServiceEvent | None) -> None:
        """From any thread; None is the end."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, event)

    def _put(self, event: ServiceEvent | None) -> None:
        if self._unread.qsize() >= MOST_UNREAD:
            self._unread.get_nowait()
        self._unread.put_nowait(event)

    async def __anext__(self) -> ServiceEvent:
        """The next event."""
        event = await self._unread.get()
        if event is None:
            self._unread.put_nowait(None)
            raise StopAsyncIteration
        return event

    async def aclose(self) -> None:
        """Listens no longer."""
        self._bus.leave(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
