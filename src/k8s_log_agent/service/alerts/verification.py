"""Whether a message about alerts comes from whom it should: a bearer token, a signature, or an API key."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from starlette.requests import Request

from k8s_log_agent.service.problems import Problem
from k8s_log_agent.service.security.access import FAILURES_A_MINUTE, Authority, address_of
from k8s_log_agent.service.security.principals import Principal
from k8s_log_agent.service.security.rates import Rates
from k8s_log_agent.service.settings import Settings, SettingsError

SIGNATURE = "x-signature-256"  # sha256=<hex of the HMAC of "<timestamp>.<body>">
TIMESTAMP = "x-signature-timestamp"  # seconds since 1970
VALID_SECONDS = 300
SHORTEST_SECRET = 16
_SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})\Z")
_SENDER = Principal("alertmanager", "alertmanager", frozenset({"analyze"}), "key")


class Verifier:
    """Checks each message. A file holds one secret a line, so that two are valid while one takes the other's place."""

    def __init__(
        self,
        authority: Authority,
        clock: Callable[[], datetime],
        *,
        token_file: Path | None = None,
        hmac_file: Path | None = None,
    ) -> None:
        self._authority = authority
        self._clock = clock
        self._token_file = token_file
        self._hmac_file = hmac_file
        self._rates = Rates()

    @classmethod
    def from_settings(cls, settings: Settings, authority: Authority, clock: Callable[[], datetime]) -> Verifier:
        """As the service was told; raises `SettingsError` where a file of secrets cannot be used."""
        for path in (settings.alert_token_file, settings.alert_hmac_file):
            if path and not _secrets(path):
                raise SettingsError(
                    f"{path} holds no secret of {SHORTEST_SECRET} characters or more that this program can read. Write "
                    "one there, alone on its line: `openssl rand -hex 32`."
                )
        return cls(authority, clock, token_file=settings.alert_token_file, hmac_file=settings.alert_hmac_file)

    def check(self, request: Request, body: bytes) -> None:
        """Raises `Problem` 401, 403 or 429 unless the message may be taken."""
        if not self._token_file and not self._hmac_file:
            self._authority.admit(request, "analyze")
            return
        signed = bool(self._hmac_file) and self._is_signed(request, body)
        if not signed and not (self._token_file and self._has_token(request)):
            self._refuse(request)
        request.state.principal = _SENDER

    def _has_token(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return False
        wanted = _secrets(self._token_file)
        return any([hmac.compare_digest(given.strip().encode("utf-8", "replace"), one) for one in wanted])  # noqa: C419 - each is compared, whichever fits

    def _is_signed(self, request: Request, body: bytes) -> bool:
        given = _SIGNATURE.match(request.headers.get(SIGNATURE, ""))
        written = request.headers.get(TIMESTAMP, "")
        if not given or not re.fullmatch(r"\d{1,12}", written, re.ASCII):
            return False
        if abs(self._clock().timestamp() - int(written)) > VALID_SECONDS:
            return False
        return any([hmac.compare_digest(given[1], signature(one, written, body)) for one in _secrets(self._hmac_file)])  # noqa: C419 - as above

    def _refuse(self, request: Request) -> None:
        wait = self._rates.take(address_of(request), FAILURES_A_MINUTE)
        if wait:
            raise Problem(
                429, "Too many requests", "Too many unverified messages came.", "", {"Retry-After": str(wait)}
            )
        way = "a valid bearer token" if self._token_file else f"a valid and fresh signature in {SIGNATURE}"
        raise Problem(
            401,
            "Not verified",
            f"The message does not carry {way}.",
            "Give Alertmanager the token by http_config.authorization.credentials_file; docs/alerts.md shows how.",
            {"WWW-Authenticate": "Bearer"},
        )


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """The signature of a message, in hex."""
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _secrets(path: Path | None) -> list[bytes]:
    """The secrets of a file, read anew each time, so that they can be changed; one that is short is none."""
    if path is None:
        return []
    try:
        lines = [line.strip() for line in path.read_bytes().splitlines()]
    except OSError:
        return []
    return [line for line in lines if len(line) >= SHORTEST_SECRET]
