"""YAML in which every value knows its line, and the collecting of all that is wrong with it.

Nothing is constructed from YAML tags; size, depth and aliases are bounded, so a hostile file can
cost no more than a large one.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from schemas.settings import ConfigurationError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20
MAX_ALIASES = 100
MAX_NODES = 100_000  # with aliases followed

T = TypeVar("T")


class Problem(msgspec.Struct, frozen=True, order=True):
    """One mistake in a file: where it stands, and what would be allowed."""

    file: str
    line: int  # from 1
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class SiteFileError(ConfigurationError):
    """A site file is wrong; `errors` holds every mistake in it, in order of lines."""

    def __init__(self, errors: Iterable[Problem]) -> None:
        self.errors = sorted(set(errors))
        super().__init__("\n".join(map(str, self.errors)))


class Problems:
    """Mistakes found so far in one file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.found: list[Problem] = []

    def add(self, at: Node | int, message: str) -> None:
        line = at if isinstance(at, int) else line_of(at)
        self.found.append(Problem(self._file, line, message))

    def raise_any(self) -> None:
        """Raises SiteFileError if there are any."""
        if self.found:
            raise SiteFileError(self.found)


def line_of(node: Node) -> int:
    return int(node.start_mark.line) + 1


class Section:
    """One mapping of the file. What it does not allow is reported when it is opened."""

    def __init__(
        self, node: Node | None, name: str, allowed: Sequence[str], problems: Problems, line: int
    ) -> None:
        self.name = name
        self.line = line
        self.problems = problems
        self._values: dict[str, Node] = {}
        if node is None:
            return
        for key, key_node, value in entries(node, name, problems):
            if key in allowed:
                self._values[key] = value
            else:
                problems.add(key_node, unknown("key", key, f" in {name}" if name else "", allowed))

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def node(self, key: str) -> Node | None:
        return self._values.get(key)

    def open(self, key: str, allowed: Sequence[str]) -> Section:
        """The mapping under a key; an empty one where there is none."""
        node = self._values.get(key)
        line = line_of(node) if node else self.line
        return Section(
            node, f"{self.name}.{key}" if self.name else key, allowed, self.problems, line
        )

    def read(self, key: str, convert: Callable[[str], T], default: T) -> T:
        """One value. `convert` raises ValueError saying what is allowed."""
        node = self._values.get(key)
        if node is None:
            return default
        found = self._convert(node, convert, key)
        return default if found is None else found

    def need(self, key: str, convert: Callable[[str], T], default: T) -> T:
        """One value that must be there; `default` stands in when it is not, or is wrong."""
        if key not in self._values:
            self.problems.add(self.line, f"{self.name} needs '{key}'")
        return self.read(key, convert, default)

    def many(
        self, key: str, convert: Callable[[str], T], default: tuple[T, ...] = ()
    ) -> tuple[T, ...]:
        """A list, or a single value standing for a list of one; each value once."""
        node = self._values.get(key)
        if node is None or is_null(node):
            return default
        found: dict[T, None] = {}
        for item in items(node):
            value = self._convert(item, convert, key)
            if value is not None and value in found:
                self.problems.add(item, f"{key} in {self.name}: {text_of(item)!r} stands twice")
            elif value is not None:
                found[value] = None
        return tuple(found)

    def _convert(self, node: Node, convert: Callable[[str], T], key: str) -> T | None:
        where = f"{key} in {self.name}" if self.name else key
        try:
            return convert(text_of(node))
        except ValueError as error:
            self.problems.add(node, f"{where}: {error}")
            return None


def text_of(node: Node) -> str:
    """A scalar as it is written: what YAML takes for a number, time or truth stays that text.

    Raises ValueError for a list, a mapping and nothing at all.
    """
    if not isinstance(node, ScalarNode):
        kind = "list" if isinstance(node, SequenceNode) else "mapping"
        raise ValueError(f"expected one value, not a {kind}")
    if is_null(node):
        raise ValueError("the value is missing")
    return str(node.value)


def is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def items(node: Node) -> list[Node]:
    """The items of a list, none of a null; of anything else, itself."""
    if is_null(node):
        return []
    return list(node.value) if isinstance(node, SequenceNode) else [node]


def entries(node: Node, name: str, problems: Problems) -> list[tuple[str, Node, Node]]:
    """Keys with their nodes and values; anything but a mapping is a problem, or empty if null."""
    if is_null(node):
        return []
    if not isinstance(node, MappingNode):
        problems.add(node, f"{name or 'the file'} must be a mapping of keys to values")
        return []
    found: dict[str, tuple[str, Node, Node]] = {}
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            problems.add(key, f"a key in {name or 'the file'} must be a single word")
        elif (first := found.get(key.value)) is not None:
            where = f" in {name}" if name else ""
            message = f"key '{key.value}' stands twice{where}, first on line {line_of(first[1])}"
            problems.add(key, message)
        else:
            found[key.value] = (key.value, key, value)
    return list(found.values())


def unknown(what: str, given: str, where: str, allowed: Iterable[str]) -> str:
    """`unknown key 'foo' in session; allowed: gap, cut_on` with a guess at what was meant."""
    names = list(allowed)
    near = difflib.get_close_matches(given, names, n=1)
    guess = f" (did you mean '{near[0]}'?)" if near else ""
    return f"unknown {what} '{given}'{where}{guess}; allowed: {', '.join(names) or 'nothing'}"


def compose(path: Path, problems: Problems) -> Node | None:
    """The file's root, None for an empty file. Raises SiteFileError where it is no usable YAML."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        problems.add(1, f"cannot be read: {error.strerror or error}")
        raise SiteFileError(problems.found) from error
    if len(raw) > MAX_BYTES:
        problems.add(1, f"larger than {MAX_BYTES // 1024} KB")
    problems.raise_any()
    try:
        text = raw.decode("utf-8-sig")
        _look_over(text, problems)
        problems.raise_any()
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        problems.add(raw.count(b"\n", 0, error.start) + 1, "not UTF-8")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        problems.add(line, "a character that YAML does not allow")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.add(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}")
    except ValueError as error:  # PyYAML takes some rubbish apart before it checks it
        problems.add(1, f"not YAML: {error}")
    problems.raise_any()
    if root is not None:
        _bound(root, problems)
        problems.raise_any()
    return root


def _look_over(text: str, problems: Problems) -> None:
    """Tags, depth and aliases, event by event: composing recurses, this does not."""
    depth = aliases = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        if (tag := getattr(event, "tag", None)) is not None:
            problems.add(line, f"YAML tag '{tag}' is not allowed here")
        if depth > MAX_DEPTH:
            problems.add(line, f"nested more than {MAX_DEPTH} deep")
            return
        if aliases > MAX_ALIASES:
            problems.add(line, f"more than {MAX_ALIASES} aliases")
            return


def _bound(root: Node, problems: Problems) -> None:
    """An alias may repeat much, or itself: walked once with a budget."""
    left = MAX_NODES
    waiting: list[tuple[Node, int]] = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        left -= 1
        if depth > MAX_DEPTH or left < 0:
            problems.add(node, "aliases that repeat themselves")
            return
        if isinstance(node, SequenceNode):
            waiting += [(child, depth + 1) for child in node.value]
        elif isinstance(node, MappingNode):
            waiting += [(child, depth + 1) for pair in node.value for child in pair]
