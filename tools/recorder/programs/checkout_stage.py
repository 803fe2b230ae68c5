"""The stage of the checkout service and its worker: packages, database, cache, payment service."""

from __future__ import annotations

import json
import random
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tools.recorder.certificates import Issued
from tools.recorder.privacy import CHECKOUT
from tools.recorder.programs.postgresql_stage import BINARIES
from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import background, client, wait_for_port

APP = CHECKOUT / "tools" / "recorder" / "apps" / "python_checkout"
PACKAGES = (
    "fastapi==0.118.0",
    "uvicorn==0.38.0",
    "psycopg[binary]==3.3.9",
    "psycopg_pool==3.3.3",
    "redis==7.0.1",
    "httpx==0.28.1",
)
SITE = Path("/usr/local/lib/python3.11/dist-packages")
EVERYWHERE = "0.0.0.0"  # noqa: S104 -- the sandbox has only loopback
DATABASE = "postgresql://shop:pw@postgres:5432/shop"
PYTHON = "/usr/bin/python3"


def install(cache: Path) -> None:
    """Put the application's packages into the cache; a second call with the same list does nothing."""
    mark = cache / "packages.json"
    if mark.exists() and json.loads(mark.read_text()) == list(PACKAGES):
        return
    uv = CHECKOUT / ".venv" / "bin" / "uv"
    shutil.rmtree(cache / "site", ignore_errors=True)
    command = [str(uv), "pip", "install", "--quiet", "--python", PYTHON, "--target", str(cache / "site"), *PACKAGES]
    subprocess.run(command, check=True, timeout=300)
    mark.write_text(json.dumps(list(PACKAGES)))


def place(recording: Recording) -> None:
    """Copy the application to /app and its packages to where Debian's Python finds them."""
    shutil.copytree(APP, "/app", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(recording.cache / "site", SITE, dirs_exist_ok=True)
    recording.sandbox.name("postgres", "10.43.0.21")
    recording.sandbox.name("redis", "10.43.0.22")


class Database:
    """A PostgreSQL that belongs to the scene."""

    def __init__(self) -> None:
        Path("/srv/pg").mkdir()
        shutil.chown("/srv/pg", "postgres", "postgres")
        Path("/srv/pw").write_text("pw\n", encoding="ascii")
        client(f"{BINARIES}/initdb", "-D", "/srv/pg", "-A", "scram-sha-256", "-U", "shop", "--pwfile=/srv/pw",
               "--no-sync", user="postgres", seconds=60)  # fmt: skip
        self.start()
        for _ in range(40):
            if "CREATE" in self.sql("CREATE DATABASE shop;", "postgres"):
                break
            time.sleep(0.2)
        columns = "id serial PRIMARY KEY, customer int, total numeric, placed timestamptz DEFAULT now()"
        self.sql(f"CREATE TABLE orders ({columns});")
        self.sql("INSERT INTO orders (customer, total) SELECT i, i % 97 FROM generate_series(1, 500) i;")

    def start(self) -> None:
        """Start it and wait for its port."""
        options = ["-c", "listen_addresses=*", "-c", "unix_socket_directories=/tmp", "-c", "max_connections=30"]
        hba = Path("/srv/pg/pg_hba.conf")
        hba.write_text("host all all 0.0.0.0/0 scram-sha-256\n")
        self.process = background(f"{BINARIES}/postgres", "-D", "/srv/pg", *options, user="postgres")
        wait_for_port(5432)

    def stop(self) -> None:
        """Stop it at once."""
        self.process.send_signal(2)
        self.process.wait(20)

    def sql(self, text: str, database: str = "shop") -> str:
        """Run statements."""
        return client(
            "psql", "-h", "127.0.0.1", "-U", "shop", "-d", database, "-f", "-", text=text, env={"PGPASSWORD": "pw"}
        )


class Payment(BaseHTTPRequestHandler):
    """A payment service whose mood the script sets."""

    mood = "good"
    charges = 0

    def do_POST(self) -> None:
        """Charge, or fail as told."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        cls = type(self)
        cls.charges += 1
        if cls.mood == "slow":
            time.sleep(1.6)
        if cls.mood == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        busy = cls.mood == "good" and cls.charges % 23 == 0
        status = 503 if busy else int(cls.mood) if cls.mood.isdigit() else 200
        body = json.dumps({"charge": f"ch_{cls.charges:06d}", "status": status}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def finish(self) -> None:
        """Ending a reset connection is no error here."""
        try:
            super().finish()
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class QuietServer(ThreadingHTTPServer):
    """Does not print when a client or a reset ends a connection."""

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


def payment_service(port: int = 9400, issued: Issued | None = None) -> QuietServer:
    """Start a payment service, encrypted when a certificate is given."""
    server = QuietServer((EVERYWHERE, port), Payment)
    if issued:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def start_redis(*options: str, port: int = 6379) -> subprocess.Popen[bytes]:
    """A Redis that belongs to the scene."""
    base = ["--port", str(port), "--save", "", "--bind", EVERYWHERE, "--protected-mode", "no", "--dir", "/srv"]
    process = background("redis-server", *base, *options)
    wait_for_port(port)
    return process


def redis(*command: str, text: str | None = None) -> str:
    """One command to the scene's Redis."""
    return client("redis-cli", *command, text=text)


def start_web(pod: Pod, *, wait: str = "Uvicorn running", **env: str) -> RunningProgram:
    """Start the service behind its entrypoint."""
    values = {"DATABASE_URL": DATABASE, "REDIS_URL": "redis://redis:6379/0", **env}
    running = pod.run(["bash", "/app/entrypoint.sh", PYTHON, "web.py"], env=values, cwd="/app")
    if wait:
        running.wait_for(wait, 30)
    return running


def ask(method: str, path: str, body: object = None, port: int = 8000) -> int:
    """One request to the service; returns the status, 0 when there was none."""
    connection = HTTPConnection("127.0.0.1", port, timeout=6)
    try:
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        connection.request(method, path, body=data, headers={"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
    except (OSError, HTTPException):
        return 0
    else:
        return response.status
    finally:
        connection.close()


def shoppers(dice: random.Random, count: int) -> None:
    """Ordinary requests, some for orders that do not exist."""
    for _ in range(count):
        match dice.randrange(8):
            case 0 | 1:
                ask("GET", f"/orders/{dice.randrange(1, 560)}")
            case 2 | 3:
                ask("POST", "/orders", {"customer": dice.randrange(1, 900), "total": dice.randrange(100, 9000) / 10})
            case 4 | 5:
                ask("POST", f"/carts/{dice.randrange(4096):04x}/sku-{dice.randrange(99)}")
            case 6:
                ask("GET", "/healthz")
            case _:
                ask("GET", f"/report?seconds=0.{dice.choice([0, 0, 1, 5])}5")
