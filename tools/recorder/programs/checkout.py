"""The checkout service: our own FastAPI application with PostgreSQL and Redis, with real tracebacks when it breaks."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

from tools.recorder.program import Program
from tools.recorder.programs.checkout_stage import (
    DATABASE,
    PACKAGES,
    PYTHON,
    Database,
    ask,
    install,
    place,
    redis,
    shoppers,
    start_redis,
    start_web,
)
from tools.recorder.recording import Pod, Recording
from tools.recorder.steps import port_held, write_file

PROGRAM = Program(
    name="checkout",
    kind="app",
    split="training",
    version="3.8.1",
    command=("python3", "/app/web.py"),
    packages=("debian:postgresql-15", "debian:redis-server", *(f"pypi:{name}" for name in PACKAGES)),
    prepare=install,
)
COMPONENT = ("app", "checkout")
NAMES = ("checkout-6b7f9d5c4-k8s2p", "checkout-6b7f9d5c4-zz41x", "checkout-58c6f7d9b-q0w7m")


def _pod(recording: Recording, index: int) -> Pod:
    return recording.pod(NAMES[index % 3], namespace=("shop", "shop", "staging")[index % 3], container="checkout")


def record(recording: Recording) -> None:
    """Healthy runs, then every fault three times."""
    dice = random.Random(31)  # noqa: S311 -- traffic, not secrets
    place(recording)
    write_file("/app/checkout.toml", "[coupons]\nSPRING = { percent = 10 }\nVIP = { percent = 15 }\n")
    database, cache = Database(), start_redis()
    for run in range(3):
        with recording.healthy(f"Shoppers place orders, run {run + 1}"):
            web = start_web(_pod(recording, run))
            shoppers(dice, 330)
            web.stop()
    _start_faults(recording)
    _migrations(recording, database)
    _database_faults(recording, dice, database)
    _request_faults(recording, dice)
    cache.kill()
    _cache_faults(recording, dice)


def _start_faults(recording: Recording) -> None:
    wrong = ({"DATABASE_URL": ""}, {"PORT": "http"}, {"DB_POOL_SIZE": "-4"}, {"DB_POOL_SIZE": "1000"})
    for index, env in enumerate(wrong):
        with recording.fault(
            "invalid_env",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"SettingsError: .*environment variable"],
            description="A needed environment variable is missing or makes no sense",
            values=env,
        ):
            for _ in range(2):
                start_web(_pod(recording, index), wait="exited with status", **env).wait()
    broken = ("[coupons\nSPRING = 1\n", "limit = 10 percent\n", 'title = "Checkout\n', "a = 1\na = 2\n")
    for index, text in enumerate(broken):
        path = write_file(f"/app/conf-{index}.toml", text)
        with recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"tomllib\.TOMLDecodeError"],
            description="The service's TOML file is malformed",
            values={"file": str(path), "text": text.strip()},
        ):
            start_web(_pod(recording, index), wait="exited with status", CHECKOUT_CONFIG=str(path)).wait()
    for index, port in enumerate((8000, 8080, 9000)):
        with (
            recording.fault(
                "address_in_use",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"\[Errno 98\].*address already in use"],
                description="Another process holds the service's port",
                values={"port": str(port)},
            ),
            port_held(port),
        ):
            start_web(_pod(recording, index), wait="exited with status", PORT=str(port)).wait()
    plugins = {
        "loyalty": "import points_ledger\n\ndef register(settings):\n    points_ledger.attach(settings)\n",
        "taxes": "RATES = {'de': 19}\n\ndef register(settings):\n    print(RATES[settings.features['country']])\n",
        "gifts": "def register(settings):\n    settings.gifts.append('wrapping')\n",
        "fraud": "def register(settings, model):\n    return model\n",
    }
    for index, (name, text) in enumerate(plugins.items()):
        write_file(f"/app/{name}.py", text)
        with recording.fault(
            "unhandled_exception",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"^(?:ModuleNotFoundError|KeyError|AttributeError|TypeError)\b"],
            description="A plugin fails while the service starts",
            values={"plugin": name},
        ):
            for _ in range(2):
                start_web(_pod(recording, index), wait="exited with status", CHECKOUT_PLUGIN=name).wait()


def _migrations(recording: Recording, database: Database) -> None:
    database.sql("INSERT INTO orders (customer, total) VALUES (1, NULL);")
    broken = {
        "0007_total_required": "ALTER TABLE orders ALTER COLUMN total SET NOT NULL;",
        "0008_currency": "ALTER TABLE order ADD COLUMN currency text;",
        "0009_customer_key": "ALTER TABLE orders ADD FOREIGN KEY (customer) REFERENCES customers (id);",
    }
    for name, text in broken.items():
        folder = Path(f"/data/migrations-{name}")
        for number in range(1, 4):
            write_file(folder / f"000{number}_step.sql", f"CREATE TABLE IF NOT EXISTS step_{number} (id int);")
        write_file(folder / f"{name}.sql", text)
        pod = recording.pod(f"checkout-migrate-{name[:4]}-7xk2p", namespace="shop", container="migrate")
        with recording.fault(
            "migration_failed",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"MigrationError: migration \w+ failed"],
            description="A migration does not fit the tables",
            values={"migration": name},
        ):
            command = ["bash", "/app/entrypoint.sh", PYTHON, "migrate.py", str(folder)]
            for _ in range(2):
                pod.run(command, env={"DATABASE_URL": DATABASE}, cwd="/app").wait()


def _database_faults(recording: Recording, dice: random.Random, database: Database) -> None:
    for index in range(3):
        with recording.fault(
            "db_unavailable",
            severity="CRITICAL",
            component=("database", "postgresql"),
            evidence=[r"connection failed: .*Connection refused", r"psycopg_pool\.PoolTimeout|terminating connection"],
            description="The database stops while shoppers are there",
            values={"customer": str(5 + index)},
        ):
            web = start_web(_pod(recording, index))
            shoppers(dice, 15)
            database.stop()
            ask("GET", f"/orders/{dice.randrange(500)}")
            ask("POST", "/orders", {"customer": 5 + index, "total": 12})
            time.sleep(1)
            web.stop()
            database.start()
    for index, (user, password) in enumerate((("shop", "old-secret"), ("checkout", "pw"), ("shop", "changeme"))):
        url = f"postgresql://{user}:{password}@postgres:5432/shop"
        with recording.fault(
            "db_auth_failed",
            severity="CRITICAL",
            component=("database", "postgresql"),
            evidence=[rf'password authentication failed for user "{user}"'],
            description="The service signs in with a wrong password or user",
            values={"user": user},
        ):
            start_web(_pod(recording, index), wait="exited with status", DATABASE_URL=url).wait()
    for index, name in enumerate(("postgres-rw", "postgres.databases", "db.internal.example")):
        with recording.fault(
            "dns_failure",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"(?:failed to resolve host|Name or service not known|could not translate host name)"],
            description="The database's name does not resolve",
            values={"host": name},
        ):
            url = DATABASE.replace("@postgres:", f"@{name}:")
            start_web(_pod(recording, index), wait="exited with status", DATABASE_URL=url).wait()
    for index, size in enumerate((1, 2, 3)):
        with recording.fault(
            "db_pool_exhausted",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"PoolTimeout: couldn't get a connection"],
            description="Reports hold every connection of the pool",
            values={"pool": str(size)},
        ):
            web = start_web(_pod(recording, index), DB_POOL_SIZE=str(size))
            shoppers(dice, 12)
            reports = [threading.Thread(target=ask, args=("GET", "/report?seconds=2.5")) for _ in range(size)]
            for report in reports:
                report.start()
            time.sleep(0.3)
            ask("GET", f"/orders/{dice.randrange(500)}")
            ask("POST", "/orders", {"customer": 7, "total": 3})
            for report in reports:
                report.join(10)
            shoppers(dice, 6)
            web.stop()


def _request_faults(recording: Recording, dice: random.Random) -> None:
    for index, coupon in enumerate(("SUMMER", "FREE", "X-MAS")):
        with recording.fault(
            "unhandled_exception",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"TypeError: 'NoneType' object is not subscriptable"],
            description="An unknown coupon makes the handler fail",
            values={"coupon": coupon},
        ):
            web = start_web(_pod(recording, index))
            shoppers(dice, 14)
            ask("POST", "/orders", {"customer": 9, "total": 80, "coupon": coupon})
            shoppers(dice, 6)
            web.stop()
    for index, field in enumerate(("customer", "total", "body")):
        with recording.fault(
            "bad_request_data",
            severity="WARN",
            component=COMPONENT,
            evidence=[r'"POST /orders HTTP/1\.1" (?:400|422)'],
            description="A client sends orders that do not validate",
            values={"field": field},
        ):
            web = start_web(_pod(recording, index))
            shoppers(dice, 14)
            for step in range(12):
                good: dict[str, object] = {"customer": 3, "total": 8}
                ask("POST", "/orders", b"{broken" + bytes([48 + step]) if field == "body" else {**good, field: "n/a"})
            shoppers(dice, 6)
            web.stop()


def _cache_faults(recording: Recording, dice: random.Random) -> None:
    moods = {
        "maxmemory": (("--maxmemory", "500kb"), (), r"OutOfMemoryError: command not allowed|OOM command not allowed"),
        "read-only replica": (("--replicaof", "10.43.0.99 6379"), (), r"You can't write against a read only replica"),
        "failed snapshot": (("--save", "1 1", "--dir", "/srv/gone"), ("BGSAVE",), r"MISCONF"),
    }
    for index, (name, (options, command, evidence)) in enumerate(moods.items()):
        Path("/srv/gone").mkdir(exist_ok=True)
        cache = start_redis(*options)
        Path("/srv/gone").rmdir()
        if command:
            redis("SET", "a", "1")
            redis(*command)
            time.sleep(1)
        with recording.fault(
            "cache_write_refused",
            severity="ERROR",
            component=("cache", "redis"),
            evidence=[evidence],
            description=f"Redis refuses writes: {name}",
            values={"reason": name},
        ):
            web = start_web(_pod(recording, index))
            for _ in range(4):
                ask("GET", f"/orders/{dice.randrange(1, 400)}")
            ask("POST", f"/carts/{dice.randrange(4096):04x}/sku-7")
            ask("GET", "/healthz")
            web.stop()
        cache.kill()
        cache.wait()
    for index in range(3):
        with recording.fault(
            "upstream_refused",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"redis\.exceptions\.ConnectionError: Error 111"],
            description="Redis does not listen",
            values={"port": str(6379 + index)},
        ):
            web = start_web(_pod(recording, index), REDIS_URL=f"redis://redis:{6379 + index}/0")
            ask("GET", f"/orders/{dice.randrange(1, 400)}")
            ask("POST", f"/carts/{dice.randrange(4096):04x}/sku-{index}")
            ask("GET", "/healthz")
            web.stop()
