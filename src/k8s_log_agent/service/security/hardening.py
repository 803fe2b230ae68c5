"""What stands between the network and the routes: bounds, whose pages may send, headers, and the audit log."""

from __future__ import annotations

from fastapi import FastAPI

from k8s_log_agent.service.security.audit import AuditLog
from k8s_log_agent.service.security.bodies import BoundedBodies
from k8s_log_agent.service.security.faults import Faults
from k8s_log_agent.service.security.headers import SafeHeaders
from k8s_log_agent.service.security.origins import OwnOrigin
from k8s_log_agent.service.settings import Settings


def harden(app: FastAPI, settings: Settings) -> None:
    """Puts the guards around `app`; the last one added sees a request first."""
    app.add_middleware(Faults)
    app.add_middleware(BoundedBodies, most_bytes=settings.max_body_bytes)
    app.add_middleware(OwnOrigin, only_local_names=not settings.protected)
    app.add_middleware(AuditLog)
    app.add_middleware(SafeHeaders, root_path=settings.root_path)
