# mypy: ignore-errors
# ruff: noqa
# (an ordinary application under observation: it runs in an environment of its own and is not part of this project)
"""Takes invoices from a Redis list, charges them at the payment service and keeps receipts: python worker.py

Logs one JSON object a line.
"""

import gzip
import json
import logging
import os
import socket
import sys
import threading
import time
import traceback
from pathlib import Path

import httpx
import redis

OPEN_FILES = []


class JsonFormatter(logging.Formatter):
    def format(self, record):
        fields = {
            "ts": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
        }
        fields.update(getattr(record, "fields", {}))
        if record.exc_info:
            fields["error"] = f"{record.exc_info[0].__name__}: {record.exc_info[1]}"
            fields["stack"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(fields)


log = logging.getLogger("invoice.worker")


def say(level, message, **fields):
    log.log(level, message, extra={"fields": fields}, exc_info=level >= logging.ERROR and sys.exc_info()[0] is not None)


class Breaker:
    """Stops calling after three failures in a row, for a second."""

    def __init__(self):
        self.failures = 0
        self.closed_until = 0.0

    def check(self):
        if time.monotonic() < self.closed_until:
            raise RuntimeError("circuit breaker for payment service is open")

    def failed(self):
        self.failures += 1
        if self.failures == 3:
            self.closed_until = time.monotonic() + 1
            say(logging.WARNING, "circuit breaker opened", failures=self.failures)
            self.failures = 0


class Worker:
    def __init__(self):
        self.queue = redis.Redis.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/1"), socket_timeout=3)
        self.url = os.environ.get("PAYMENT_URL", "http://127.0.0.1:9400")
        ca = os.environ.get("PAYMENT_CA")
        headers = {"Authorization": f"Bearer {os.environ.get('PAYMENT_TOKEN', 'none')}"}
        self.http = httpx.Client(timeout=1.0, verify=ca or True, headers=headers)
        self.receipts = Path(os.environ.get("RECEIPTS", "/data/receipts"))
        self.breaker = Breaker()
        self.done = 0

    def charge(self, invoice):
        self.breaker.check()
        for attempt in (1, 2):
            response = self.http.post(f"{self.url}/charges", json=invoice)
            if response.status_code == 503 and attempt == 1:
                say(logging.WARNING, "payment service busy, retrying", invoice=invoice["id"], attempt=attempt)
                time.sleep(0.05)
                continue
            response.raise_for_status()
            if attempt > 1:
                say(logging.INFO, "charge succeeded after retry", invoice=invoice["id"], attempts=attempt)
            return response.json()["charge"]
        return None

    def keep(self, invoice, charge):
        self.receipts.mkdir(parents=True, exist_ok=True)
        path = self.receipts / f"{invoice['id']}.json.gz"
        text = json.dumps({**invoice, "charge": charge, "lines": invoice.get("lines", [])})
        with path.open("wb") as file, gzip.GzipFile(fileobj=file, compresslevel=0) as packed:
            packed.write(text.encode() + os.urandom(int(invoice.get("attachment", 0))))
        return path

    def special(self, invoice):
        """Invoices that need more than a charge."""
        kind = invoice.get("kind")
        if kind == "render":
            say(logging.INFO, "rendering pdf pages", invoice=invoice["id"], pages=invoice["pages"])
            pages = [bytearray(1 << 20) for _ in range(invoice["pages"])]
            say(logging.INFO, "pdf rendered", invoice=invoice["id"], bytes=sum(map(len, pages)))
        elif kind == "parallel":
            barrier = threading.Event()
            threads = [threading.Thread(target=barrier.wait, args=(5,)) for _ in range(invoice["threads"])]
            try:
                for thread in threads:
                    thread.start()
            finally:
                barrier.set()
        elif kind == "bundle":
            OPEN_FILES.extend(
                self.keep({**invoice, "id": f"{invoice['id']}-{n}"}, "b").open() for n in range(invoice["parts"])
            )
            OPEN_FILES.clear()
        elif kind == "native":
            import ctypes

            say(logging.INFO, "stamping with libstamp", invoice=invoice["id"], address=hex(invoice["address"]))
            ctypes.string_at(invoice["address"])

    def one(self, raw):
        invoice = json.loads(raw)
        began = time.monotonic()
        self.special(invoice)
        charge = self.charge(invoice)
        path = self.keep(invoice, charge)
        self.done += 1
        taken = round((time.monotonic() - began) * 1000, 1)
        say(logging.INFO, "invoice charged", invoice=invoice["id"], amount=invoice["amount"], charge=charge, ms=taken)
        say(logging.DEBUG, "receipt stored", path=str(path), size=path.stat().st_size)

    def run(self):
        say(logging.INFO, "worker ready", host=socket.gethostname(), queue="invoices", payment=self.url)
        idle = 0
        while True:
            item = self.queue.blpop("invoices", timeout=1)
            if item is None:
                idle += 1
                say(logging.DEBUG, "queue empty", idle_rounds=idle, done=self.done, errors=0)
                continue
            if item[1] == b"stop":
                say(logging.INFO, "stop requested, leaving", done=self.done)
                return
            try:
                self.one(item[1])
            except httpx.HTTPError:
                self.breaker.failed()
                say(logging.ERROR, "charge failed", payload=item[1].decode()[:120], target=self.url)
            except json.JSONDecodeError as error:
                say(
                    logging.WARNING,
                    "invoice rejected",
                    reason=str(error),
                    payload=item[1].decode(errors="replace")[:80],
                )
            except (KeyError, TypeError, ValueError) as error:
                say(logging.WARNING, "invoice rejected", reason=f"{type(error).__name__}: {error}")
            except Exception:
                say(logging.ERROR, "invoice failed", payload=item[1].decode(errors="replace")[:120])


def main():
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], level=os.environ.get("LOG_LEVEL", "DEBUG"))
    logging.getLogger("httpcore").setLevel("INFO")
    say(logging.INFO, "worker starting", version="1.14.0", python=sys.version.split()[0])
    Worker().run()


if __name__ == "__main__":
    main()
