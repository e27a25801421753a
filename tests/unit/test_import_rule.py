"""Rooms know the contracts and not one another (design.md section 7)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("schemas", "ingest", "streams", "sinks", "personalize_api")
OURS = (*ROOMS, "infra", "tests")


def imports(file: Path) -> set[str]:
    """Our top-level packages that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found & set(OURS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_itself_and_the_contracts(room: str) -> None:
    files = list((ROOT / room).rglob("*.py"))
    assert files
    wrong = {
        f"{file.relative_to(ROOT)} imports {', '.join(sorted(others))}"
        for file in files
        if (others := imports(file) - {room, "schemas"})
    }
    assert wrong == set()


def test_what_is_installed_does_not_import_the_tests() -> None:
    wrong = [file for file in (ROOT / "infra").rglob("*.py") if "tests" in imports(file)]
    assert wrong == []
