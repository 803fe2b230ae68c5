from __future__ import annotations

from pathlib import Path

import pytest

from k8s_log_agent.llm.prompt_templates import Prompt, PromptError


def test_a_directory_of_prompts_takes_the_place_of_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "triage.j2").write_text(
        "{% block version %}7{% endblock %}{% block system %}Hello {{ who }}{% endblock %}"
    )

    prompt = Prompt("triage", tmp_path)

    assert prompt.render("system", who="you") == "Hello you"
    assert prompt.version.startswith("triage-7-")
    assert Prompt("triage").version != prompt.version


def test_a_shipped_prompt_is_used_where_the_directory_has_none(tmp_path: Path) -> None:
    assert Prompt("triage", tmp_path).version == Prompt("triage").version


def test_the_version_tells_two_texts_of_one_number_apart(tmp_path: Path) -> None:
    file = tmp_path / "own.j2"
    versions = set()
    for text in ("one", "two"):
        file.write_text("{% block version %}1{% endblock %}" + text)
        versions.add(Prompt("own", tmp_path).version)

    assert len(versions) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{% block system %}", "cannot be used"),
        ("{% block system %}x{% endblock %}", "no block version"),
        ("{% block version %}1{% endblock %}", "no block system"),
        ("{% block version %}1{% endblock %}{% block system %}{{ missing }}{% endblock %}", "'missing' is undefined"),
        ("{% block version %}1{% endblock %}{% block system %}{{ ''.__class__.__mro__ }}{% endblock %}", "unsafe"),
    ],
)
def test_a_prompt_that_cannot_be_used_says_why(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "own.j2").write_text(text)

    with pytest.raises(PromptError, match=said):
        Prompt("own", tmp_path).render("system")


def test_a_prompt_that_is_not_there_is_named() -> None:
    with pytest.raises(PromptError, match=r"absent\.j2"):
        Prompt("absent")
