"""Recognises who sends a request: by an API key, or by the header of a proxy that is trusted."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection, Request

from k8s_log_agent.service.problems import Problem
from k8s_log_agent.service.security.key_file import KeyFileError, StoredKey, read_keys, recognised
from k8s_log_agent.service.security.principals import LOCAL, Principal, Scope
from k8s_log_agent.service.security.rates import Rates
from k8s_log_agent.service.settings import Settings, SettingsError

if TYPE_CHECKING:
    from k8s_log_agent.service.parts import Parts

CHALLENGE = {"WWW-Authenticate": 'Basic realm="log analyzer", charset="UTF-8"'}
FAILURES_A_MINUTE = 30
_LONGEST_CREDENTIAL = 400
_LONGEST_USER = 120
_FORWARDED = ("x-forwarded-for", "forwarded", "x-forwarded-host", "x-envoy-external-address")
_log = logging.getLogger(__name__)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _now() -> datetime:
    return datetime.now(UTC)


class Authority:
    """Who is let in. A file of keys is read anew when it changes; one that cannot be read lets nobody in."""

    def __init__(
        self,
        *,
        keys_file: Path | None = None,
        proxy_header: str = "",
        proxies: Sequence[Network] = (),
        requests_per_minute: int = 600,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._keys_file = keys_file
        self._proxy_header = proxy_header.lower()
        self._proxies = tuple(proxies)
        self._clock = clock
        self._rates = Rates()
        self._allowed = requests_per_minute
        self._keys: tuple[StoredKey, ...] = ()
        self._read_as: tuple[int, int, int] | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Authority:
        """As the service was told; raises `SettingsError` where the keys or proxies cannot be used."""
        if settings.keys_file:
            try:
                read_keys(settings.keys_file)
            except KeyFileError as error:
                raise SettingsError(str(error)) from error
        return cls(
            keys_file=settings.keys_file,
            proxy_header=settings.trusted_proxy_header,
            proxies=networks(settings.trusted_proxies),
            requests_per_minute=settings.requests_per_minute,
        )

    @property
    def protected(self) -> bool:
        """Whether a request has to say who it comes from."""
        return self._keys_file is not None or bool(self._proxy_header)

    def recognise(self, request: HTTPConnection) -> Principal | None:
        """Who sends the request; None where it does not say so, or says so wrongly."""
        if not self.protected:
            return LOCAL
        if self._keys_file is not None and (given := _given_key(request)):
            key = recognised(self._current_keys(), given, self._clock())
            return key.principal if key else None
        return self._behind_proxy(request)

    def admit(self, request: Request, scope: Scope) -> Principal:
        """Who sends the request, if that one may; raises `Problem` 401, 403 or 429."""
        address = address_of(request)
        principal = self.recognise(request)
        request.state.principal = principal
        if principal is None:
            self._bounded(f"failed:{address}", FAILURES_A_MINUTE)
            raise Problem(
                401,
                "Who are you?",
                "The request carries no valid API key.",
                "Send a key as `Authorization: Bearer kla_…`; make one with `k8s-log-agent keys create`.",
                CHALLENGE,
            )
        self._bounded(principal.id, self._allowed)
        if not principal.may(scope):
            raise Problem(
                403,
                "Not allowed",
                f"This needs the scope {scope}, and {principal.name} has {', '.join(sorted(principal.scopes))}.",
                f"Make a key with it: `k8s-log-agent keys create --scope {scope}`.",
            )
        return principal

    def admit_scraper(self, request: Request) -> None:
        """Lets in whoever reaches the service directly, as Prometheus does; through a proxy, only readers."""
        if self.protected and any(name in request.headers for name in _FORWARDED):
            self.admit(request, "read")

    def _bounded(self, who: str, per_minute: int) -> None:
        if wait := self._rates.take(who, per_minute):
            raise Problem(
                429,
                "Too many requests",
                f"More than {per_minute} requests a minute came from the same sender.",
                f"Send it again in {wait} s.",
                {"Retry-After": str(wait)},
            )

    def _behind_proxy(self, request: HTTPConnection) -> Principal | None:
        user = request.headers.get(self._proxy_header, "") if self._proxy_header else ""
        if not user or not user.isprintable() or len(user) > _LONGEST_USER or not self._is_proxy(request):
            return None
        return Principal(f"proxy:{user}", user, frozenset({"analyze"}), "proxy")

    def _is_proxy(self, request: HTTPConnection) -> bool:
        try:
            address = ipaddress.ip_address(request.client.host if request.client else "")
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None) or address
        return any(mapped in network for network in self._proxies if network.version == mapped.version)

    def _current_keys(self) -> tuple[StoredKey, ...]:
        assert self._keys_file is not None  # noqa: S101 - the caller has looked
        try:
            status = self._keys_file.stat()
            stamp = (status.st_ctime_ns, status.st_ino, status.st_size)
            if stamp != self._read_as:
                self._keys, self._read_as = read_keys(self._keys_file), stamp
        except (OSError, KeyFileError) as error:
            _log.error("Nobody is let in: %s", error)
            self._keys, self._read_as = (), None
        return self._keys


def requires(parts: Parts, scope: Scope) -> Callable[[Request], Principal]:
    """A dependency of routes that only those with `scope` may use; it gives who sends the request."""

    async def admitted(request: Request) -> Principal:
        return parts.authority.admit(request, scope)

    return admitted  # type: ignore[return-value] # FastAPI awaits it; it runs in the loop, as it takes microseconds


def networks(written: str) -> tuple[Network, ...]:
    """The networks of a list with commas; raises `SettingsError`."""
    try:
        return tuple(ipaddress.ip_network(one.strip(), strict=False) for one in written.split(",") if one.strip())
    except ValueError as error:
        raise SettingsError(f"trusted_proxies: {error}. Write addresses or networks, such as 10.42.0.0/16.") from error


def address_of(request: HTTPConnection) -> str:
    """Where the connection comes from."""
    return request.client.host if request.client else "unknown"


def _given_key(request: HTTPConnection) -> str:
    """A key from `Authorization` (Bearer, or the password of Basic, which a browser can ask for) or `X-Api-Key`."""
    written = request.headers.get("authorization", "")[:_LONGEST_CREDENTIAL]
    scheme, _, credential = written.partition(" ")
    if scheme.lower() == "bearer":
        return credential.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credential, validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            return ""
    return request.headers.get("x-api-key", "")[:_LONGEST_CREDENTIAL]
