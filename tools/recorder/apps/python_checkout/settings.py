# mypy: ignore-errors
# ruff: noqa
# (an ordinary application under observation: it runs in an environment of its own and is not part of this project)
"""Settings of the checkout service, from the environment and a TOML file."""

import logging
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("checkout.settings")


class SettingsError(Exception):
    """A setting is missing or makes no sense."""


@dataclass(frozen=True)
class Settings:
    database_url: str
    redis_url: str
    payment_url: str
    payment_token: str
    port: int
    pool_size: int
    receipts: Path
    features: dict


def _required(name):
    value = os.environ.get(name)
    if not value:
        raise SettingsError(f"required environment variable {name} is not set")
    return value


def _number(name, default, low, high):
    text = os.environ.get(name, str(default))
    try:
        number = int(text)
    except ValueError as error:
        raise SettingsError(f"environment variable {name} must be a number, got {text!r}") from error
    if not low <= number <= high:
        raise SettingsError(f"environment variable {name} must be between {low} and {high}, got {number}")
    return number


def load():
    path = Path(os.environ.get("CHECKOUT_CONFIG", "/app/checkout.toml"))
    features = {}
    if path.exists():
        features = tomllib.loads(path.read_text())
        log.info("configuration read from %s: %s", path, ", ".join(sorted(features)) or "nothing set")
    settings = Settings(
        database_url=_required("DATABASE_URL"),
        redis_url=os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"),
        payment_url=os.environ.get("PAYMENT_URL", "http://127.0.0.1:9400"),
        payment_token=os.environ.get("PAYMENT_TOKEN", ""),
        port=_number("PORT", 8000, 1, 65535),
        pool_size=_number("DB_POOL_SIZE", 4, 1, 100),
        receipts=Path(os.environ.get("RECEIPTS", "/data/receipts")),
        features=features,
    )
    log.info("settings complete: port=%d pool=%d receipts=%s", settings.port, settings.pool_size, settings.receipts)
    return settings
