# mypy: ignore-errors
# ruff: noqa
# (an ordinary application under observation: it runs in an environment of its own and is not part of this project)
"""Orders in PostgreSQL, carts in Redis."""

import logging
import time

import redis
from psycopg_pool import ConnectionPool

log = logging.getLogger("checkout.store")


class Store:
    def __init__(self, settings):
        self.pool = ConnectionPool(
            settings.database_url, min_size=1, max_size=settings.pool_size, timeout=1.0, open=False, reconnect_timeout=3
        )
        self.cache = redis.Redis.from_url(settings.redis_url, socket_timeout=2)

    def open(self):
        began = time.monotonic()
        self.pool.open()
        self.pool.wait(timeout=4)
        with self.pool.connection() as connection:
            version = connection.execute("SHOW server_version").fetchone()[0]
        log.info("connected to PostgreSQL %s in %d ms", version, (time.monotonic() - began) * 1000)

    def order(self, number):
        with self.pool.connection() as connection:
            return connection.execute("SELECT id, total FROM orders WHERE id = %s", (number,)).fetchone()

    def place(self, customer, total):
        with self.pool.connection() as connection:
            row = connection.execute(
                "INSERT INTO orders (customer, total) VALUES (%s, %s) RETURNING id", (customer, total)
            ).fetchone()
        log.info("order %d placed for customer %d, total %.2f EUR", row[0], customer, total)
        return row[0]

    def report(self, seconds):
        with self.pool.connection() as connection:
            log.info("building sales report, window %s s", seconds)
            connection.execute("SELECT pg_sleep(%s)", (seconds,))
            return connection.execute("SELECT count(*), sum(total) FROM orders").fetchone()

    def add_to_cart(self, cart, item):
        size = self.cache.rpush(f"cart:{cart}", item)
        self.cache.expire(f"cart:{cart}", 1800)
        log.info("cart %s now holds %d items", cart, size)
        return size
