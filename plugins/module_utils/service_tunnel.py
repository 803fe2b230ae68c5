"""A port of this machine that leads to a pod of a Service through the API, closed when it is left."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from typing import Any

from .cluster_api import ClusterApi
from .pod_http import open_socket, ready_pod

_CHUNK_BYTES = 65536
_LOOK_SECONDS = 0.5


@contextlib.contextmanager
def tunnel(api: ClusterApi, namespace: str, service: str, port: int) -> Iterator[str]:
    """The address ``http://127.0.0.1:PORT`` of a ready pod behind the Service. Raises ClusterError when none is ready.

    Each connection has a tunnel of its own, so requests at the same time do not wait for each other.
    """
    pod, inner = ready_pod(api, namespace, service, port)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_LOOK_SECONDS)

        def accept() -> None:
            while not over.is_set():
                with contextlib.suppress(OSError):
                    local, _address = listener.accept()
                    threading.Thread(target=_carry, args=(local, api, pod, namespace, inner, over), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


def _carry(  # noqa: PLR0913, PLR0917 - both ends of one connection
    local: socket.socket, api: ClusterApi, pod: str, namespace: str, port: int, over: threading.Event
) -> None:
    """Copies between a connection and the pod until one of them ends; a pod that refuses ends the connection."""
    with local:
        try:
            remote = open_socket(api, namespace, pod, port)
        except Exception:  # noqa: BLE001 - the package raises errors of its own; the client sees a closed connection
            return
        try:
            _copy(local, remote, over)
        except OSError:
            return
        finally:
            with contextlib.suppress(OSError):
                remote.close()


def _copy(local: socket.socket, remote: Any, over: threading.Event) -> None:  # noqa: ANN401 - the package's stand-in of a socket
    """One thread for both ways. The package's socket has a file descriptor, so both can be waited for."""
    while not over.is_set():
        ready, _, _ = select.select([local, remote], [], [], _LOOK_SECONDS)
        for source in ready:
            data = source.recv(_CHUNK_BYTES)
            if not data:
                return
            (remote if source is local else local).sendall(data)
