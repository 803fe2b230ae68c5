"""The stage of nginx's recording: its configuration, the application behind it and its visitors."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import threading
import time
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tools.recorder.recording import Pod
from tools.recorder.running import RunningProgram
from tools.recorder.steps import wait_for_port, write_file

AGENTS = ("Mozilla/5.0 (X11; Linux x86_64)", "kube-probe/1.31", "curl/8.5.0", "okhttp/4.12.0", "Prometheus/2.53.0")
PAGES = (
    "/",
    "/index.html",
    "/static/app.js",
    "/static/site.css",
    "/healthz",
    "/api/orders",
    "/api/orders/17",
    "/api/stock",
)
CONFIG = """
user www-data;
worker_processes 2;
pid /run/nginx.pid;
error_log /dev/stderr {level};
worker_rlimit_nofile {files};
events {{ worker_connections 256; {events} }}
http {{
  access_log /dev/stdout combined;
  client_body_temp_path /data/body; proxy_temp_path /data/proxy;
  fastcgi_temp_path /data/f; uwsgi_temp_path /data/u; scgi_temp_path /data/s;
  proxy_connect_timeout 1s; proxy_read_timeout 1s; resolver 10.43.0.10 valid=1s; resolver_timeout 2s;
  upstream orders {{ server {upstream} max_fails=0; }}
  {http}
  server {{
    listen {port}; server_name shop.example.org; root /srv/www; client_max_body_size {body};
    location /api/ {{ proxy_pass http://orders; proxy_set_header Host $host; }}
    location = /healthz {{ return 200 "ok"; }}
    {server}
  }}
}}
"""


class Orders(BaseHTTPRequestHandler):
    """The application behind nginx; it says nothing itself."""

    def do_GET(self) -> None:
        """Orders exist, `slow` ones take long, `broken` ones end the connection."""
        if "slow" in self.path:
            time.sleep(2)
        if "broken" in self.path:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = b'{"orders": []}' * (1 + len(self.path) % 9)
        with contextlib.suppress(OSError):
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        self.send_response(404 if "missing" in self.path else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """An order is placed."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def configure(**values: object) -> None:
    """Write nginx.conf from the template with defaults."""
    defaults: dict[str, object] = {"level": "info", "files": 1024, "upstream": "127.0.0.1:9000", "port": 8080}
    defaults |= {"body": "64k", "http": "", "server": "", "events": ""}
    write_file("/etc/nginx/nginx.conf", CONFIG.format(**{**defaults, **values}))


def start(pod: Pod, *, wait: int = 8080, **how: object) -> RunningProgram:
    """Start nginx in the foreground."""
    running = pod.run(["nginx", "-c", "/etc/nginx/nginx.conf", "-g", "daemon off;"], **how)  # type: ignore[arg-type]  # options of Pod.run, passed through
    if wait:
        wait_for_port(wait)
    return running


def visit(dice: random.Random, count: int, paths: tuple[str, ...] = PAGES, port: int = 8080) -> None:
    """Requests of mixed clients; answers do not matter here."""
    for _ in range(count):
        path = dice.choice(paths)
        if dice.random() < 0.3:
            path += f"?page={dice.randrange(50)}"
        get(path, dice.choice(AGENTS), port=port, method="POST" if dice.random() < 0.1 and "/api" in path else "GET")


def get(path: str, agent: str = AGENTS[2], *, port: int = 8080, method: str = "GET", body: bytes | None = None) -> None:
    """One request."""
    connection = HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request(method, path, body=body, headers={"User-Agent": agent, "Host": "shop.example.org"})
        connection.getresponse().read()
    except (OSError, HTTPException):
        return
    finally:
        connection.close()


def application(port: int = 9000) -> ThreadingHTTPServer:
    """Start the application behind nginx."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Orders)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def reload_with(pod: Pod, dice: random.Random, **values: object) -> None:
    """Start well, then reload with `values`, which nginx refuses; it goes on with what it had."""
    configure()
    running = start(pod)
    visit(dice, dice.randrange(8, 16))
    configure(**values)
    running.send_signal(signal.SIGHUP)
    running.wait_for(r"\[emerg\]", 30)
    visit(dice, 5)
    running.stop(signal.SIGQUIT)
