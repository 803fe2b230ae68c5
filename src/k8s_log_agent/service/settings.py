"""What the service is told at its start: by flags, or by environment variables `K8S_LOG_AGENT_<NAME>`.

Secrets are never among them, only the names of the files that hold them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

PREFIX = "K8S_LOG_AGENT_"
MIB = 1024 * 1024
Port = Annotated[int, Field(ge=0, le=65535)]


class SettingsError(ValueError):
    """The service cannot start with what it was told; the text says why and what to change."""


class Settings(BaseModel):
    """All settings. An address that is empty switches that part off; sizes are bytes, times seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database_url: str = "sqlite:///log-analyzer.db"
    listen_host: str = "127.0.0.1"
    listen_port: Port = 8000
    root_path: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)*$")] = ""

    model_url: str = ""
    model: str = ""
    chroma_url: str = ""
    chroma_collection: str = "golden"
    embedding_url: str = ""
    loki_url: str = ""
    loki_tenant: str = ""
    loki_token_file: Path | None = None
    grafana_url: str = ""
    otlp_endpoint: str = ""

    keys_file: Path | None = None
    trusted_proxy_header: str = ""
    trusted_proxies: str = "127.0.0.0/8,::1/128"  # who may set that header: addresses or networks, with commas
    alert_token_file: Path | None = None
    alert_hmac_file: Path | None = None
    notify_file: Path | None = None

    evaluation_path: Path | None = None
    drift_path: Path | None = None

    retention_days: Annotated[int, Field(ge=1, le=3650)] = 90
    queue_limit: Annotated[int, Field(ge=1, le=100_000)] = 200
    workers: Annotated[int, Field(ge=0, le=64)] = 2
    model_calls_per_job: Annotated[int, Field(ge=0, le=1000)] = 3
    most_lines: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    wait_seconds: Annotated[float, Field(ge=0, le=60)] = 10.0
    max_body_bytes: Annotated[int, Field(ge=1024, le=256 * MIB)] = MIB
    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 600

    @property
    def on_loopback(self) -> bool:
        """Whether only programs on this machine can reach the service."""
        if self.listen_host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.listen_host).is_loopback
        except ValueError:
            return False

    @property
    def protected(self) -> bool:
        """Whether a request has to say who it comes from."""
        return self.keys_file is not None or bool(self.trusted_proxy_header)

    @model_validator(mode="after")
    def _protected_where_others_reach_it(self) -> Self:
        if not self.protected and not self.on_loopback:
            raise ValueError(
                f"on {self.listen_host} others can reach the service, so it needs keys_file or trusted_proxy_header; "
                "without them it listens on 127.0.0.1 only"
            )
        return self

    @classmethod
    def read(cls, environment: Mapping[str, str], **given: object) -> Settings:
        """From flags, then the environment, then the defaults; flags that are None were not given.

        Raises `SettingsError` that names each setting that is wrong.
        """
        known = {name.upper(): name for name in cls.model_fields}
        values: dict[str, Any] = {}
        for variable, value in environment.items():
            name = known.get(variable.removeprefix(PREFIX)) if variable.startswith(PREFIX) else None
            if name and value:
                values[name] = value
        values |= {name: value for name, value in given.items() if value is not None}
        try:
            return cls(**values)
        except ValidationError as error:
            wrong = "; ".join(
                ": ".join(part for part in (".".join(map(str, one["loc"])), one["msg"]) if part)
                for one in error.errors(include_url=False, include_context=False, include_input=False)
            )
            raise SettingsError(
                f"The service cannot start with these settings: {wrong}. Flags are listed by "
                f"`k8s-log-agent serve --help`; each can be a variable {PREFIX}<NAME> as well."
            ) from error
