"""Where a Loki is and how it lets one in; secrets come from files or variables and appear in no text."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import SecretStr

from k8s_log_agent.ingest.loki_errors import LokiAccessError

USER_AGENT = "k8s-log-agent"
# The pushed labels stay apart from what Loki found in the line, so one pushed stream comes back as one.
HEADERS = {"X-Loki-Response-Encoding-Flags": "categorize-labels", "User-Agent": USER_AGENT}


def secret_from_file(path: Path) -> SecretStr:
    """The text of a file without the white space around it; raises `LokiAccessError`, which does not show it."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise LokiAccessError(
            f"The secret in {path} cannot be read: {error.strerror}. Name a file that can."
        ) from error
    except UnicodeDecodeError:
        raise LokiAccessError(f"The secret in {path} is not UTF-8 text. Write the token or password alone.") from None
    return _checked_secret(text, str(path))


def _checked_secret(text: str, place: str) -> SecretStr:
    if not text:
        raise LokiAccessError(f"There is no secret in {place}. Put the token or password there, alone.")
    if not text.isprintable():
        raise LokiAccessError(f"The secret in {place} has several lines or control characters. Put it there alone.")
    return SecretStr(text)


@dataclass(frozen=True, slots=True)
class LokiAccess:
    """`url` is the address without `/loki/api/v1`; `tenant` may join several with `|` where the server allows it.

    Raises `LokiAccessError` when the parts do not go together.
    """

    url: str
    tenant: str | None = None
    user: str | None = None
    password: SecretStr | None = None
    token: SecretStr | None = None
    ca_file: Path | None = None
    timeout_seconds: float = 60.0

    def __post_init__(self) -> None:
        # The address is shown only where it is known to hold no secret.
        try:
            parsed = httpx.URL(self.url)
        except httpx.InvalidURL:
            raise LokiAccessError("Loki's address is not a URL. Write it like http://127.0.0.1:3100.") from None
        if parsed.userinfo:
            raise LokiAccessError("Loki's address holds a user or password. Give them apart, the password in a file.")
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise LokiAccessError(f"{self.url!r} is not an address of a Loki. Write it like http://127.0.0.1:3100.")
        if parsed.query or parsed.fragment:
            raise LokiAccessError(f"{self.url!r} has a query or fragment. Give the address alone.")
        if self.token and (self.user or self.password):
            raise LokiAccessError("Both a bearer token and a user are given for Loki. Keep the one that it expects.")
        if bool(self.user) != bool(self.password):
            raise LokiAccessError("Basic authentication with Loki needs a user and a password; one is missing.")
        if self.user and ":" in self.user:
            raise LokiAccessError("A user name with a colon cannot be sent by basic authentication.")
        if self.tenant is not None and not re.fullmatch(r"[!-~]{1,1024}", self.tenant):
            raise LokiAccessError(f"{self.tenant!r} is no tenant: up to 1,024 printable ASCII characters, no spaces.")


def http_client(access: LokiAccess) -> httpx.Client:
    """A client whose every request carries the tenant and the secret; the caller closes it."""
    headers = dict(HEADERS)
    if access.tenant is not None:
        headers["X-Scope-OrgID"] = access.tenant
    if access.token is not None:
        headers["Authorization"] = f"Bearer {access.token.get_secret_value()}"
    basic = None
    if access.user is not None and access.password is not None:
        basic = httpx.BasicAuth(access.user, access.password.get_secret_value())
    return httpx.Client(
        base_url=access.url, headers=headers, auth=basic, verify=_trust(access.ca_file), timeout=access.timeout_seconds
    )


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "not a certificate"
        raise LokiAccessError(
            f"The certificates in {ca_file} cannot be used: {reason}. Name a PEM file with the authority that "
            "signed Loki's certificate."
        ) from error
