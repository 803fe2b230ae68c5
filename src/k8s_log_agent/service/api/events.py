"""GET /events: what happens, as it happens, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Depends, Query
from starlette.responses import StreamingResponse

from k8s_log_agent.service.api.schemas import Answers, problems
from k8s_log_agent.service.bus import TooManyListenersError
from k8s_log_agent.service.models import ServiceEvent
from k8s_log_agent.service.parts import Parts
from k8s_log_agent.service.problems import Problem
from k8s_log_agent.service.security import requires
from k8s_log_agent.service.store import Listening

HEARTBEAT_SECONDS = 15.0
_EXAMPLE = 'event: incident\ndata: {"id": "7d0c", "title": "A host name cannot be resolved", "severity": "ERROR"}\n\n'
_STREAM: Answers = {
    200: {"content": {"text/event-stream": {"example": _EXAMPLE}}, "description": "Events, until it is closed."}
}


def router(parts: Parts) -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["events"], dependencies=[Depends(requires(parts, "read"))])

    @routes.get("/events", responses={**_STREAM, **problems(422)}, response_class=StreamingResponse)
    async def events(
        kind: Annotated[list[Literal["job", "incident"]], Query()] = [],  # noqa: B006 - FastAPI copies it
        id: Annotated[str, Query(max_length=64, description="Only of this job or incident.")] = "",
    ) -> StreamingResponse:
        """Jobs and incidents as they change. A listener that is too slow misses the oldest."""
        try:
            listening = parts.bus.subscribe()
        except TooManyListenersError as error:
            raise Problem(503, "Too many listeners", str(error)) from error
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        chosen = frozenset(kind)
        return StreamingResponse(_told(listening, chosen, id), media_type="text/event-stream", headers=headers)

    return routes


async def _told(listening: Listening, kinds: frozenset[str], only: str) -> AsyncIterator[bytes]:
    async with aclosing(listening) as events:
        yield b": listening\n\n"
        while True:
            try:
                event = await asyncio.wait_for(anext(events), HEARTBEAT_SECONDS)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            except StopAsyncIteration:
                return
            if (not kinds or event.kind in kinds) and only in ("", event.id):
                yield written(event)


def written(event: ServiceEvent) -> bytes:
    """The event on the wire; JSON holds no line end that could begin another field."""
    return b"event: " + event.kind.encode() + b"\ndata: " + orjson.dumps({"id": event.id, **event.data}) + b"\n\n"
