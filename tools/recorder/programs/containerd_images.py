"""A registry on loopback with small images made here: one layer with busybox in it, and one of another architecture."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

from tools.recorder.upstream import Answer, Upstream

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
ARM = b"\xb7\x00"  # e_machine of AArch64, at offset 18 of an ELF file


class Registry:
    """The registry's content and, through `refusal`, its mood; `names` are the images that are served in health."""

    def __init__(self, port: int) -> None:
        self.names = ["shop/web:1.0", "shop/web:1.1", "shop/cart:2.4", "shop/db-migrate:7", "tools/debug:latest"]
        self.refusal: Answer | None = None
        self.spoiled = b""
        self._content: dict[str, tuple[str, bytes]] = {}
        busybox = Path("/bin/busybox").read_bytes()
        for number, name in enumerate([*self.names, "pause:3.9", "shop/big:1"]):
            command = ["/bin/busybox", "sleep", "86400"] if name.startswith("pause") else ["/bin/busybox", "true"]
            size = 24_000_000 if name == "shop/big:1" else 1000
            self._image(
                name, [("bin/busybox", busybox), ("etc/build", b"%d" % number), ("data/pad", b"p" * size)], command
            )
        self._image("shop/arm:1.0", [("bin/busybox", busybox[:18] + ARM + busybox[20:])], ["/bin/busybox", "true"])
        self.server: Upstream | None = None
        self._port = port
        self.open()

    def open(self) -> None:
        """Start to listen."""
        self.server = Upstream(self._port, self.answer, host="0.0.0.0")  # noqa: S104 -- the sandbox has only loopback

    def close(self) -> None:
        """Stop to listen."""
        if self.server:
            self.server.close()
            self.server = None

    def answer(self, _method: str, path: str) -> Answer:
        """The distribution API as far as a pull needs it."""
        if self.refusal:
            return self.refusal
        if path.rstrip("/") == "/v2":
            return Answer(200, "{}")
        key = path.removeprefix("/v2/").split("?", maxsplit=1)[0].replace("/manifests/", ":").replace("/blobs/", "@")
        found = self._content.get(key) or self._content.get(key.split("@", maxsplit=1)[-1])
        if found is None and ":sha256:" in key:
            found = self._content.get("sha256:" + key.rsplit(":", 1)[1])
        if found is None:
            error = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown", "detail": key}]}
            return Answer(404, json.dumps(error), headers=(("content-type", "application/json"),))
        kind, content = found
        if self.spoiled and kind.endswith("gzip"):
            content = content[: -len(self.spoiled)] + self.spoiled
        digest = "sha256:" + hashlib.sha256(found[1]).hexdigest()
        return Answer(200, content, headers=(("content-type", kind), ("docker-content-digest", digest)))

    def _image(self, name: str, files: list[tuple[str, bytes]], command: list[str]) -> None:
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode="w") as archive:
            for path, content in files:
                entry = tarfile.TarInfo(path)
                entry.size, entry.mode = len(content), 0o755
                archive.addfile(entry, io.BytesIO(content))
        packed = gzip.compress(layer.getvalue(), 1, mtime=0)
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Cmd": command},
                "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer.getvalue()).hexdigest()]},
            }
        ).encode()
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": self._keep("application/vnd.docker.container.image.v1+json", config),
                "layers": [self._keep("application/vnd.docker.image.rootfs.diff.tar.gzip", packed)],
            }
        ).encode()
        self._keep(MANIFEST, manifest)
        self._content[name] = (MANIFEST, manifest)

    def _keep(self, kind: str, content: bytes) -> dict[str, object]:
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        self._content[digest] = (kind, content)
        return {"mediaType": kind, "size": len(content), "digest": digest}
