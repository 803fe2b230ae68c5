"""Runs llama.cpp's own HTTP server in the foreground: `python -m k8s_log_agent.llm.local_server --config FILE.json`.

The server comes from the wheel `xllamacpp`, which carries llama.cpp inside this process, or from a `llama-server`
program that takes this process's place. Either way one process serves, answers SIGTERM by finishing cleanly, and logs
to stderr.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

LLAMA_SERVER = "llama-server"
# Weights are read into memory and not mapped: a file that is altered or cut short under a running server would
# otherwise change its answers or kill it. New builds know the first name, old ones the second; both ignore the other.
LLAMA_SERVER_ENVIRONMENT = {"LLAMA_ARG_LOAD_MODE": "none", "LLAMA_ARG_NO_MMAP": "1"}


class EngineMissingError(RuntimeError):
    """Neither form of llama.cpp that the configuration allows is on this machine; the text says what to install."""


class ServerConfig(BaseModel):
    """What a server is started with. Sizes in tokens unless the name says otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Path
    alias: str
    engine: Literal["auto", "xllamacpp", "llama-server"] = "xllamacpp"
    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    threads: int = Field(ge=1)
    threads_batch: int = Field(ge=1)
    slots: int = Field(ge=1)
    context_size: int = Field(ge=1, description="Tokens of all slots together.")
    batch_size: int = Field(default=2048, ge=1)
    microbatch_size: int = Field(default=512, ge=1)
    prompt_cache_mib: int = Field(default=0, ge=0, description="RAM for finished prompts, in MiB; 0 switches it off.")
    embedding: bool = False


def choose_engine(
    config: ServerConfig, *, importable: bool, program: str | None
) -> Literal["xllamacpp", "llama-server"]:
    """The engine to run: the one asked for; with `auto` the wheel first, then a `llama-server` on PATH."""
    if config.engine in ("auto", "xllamacpp") and importable:
        return "xllamacpp"
    if config.engine in ("auto", "llama-server") and program:
        return "llama-server"
    mend = {
        "xllamacpp": f"install the wheel with `{sys.executable} -m pip install xllamacpp`",
        "llama-server": "put llama.cpp's `llama-server` on PATH (Debian: apt-get install llama.cpp)",
    }
    wanted = list(mend) if config.engine == "auto" else [config.engine]
    raise EngineMissingError(
        f"llama.cpp is not here as {' or '.join(wanted)}: {', or '.join(mend[name] for name in wanted)}."
    )


def llama_server_arguments(config: ServerConfig) -> list[str]:
    """The command line that gives `llama-server` the same settings; every default that has ever moved is stated."""
    arguments = [LLAMA_SERVER, "--model", str(config.model), "--alias", config.alias]
    arguments += ["--host", config.host, "--port", str(config.port)]
    arguments += ["--threads", str(config.threads), "--threads-batch", str(config.threads_batch)]
    arguments += ["--parallel", str(config.slots), "--ctx-size", str(config.context_size)]
    arguments += ["--batch-size", str(config.batch_size), "--ubatch-size", str(config.microbatch_size)]
    arguments += ["--cache-ram", str(config.prompt_cache_mib), "--metrics", "--slots", "--offline"]
    return [*arguments, "--embedding"] if config.embedding else arguments


def serve_with_xllamacpp(config: ServerConfig, wait: Callable[[], object]) -> None:
    """Serves until `wait` returns, then closes the server and its threads."""
    import xllamacpp  # type: ignore[import-untyped] # noqa: PLC0415 - the wheel has no types; half a second to load

    params = xllamacpp.CommonParams()
    params.model.path = str(config.model)
    params.model_alias = {config.alias}
    params.hostnames = [config.host]
    params.port = config.port
    params.cpuparams.n_threads = config.threads
    params.cpuparams_batch.n_threads = config.threads_batch
    params.n_parallel = config.slots
    params.n_ctx = config.context_size
    params.n_batch = config.batch_size
    params.n_ubatch = config.microbatch_size
    params.cache_ram_mib = config.prompt_cache_mib
    params.embedding = config.embedding
    params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    params.endpoint_metrics = True
    params.endpoint_slots = True
    params.fit_params = False  # the context is what was asked for, or the start fails
    params.offline = True
    params.ui = False
    server = xllamacpp.Server(params)
    print(f"serving {config.alias} at {server.listening_address}", file=sys.stderr, flush=True)
    wait()
    del server


def _wait_for_stop_signal() -> None:
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


def _become_llama_server(config: ServerConfig, program: str) -> NoReturn:
    environment = {**os.environ, **LLAMA_SERVER_ENVIRONMENT}
    # This process hands its place, and its pid, over.
    os.execve(program, llama_server_arguments(config), environment)  # noqa: S606 - no shell, a fixed program


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 after a stop signal, 1 when the server could not start, 2 for a bad configuration."""
    parser = argparse.ArgumentParser(prog="python -m k8s_log_agent.llm.local_server", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="JSON file with the fields of ServerConfig")
    path: Path = parser.parse_args(arguments).config
    try:
        config = ServerConfig.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        print(f"local_server: {path} cannot be used as a configuration: {error}", file=sys.stderr)
        return 2
    program = shutil.which(LLAMA_SERVER)
    try:
        engine = choose_engine(config, importable=importlib.util.find_spec("xllamacpp") is not None, program=program)
        if engine == "llama-server" and program:
            _become_llama_server(config, program)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        serve_with_xllamacpp(config, _wait_for_stop_signal)
    except (EngineMissingError, RuntimeError, OSError) as error:
        print(f"local_server: the server did not start: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
