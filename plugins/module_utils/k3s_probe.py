"""Asks a K3s server whether it would take this host, before anything is changed here."""

from __future__ import annotations

import base64
import hashlib
import http.client
import socket
import ssl
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from . import k3s_tokens

SERVER, NODE = "server", "node"
_GUARDED = {SERVER: "/v1-k3s/encrypt/status", NODE: "/v1-k3s/config"}


@dataclass(frozen=True)
class Answer:
    """What a server said.

    `clock_seconds` is its clock minus ours; `status` the HTTP status of the question with the token.
    """

    address: str
    reached: bool
    error: str = ""
    clock_seconds: float | None = None
    ca_matches: bool | None = None
    status: int | None = None

    @property
    def token_refused(self) -> bool:
        """Whether the server is up and does not know the token."""
        return self.status in (401, 403)

    @property
    def ready(self) -> bool:
        """Whether the server took the token."""
        return self.status is not None and self.status < 300

    def as_dict(self) -> dict[str, Any]:
        """The fields, and what follows from them."""
        return {
            "address": self.address,
            "reached": self.reached,
            "error": self.error,
            "clock_seconds": self.clock_seconds,
            "ca_matches": self.ca_matches,
            "status": self.status,
            "token_refused": self.token_refused,
        }


def ask(url: str, token: str | None, user: str, now: float, timeout: float = 5.0) -> Answer:
    """`url` as in the setting `server`; `user` is SERVER or NODE; `now` in seconds since the epoch.

    As K3s itself does, the server's CA is taken from the server and compared with the one that the token pins, if any;
    the token is then sent to a server whose certificate that CA has signed.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 6443
    address = f"{host}:{port}"

    def connect(context: ssl.SSLContext) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)

    try:
        headers, bundle = _get(connect(_trusting_anyone()), "/cacerts", {})[1:]
    except (OSError, http.client.HTTPException) as error:
        return Answer(address, reached=False, error=_reason(error, timeout))
    clock = _clock(headers.get("date"), now)
    if token is None:
        return Answer(address, reached=True, clock_seconds=clock)
    pinned = k3s_tokens.ca_hash(token)
    matches = hashlib.sha256(bundle).hexdigest() == pinned if pinned else None
    if matches is False:
        return Answer(address, reached=True, clock_seconds=clock, ca_matches=False)
    try:
        status = _get(connect(_trusting(bundle)), _GUARDED[user], _basic(user, token))[0]
    except (OSError, http.client.HTTPException) as error:
        return Answer(address, reached=True, clock_seconds=clock, ca_matches=matches, error=_reason(error, timeout))
    return Answer(address, reached=True, clock_seconds=clock, ca_matches=matches, status=status)


def _get(
    connection: http.client.HTTPSConnection, path: str, headers: dict[str, str]
) -> tuple[int, dict[str, str], bytes]:
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return response.status, found, response.read(1 << 20)
    finally:
        connection.close()


def _trusting_anyone() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _trusting(bundle: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the address may be missing in the certificate until a node has asked for it
    context.load_verify_locations(cadata=bundle.decode("ascii", "replace"))
    return context


def _basic(user: str, token: str) -> dict[str, str]:
    pair = f"{user}:{k3s_tokens.passphrase(token)}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}


def _clock(date: str | None, now: float) -> float | None:
    try:
        return parsedate_to_datetime(date or "").timestamp() - now
    except (TypeError, ValueError, IndexError):
        return None


def _reason(error: Exception, timeout: float) -> str:
    if isinstance(error, (socket.timeout, TimeoutError)):
        return f"no answer within {timeout:.0f} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
