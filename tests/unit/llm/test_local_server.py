from __future__ import annotations

from pathlib import Path

import pytest

from k8s_log_agent.llm.local_server import EngineMissingError, ServerConfig, choose_engine, llama_server_arguments, main

CONFIG = ServerConfig(
    model=Path("/m.gguf"), alias="m", port=18080, threads=2, threads_batch=2, slots=2, context_size=8192
)


@pytest.mark.parametrize(
    ("asked", "importable", "program", "chosen"),
    [
        ("xllamacpp", True, "/usr/bin/llama-server", "xllamacpp"),
        ("auto", True, "/usr/bin/llama-server", "xllamacpp"),
        ("auto", False, "/usr/bin/llama-server", "llama-server"),
        ("llama-server", True, "/usr/bin/llama-server", "llama-server"),
    ],
)
def test_the_engine_is_the_one_asked_for(asked: str, importable: bool, program: str | None, chosen: str) -> None:
    config = CONFIG.model_copy(update={"engine": asked})

    assert choose_engine(config, importable=importable, program=program) == chosen


@pytest.mark.parametrize("asked", ["auto", "xllamacpp", "llama-server"])
def test_a_missing_engine_is_named_with_how_to_get_it(asked: str) -> None:
    config = CONFIG.model_copy(update={"engine": asked})

    with pytest.raises(EngineMissingError, match=r"pip install|apt-get install"):
        choose_engine(config, importable=False, program=None)


def test_every_setting_reaches_the_command_line() -> None:
    words = llama_server_arguments(CONFIG)
    pairs = dict(zip(words[1::2], words[2::2], strict=False))

    assert pairs["--host"] == "127.0.0.1"
    assert pairs["--port"] == "18080"
    assert pairs["--parallel"] == "2"
    assert pairs["--ctx-size"] == "8192"
    assert pairs["--cache-ram"] == "0"


def test_a_bad_configuration_is_one_message_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.json").write_text('{"port": 0}')

    assert main(["--config", str(tmp_path / "c.json")]) == 2
    assert "cannot be used as a configuration" in capsys.readouterr().err
