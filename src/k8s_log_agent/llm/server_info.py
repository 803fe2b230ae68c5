"""What a llama.cpp server says of itself, and which of the processor's instructions its build uses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from k8s_log_agent.llm.cpu_features import CpuFeatures, build_features, host_features

_MARK = "system_info:"


@dataclass(frozen=True)
class ServerInfo:
    """`health` is ``ok``, ``loading`` or ``unreachable``; the other fields are empty unless it is ``ok``."""

    health: str
    detail: str
    models: tuple[dict[str, Any], ...] = ()
    slots: tuple[dict[str, Any], ...] = ()
    build: str = ""


def read_server(base_url: str, *, seconds: float = 10) -> ServerInfo:
    """Asks the server; a server that cannot be asked is an answer, too."""
    try:
        with httpx.Client(base_url=base_url, timeout=seconds) as http:
            health = http.get("/health")
            if health.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                return ServerInfo("loading", "the server is still loading its model")
            health.raise_for_status()
            return ServerInfo(
                health="ok",
                detail="",
                models=tuple(_model(entry) for entry in http.get("/v1/models").json()["data"]),
                slots=tuple(_slot(entry) for entry in http.get("/slots").json()),
                build=str(http.get("/props").json().get("build_info", "")),
            )
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        return ServerInfo("unreachable", f"{base_url} did not answer as a llama.cpp server does: {error}")


def read_cpu_features(log: Path | None) -> CpuFeatures:
    """The host's features, and the build's from the last `system_info` line of `log`, else from the wheel."""
    host = host_features(Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return CpuFeatures(host, build_features(_from_log(log) or _from_wheel()))


def _from_log(log: Path | None) -> str:
    if log is None or not log.is_file():
        return ""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if _MARK in line]
    return lines[-1].partition(_MARK)[2] if lines else ""


def _from_wheel() -> str:
    try:
        import xllamacpp  # type: ignore[import-untyped] # noqa: PLC0415 - the wheel has no types; half a second to load
    except ImportError:
        return ""
    return str(xllamacpp.get_system_info())


def _model(entry: dict[str, Any]) -> dict[str, Any]:
    meta = entry.get("meta") or {}
    return {
        "id": entry["id"],
        "parameter_count": meta.get("n_params"),
        "size_bytes": meta.get("size"),
        "training_context_tokens": meta.get("n_ctx_train"),
        "quantisation": meta.get("ftype"),
    }


def _slot(entry: dict[str, Any]) -> dict[str, Any]:
    return {"id": entry["id"], "context_tokens": entry["n_ctx"], "busy": bool(entry["is_processing"])}
