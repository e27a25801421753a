"""The prepared questions of questions.sql: plain words, what to look for, and a query."""

from __future__ import annotations

from pathlib import Path

import msgspec

_FILE = Path(__file__).parent / "questions.sql"


class Question(msgspec.Struct, frozen=True):
    """`query` is one statement without the closing semicolon."""

    title: str
    note: str
    query: str


class Group(msgspec.Struct, frozen=True):
    title: str
    questions: tuple[Question, ...]


def load(path: Path = _FILE) -> tuple[Group, ...]:
    """Raises ValueError for a question without a group, a note or a query."""
    _, *parts = path.read_text().split("\n-- ## ")
    groups = []
    for part in parts:
        title, *questions = part.split("\n-- # ")
        groups.append(Group(title.strip(), tuple(map(_question, questions))))
    if not groups or not all(group.questions for group in groups):
        raise ValueError(f"{path.name}: a group without questions")
    return tuple(groups)


def _question(text: str) -> Question:
    title, *lines = text.strip().splitlines()
    notes = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
    query = "\n".join(line for line in lines if not line.startswith("--")).strip()
    if not notes or not query.endswith(";"):
        raise ValueError(f"a question needs a note and a query that ends with ;: {title}")
    return Question(title.strip(), " ".join(notes), query.removesuffix(";"))
