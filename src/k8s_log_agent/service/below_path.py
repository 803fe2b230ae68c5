"""Serves the application below a path of a gateway, whether or not the gateway takes the path off what it passes on."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class BelowPath:
    """Makes addresses that the application gives begin with `root_path`."""

    def __init__(self, app: ASGIApp, *, root_path: str) -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        root, path = self._root_path, scope.get("path", "")
        if root and scope["type"] == "http":
            whole = path if path == root or path.startswith(f"{root}/") else root + path
            scope = {**scope, "root_path": root, "path": whole}
        await self._app(scope, receive, send)
