"""Processes of one service that share a port, and what they tell one another: their metrics.

A scrape reaches one of them and must be answered for all. Each writes what it has counted into a
file every second; whoever is asked adds the others' to its own. What a worker had counted that has
died stays counted, else every sum would fall when one dies.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector

NUMBER = "FOOTFALL_WORKER"
DIRECTORY = "FOOTFALL_WORKER_DIRECTORY"
WRITE_EVERY_S = 1.0

_ADDED = frozenset({"counter", "histogram", "summary"})

Labels = tuple[tuple[str, str], ...]


class _Family(msgspec.Struct, array_like=True):
    name: str
    help: str
    type: str
    samples: list[tuple[str, Labels, float]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[_Family]).decode


class Worker(msgspec.Struct, frozen=True):
    """One of several processes of a service."""

    directory: Path
    number: int

    @property
    def file(self) -> Path:
        return self.directory / f"{self.number}.metrics"

    def write(self, registry: Collector) -> None:
        """What this one has counted, for the others to find."""
        _write(self.file, registry.collect())

    def all_workers(self, summed: frozenset[str]) -> CollectorRegistry:
        """What is registered here and there, as one. Of gauges those in `summed` are added up; of
        the others, which say the same everywhere, the largest is taken.
        """
        merged = CollectorRegistry(auto_describe=False)
        merged.register(_Merged(self.directory, summed))
        return merged


def worker_of(environment: Mapping[str, str]) -> Worker | None:
    """Which worker a process is; None where it serves alone."""
    if NUMBER not in environment:
        return None
    return Worker(Path(environment[DIRECTORY]), int(environment[NUMBER]))


def retire(directory: Path, number: int, pid: int) -> None:
    """What a worker that has died had counted, without what only was while it lived."""
    with contextlib.suppress(FileNotFoundError):
        (directory / f"{number}.metrics").rename(directory / f"{pid}.gone")
    gone = sorted(directory.glob("*.gone"), key=os.path.getmtime)
    if len(gone) > 1:  # one is enough for all of them
        families = [each for each in _merge(gone, frozenset()) if each.type in _ADDED]
        _write(gone[0], families)
        for path in gone[1:]:
            path.unlink()


class _Merged(Collector):
    def __init__(self, directory: Path, summed: frozenset[str]) -> None:
        self._directory = directory
        self._summed = summed

    def collect(self) -> Iterable[Metric]:
        return _merge(sorted(self._directory.iterdir()), self._summed)


def _merge(paths: Iterable[Path], summed: frozenset[str]) -> Iterator[Metric]:
    merged: dict[str, tuple[_Family, dict[tuple[str, Labels], float]]] = {}
    for path in paths:
        for family in _read(path):
            if path.suffix == ".gone" and family.type not in _ADDED:
                continue
            _, values = merged.setdefault(family.name, (family, {}))
            adds = family.type in _ADDED or family.name in summed
            for name, labels, value in family.samples:
                known = values.get((name, labels))
                if known is None:
                    values[name, labels] = value
                else:
                    values[name, labels] = known + value if adds else max(known, value)
    for family, values in merged.values():
        metric = Metric(family.name, family.help, family.type)
        for (name, labels), value in values.items():
            metric.add_sample(name, dict(labels), value)
        yield metric


def _read(path: Path) -> list[_Family]:
    if path.suffix not in (".metrics", ".gone"):
        return []
    try:
        return _decode(path.read_bytes())
    except FileNotFoundError:
        return []


def _write(path: Path, metrics: Iterable[Metric]) -> None:
    """In one step: a reader finds the whole of it."""
    families = [
        _Family(
            metric.name,
            metric.documentation,
            metric.type,
            [
                (sample.name, tuple(sorted(sample.labels.items())), sample.value)
                for sample in metric.samples
                if not sample.name.endswith("_created")
            ],
        )
        for metric in metrics
    ]
    new = path.with_suffix(".new")
    new.write_bytes(_encode(families))
    new.replace(path)
