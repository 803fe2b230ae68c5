"""The package's rooms import only from rooms to their left."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[3] / "src" / "k8s_log_agent"
ORDER = ["records", "ingest", "understand", "dataset", "llm", "retrieval", "triage", "evaluation", "service"]
ORDER += ["commands", "cli"]
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem in ORDER)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which room is meant"
            base = node.module or ""
            names = [f"{base}.{alias.name}" for alias in node.names] if base == "k8s_log_agent" else [base]
        rooms.update(name.split(".")[1] for name in names if name.startswith("k8s_log_agent."))
    return rooms & set(ORDER)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_from_its_left(path: Path) -> None:
    here = ORDER.index(room_of(path))
    too_far = {room for room in imported_rooms(path) if ORDER.index(room) > here}
    assert not too_far, f"{path.relative_to(PACKAGE)} reaches right into {sorted(too_far)}"


def test_every_folder_of_the_package_is_a_known_room() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= set(ORDER)
