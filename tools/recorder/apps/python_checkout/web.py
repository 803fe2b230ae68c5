# mypy: ignore-errors
# ruff: noqa
# (an ordinary application under observation: it runs in an environment of its own and is not part of this project)
"""The HTTP face of the checkout service: python web.py"""

import logging
import logging.config
import os
import time
import uuid

import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

import settings as settings_module
from store import Store

FORMAT = "%(asctime)s %(levelname)s [%(name)s] %(message)s"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": FORMAT}},
    "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stdout"}},
    "root": {"handlers": ["out"], "level": os.environ.get("LOG_LEVEL", "INFO")},
}
log = logging.getLogger("checkout.web")


class Order(BaseModel):
    customer: int = Field(gt=0)
    total: float = Field(ge=0, lt=100_000)
    coupon: str | None = None


def discount(coupon, features):
    table = features.get("coupons", {})
    return table.get(coupon)["percent"] / 100 if coupon else 0.0


class Timing:
    """Says which requests were slow."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        began = time.monotonic()
        try:
            await self.app(scope, receive, send)
        finally:
            taken = (time.monotonic() - began) * 1000
            if taken > 400 and scope["type"] == "http":
                log.warning("slow request %s %s took %.0f ms", scope["method"], scope["path"], taken)


def build(settings, store):
    app = FastAPI(title="checkout")
    app.add_middleware(Timing)

    @app.get("/healthz")
    def health():
        return {"status": "ok"}

    @app.get("/orders/{number}")
    def order(number: int):
        row = store.order(number)
        if row is None:
            log.info("order %d not found", number)
            raise HTTPException(404)
        return {"id": row[0], "total": float(row[1])}

    @app.post("/orders")
    def place(order: Order):
        total = order.total * (1 - discount(order.coupon, settings.features))
        return {"id": store.place(order.customer, total)}

    @app.post("/carts/{cart}/{item}")
    def add(cart: str, item: str):
        return {"items": store.add_to_cart(cart, item)}

    @app.get("/report")
    def report(seconds: float = 0.2):
        count, total = store.report(seconds)
        log.info("sales report done: %d orders, %.2f EUR, errors: 0", count, float(total or 0))
        return {"orders": count}

    return app


def main():
    logging.config.dictConfig(LOGGING)
    log.info("checkout 3.8.1 starting, build %s", uuid.uuid5(uuid.NAMESPACE_DNS, "checkout").hex[:8])
    settings = settings_module.load()
    plugin = os.environ.get("CHECKOUT_PLUGIN")
    if plugin:
        log.info("loading plugin %s", plugin)
        __import__(plugin).register(settings)
    store = Store(settings)
    store.open()
    uvicorn.run(build(settings, store), host="0.0.0.0", port=settings.port, log_config=LOGGING | {"loggers": {}})


if __name__ == "__main__":
    main()
