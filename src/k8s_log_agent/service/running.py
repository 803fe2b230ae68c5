"""One running service: opens everything that the settings name, starts its threads, and ends them in order."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from k8s_log_agent.ingest.loki_access import http_client
from k8s_log_agent.llm.client import ClientOptions
from k8s_log_agent.retrieval.choosing import choose_embedder
from k8s_log_agent.retrieval.retriever import Retriever
from k8s_log_agent.service.alert_analysis import AlertAnalyst
from k8s_log_agent.service.alerts import AlertIntake, Notifier
from k8s_log_agent.service.alerts.targets import read_targets
from k8s_log_agent.service.analysis import Analyst, Outcome
from k8s_log_agent.service.bus import MemoryBus
from k8s_log_agent.service.confirmed_causes import RecordsAndIncidents
from k8s_log_agent.service.counting import Counting
from k8s_log_agent.service.database import Database
from k8s_log_agent.service.incidents import DatabaseIncidents
from k8s_log_agent.service.lines import LineSource, Tick, loki_access
from k8s_log_agent.service.maintenance import Maintenance
from k8s_log_agent.service.models import Feedback
from k8s_log_agent.service.outbox import Outbox, Target
from k8s_log_agent.service.parts import Parts
from k8s_log_agent.service.projections.chroma import ChromaProjection
from k8s_log_agent.service.projections.delivering import Delivering
from k8s_log_agent.service.projections.loki import LokiProjection
from k8s_log_agent.service.projections.projection import Projection
from k8s_log_agent.service.queue import PARENT, DatabaseQueue
from k8s_log_agent.service.security import Authority
from k8s_log_agent.service.settings import Settings
from k8s_log_agent.service.similar import SimilarIncidents
from k8s_log_agent.service.telemetry import Metrics, Tracing, traced_client
from k8s_log_agent.service.worker import Bell, Work, Workers
from k8s_log_agent.triage.asking import Panel
from k8s_log_agent.triage.servers import open_model, open_retriever

STOP_SECONDS = 20.0
_PUSH_SECONDS = 10.0
_log = logging.getLogger("k8s_log_agent.service")


@dataclass(frozen=True, slots=True)
class Storage:
    """What is kept: enough for telling the projections anew without a running service."""

    database: Database
    incidents: DatabaseIncidents
    outbox: Outbox
    bus: MemoryBus
    projections: tuple[Projection, ...]
    chroma: ChromaProjection | None

    def delivering(self, refused: Callable[[str, int], None] = lambda _target, _count: None) -> Delivering:
        """What takes the outbox to the projections."""
        return Delivering(self.outbox, self.projections, log=_log.warning, refused=refused)


def utc_now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


def fresh_id() -> str:
    """An id that nobody can guess and that sorts by the time it was made."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(6)}"


@contextmanager
def open_storage(
    settings: Settings,
    clock: Callable[[], datetime] = utc_now,
    judged: Callable[[Feedback], None] = lambda _feedback: None,
) -> Iterator[Storage]:
    """The database, brought up to date, and its projections; `judged` is told of what people say of verdicts.

    Raises `DatabaseError` and `LokiAccessError`.
    """
    with ExitStack() as stack:
        projections: list[Projection] = []
        chroma = None
        if settings.loki_url:
            http = stack.enter_context(http_client(loki_access(settings, _PUSH_SECONDS)))
            projections.append(LokiProjection(http))
        if settings.chroma_url:
            chroma = ChromaProjection(settings.chroma_url, lambda: choose_embedder(settings.embedding_url))
            projections.append(chroma)
        database = Database(settings.database_url)
        stack.callback(database.close)
        database.migrate()
        targets: list[Target] = [one.target for one in projections]
        outbox, bus = Outbox(database, targets, clock), MemoryBus()
        incidents = DatabaseIncidents(database, outbox, bus, clock, judged)
        yield Storage(database, incidents, outbox, bus, tuple(projections), chroma)


@contextmanager
def running(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = utc_now,
    identity: Callable[[], str] = fresh_id,
) -> Iterator[Parts]:
    """The parts of a service whose threads run until the context ends.

    Raises `DatabaseError`, `LokiAccessError`, `SettingsError` and `PromptError`; no other server has to be there.
    """
    with ExitStack() as stack:
        authority, metrics, tracing = Authority.from_settings(settings), Metrics(), Tracing.from_settings(settings)
        counted = metrics.feedback.labels
        storage = stack.enter_context(open_storage(settings, clock, lambda said: counted(said.verdict).inc()))
        stack.callback(tracing.close)
        bell = Bell()
        queue = DatabaseQueue(
            storage.database,
            storage.bus,
            limit=settings.queue_limit,
            workers=settings.workers,
            owner=f"{socket.gethostname()}/{os.getpid()}/{identity()}",
            clock=clock,
            identity=identity,
            ring=bell.ring,
        )
        if back := queue.recover(everything=storage.database.is_sqlite):
            _log.warning("%d jobs that were cut off are done again", back)
        past = SimilarIncidents(storage.database, storage.chroma, _log.warning)
        analyst = Analyst(
            LineSource(settings),
            past,
            model=_model(stack, settings, tracing),
            retriever=_retriever(settings, storage.chroma),
            model_calls=settings.model_calls_per_job,
            clock=clock,
            identity=identity,
        )
        workers = Workers(
            storage.database,
            queue,
            storage.incidents,
            {
                "analyze": _traced(tracing, "analyze", analyst.analyze),
                "summarize": _traced(tracing, "summarize", analyst.summarize),
                "alert": _traced(tracing, "alert", AlertAnalyst(analyst).analyze),
            },
            count=settings.workers,
            bell=bell,
            log=_log.warning,
            done=Counting(metrics, settings.model),
        )
        maintenance = Maintenance(
            queue,
            storage.incidents,
            retention=timedelta(days=settings.retention_days),
            clock=clock,
            log=_log.warning,
            ring=bell.ring,
        )
        delivering = storage.delivering()
        intake = AlertIntake(storage.database, queue, storage.incidents, metrics, clock=clock)
        targets = read_targets(settings.notify_file)
        notifier = Notifier(storage.database, storage.incidents, targets, metrics, clock=clock)
        metrics.watched.watch("alerts_waiting", "Alerts that wait to become jobs.", intake.waiting)
        metrics.watched.watch_each("outbox_waiting", "Changes that wait.", "target", storage.outbox.waiting)
        for part in (workers, delivering, maintenance):
            part.start()
            stack.callback(part.stop, STOP_SECONDS)
        for edge in (intake, notifier):
            edge.start()
            stack.callback(edge.stop)
        stack.callback(storage.bus.close)
        tell_anew = storage.incidents.tell_anew if storage.projections else None
        yield Parts(
            settings=settings,
            incidents=storage.incidents,
            jobs=queue,
            bus=storage.bus,
            clock=clock,
            authority=authority,
            metrics=metrics,
            tracing=tracing,
            alerts=intake,
            past=past,
            tell_anew=tell_anew,
        )


def _model(stack: ExitStack, settings: Settings, tracing: Tracing) -> Panel | None:
    if not settings.model_url:
        return None
    options = ClientOptions(model=settings.model, slots=max(1, settings.workers), attempts=2)
    return stack.enter_context(open_model(settings.model_url, options, client=traced_client(tracing)))


def _retriever(settings: Settings, chroma: ChromaProjection | None) -> Retriever | None:
    if not settings.chroma_url or chroma is None:
        return None
    embedder = choose_embedder(settings.embedding_url)
    records = open_retriever(settings.chroma_url, settings.chroma_collection, embedder)
    return RecordsAndIncidents(records, chroma, _log.warning)


def _traced(tracing: Tracing, kind: str, work: Work) -> Work:
    def done(payload: Mapping[str, Any], tick: Tick) -> Outcome:
        with tracing.continued(f"job {kind}", str(payload.get(PARENT) or "")):
            return work(payload, tick)

    return done
