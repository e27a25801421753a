"""Whether the sink is ready, and what it waits for."""

from __future__ import annotations

from typing import Literal

from sinks.clickhouse import metrics

Server = Literal["clickhouse", "kafka"]


class Status:
    """Set by the writer's threads, read by whoever serves /ready."""

    def __init__(self) -> None:
        self._problems: dict[Server, str] = {}
        for server in ("clickhouse", "kafka"):
            self._set(server, "not connected yet")

    @property
    def waits_for(self) -> str:
        """'' when the sink is ready."""
        problems = sorted(self._problems.items())
        return "; ".join(f"{server}: {problem}" for server, problem in problems)

    def works(self, server: Server) -> None:
        self._set(server, "")

    def fails(self, server: Server, problem: str) -> None:
        metrics.RETRIES.labels(server).inc()
        self._set(server, problem)

    def _set(self, server: Server, problem: str) -> None:
        others = {s: p for s, p in self._problems.items() if s != server}
        self._problems = {**others, server: problem} if problem else others
        metrics.READY.set(not self._problems)
