"""A tunnel carries requests to the pod, several at once, and ends with its block."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import pod_http, service_tunnel
from ansible_collections.homelab.log_intelligence.plugins.module_utils.cluster_api import ClusterError

AT_ONCE = 3
ANSWER = b"x" * 300_000  # more than one chunk


class _Pod(BaseHTTPRequestHandler):
    meeting = threading.Barrier(AT_ONCE, timeout=10)

    def do_GET(self) -> None:
        self.meeting.wait()  # no request is answered before all have come
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_words: object) -> None:
        """Silent."""


def test_requests_at_once_reach_the_pod_and_the_port_is_closed_after(monkeypatch: pytest.MonkeyPatch) -> None:
    api: Any = None
    with ThreadingHTTPServer(("127.0.0.1", 0), _Pod) as pod:
        threading.Thread(target=pod.serve_forever, daemon=True).start()
        monkeypatch.setattr(service_tunnel, "ready_pod", lambda *_: ("pod", pod.server_address[1]))
        monkeypatch.setattr(
            service_tunnel, "open_socket", lambda *given: socket.create_connection(("127.0.0.1", given[3]))
        )
        with service_tunnel.tunnel(api, "llm", "llama-cpp", 8080) as address, ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(lambda _: httpx.get(address, timeout=20).content, range(AT_ONCE)))
        pod.shutdown()

    assert answers == [ANSWER] * AT_ONCE
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=5)


class _Slices:
    """An API with one endpoint of the Service, ready or not."""

    def __init__(self, *, ready: bool) -> None:
        endpoint = {"targetRef": {"kind": "Pod", "name": "a"}, "conditions": {"ready": ready}}
        self._slices = [{"ports": [{"name": "http", "port": 18080}], "endpoints": [endpoint]}]

    def get(self, path: str, **_query: str) -> dict[str, Any]:
        if "endpointslices" in path:
            return {"items": self._slices}
        return {"spec": {"ports": [{"name": "http", "port": 8080}]}}


def test_only_a_ready_pod_is_taken_with_the_port_of_its_container() -> None:
    ready: Any = _Slices(ready=True)
    starting: Any = _Slices(ready=False)

    assert pod_http.ready_pod(ready, "llm", "llama-cpp", 8080) == ("a", 18080)
    with pytest.raises(ClusterError, match="No pod is ready"):
        pod_http.ready_pod(starting, "llm", "llama-cpp", 8080)
    with pytest.raises(ClusterError, match="no port 9"):
        pod_http.ready_pod(ready, "llm", "llama-cpp", 9)
