"""Our list of who sends visitors (`referrer_list.yaml`), read once and looked up by host."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec
import yaml

from schemas.event import Medium

_FILE = Path(__file__).with_name("referrer_list.yaml")
_GENERAL_DOMAINS = frozenset({"com", "org", "net", "info", "cat", "eu"})
_SECOND_LEVEL = frozenset({"co", "com", "org", "net", "ne", "or", "gov", "ac", "edu"})
_MAX_LABELS = 16


class KnownSource(msgspec.Struct, frozen=True):
    """One entry of the list. `terms`: the parameters that carry the search term."""

    medium: Medium
    source: str
    terms: tuple[str, ...] = ()
    path: str = ""  # holds only for paths that begin so


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    source: str
    hosts: list[str]
    terms: list[str] = []
    aliases: list[str] = []


class _List(msgspec.Struct):
    by_host: dict[str, tuple[KnownSource, ...]] = {}  # longest path first
    by_name: dict[str, tuple[KnownSource, ...]] = {}  # `google.*` under 'google'
    by_alias: dict[str, KnownSource] = {}  # what stands in utm_source, lower case


def known_source(host: str, path: str = "") -> KnownSource | None:
    """The entry with the longest match of a host (lower case) and path, if there is one."""
    listed = _load()
    labels = host.split(".")[-_MAX_LABELS:]
    endings = _endings(labels)
    for start in range(len(labels)):
        found = listed.by_host.get(".".join(labels[start:]), ())
        for end in endings:
            if start < end:
                found += listed.by_name.get(".".join(labels[start:end]), ())
        for source in found:
            if path.startswith(source.path):
                return source
    return None


def source_named(text: str) -> KnownSource | None:
    """The entry that a utm_source means: its name, an alias or its host."""
    text = text.strip().lower()
    return _load().by_alias.get(text) or (known_source(text) if "." in text else None)


def _endings(labels: list[str]) -> tuple[int, ...]:
    """Where the name before a public ending may end: before `de`, before `co.uk`."""
    last = labels[-1]
    if len(last) != 2 and last not in _GENERAL_DOMAINS:
        return ()
    if len(last) == 2 and len(labels) > 2 and labels[-2] in _SECOND_LEVEL:
        return (len(labels) - 2,)
    return (len(labels) - 1,)


@cache
def _load() -> _List:
    text = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    entries = msgspec.convert(text, dict[Medium, list[_Entry]])
    listed = _List()
    for medium, group in entries.items():
        for entry in group:
            _add(listed, medium, entry)
    return listed


def _add(listed: _List, medium: Medium, entry: _Entry) -> None:
    for name in (entry.source, *entry.aliases):
        source = KnownSource(medium, entry.source, tuple(entry.terms))
        listed.by_alias.setdefault(name.lower(), source)
    for pattern in entry.hosts:
        host, slash, path = pattern.partition("/")
        source = KnownSource(medium, entry.source, tuple(entry.terms), slash + path)
        table = listed.by_name if host.endswith(".*") else listed.by_host
        host = host.removesuffix(".*")
        both = (*table.get(host, ()), source)
        table[host] = tuple(sorted(both, key=lambda one: len(one.path), reverse=True))
