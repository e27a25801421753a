"""What the demo's summary counts, asked of the running stack: ClickHouse, and the live funnel."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
from clickhouse_driver import Client

from infra.demo.place import Place
from infra.reports.identity import IdentityComparison, compare_identity
from infra.reports.variants import VariantRow, variants
from schemas.funnel_result import FunnelResult
from sinks.clickhouse.client import connect
from sinks.clickhouse.funnels import compute_funnel

FUNNEL = "checkout"
_DAY_MS = 86_400_000
_TIMEOUT_S = 10.0

_decoder = msgspec.json.Decoder(FunnelResult)


class Figures(msgspec.Struct, kw_only=True):
    """One moment. `live` and `batch` are of the same funnel and the same time."""

    arriving: bool  # events are still on their way, so that live is ahead of ClickHouse
    by_protocol: dict[str, int]
    bots: int
    repeated: int  # rows beyond one an event; 0 by design
    rejected: dict[str, int]
    identity: IdentityComparison
    variants: list[VariantRow]
    live: FunnelResult
    batch: FunnelResult

    def problems(self) -> list[str]:
        """What must not be once everything has arrived, in words; empty where all is well."""
        identity = self.identity
        found = [
            (identity.lost, "events of simulated shoppers are neither in ClickHouse nor rejected"),
            (identity.twice + self.repeated, "events are in ClickHouse more than once"),
        ]
        told = [f"{count:,} {what}" for count, what in found if count]
        live, batch = ([step.count for step in one.steps] for one in (self.live, self.batch))
        if live != batch and not self.arriving:
            told.append("the live funnel differs from ClickHouse's")
        return told


def gather(place: Place, truth: Sequence[Path], days: int, on_the_way_ms: int = 0) -> Figures:
    """`truth`: files of the simulators. `days` to look back.

    `on_the_way_ms`: events younger than that are not looked for; 0 when all has arrived.
    Raises what ClickHouse and the API raise when they are away.
    """
    now = time.time_ns() // 1_000_000
    with _connected(place) as client:
        rejected = client.execute(
            "SELECT reason, count() FROM rejected GROUP BY reason ORDER BY count() DESC"
        )
        return Figures(
            **_moving(place, client),
            arriving=on_the_way_ms > 0,
            rejected=dict(rejected),
            identity=compare_identity(client, truth, until_ms=now - on_the_way_ms),
            variants=variants(client, place.site, now - days * _DAY_MS, now),
        )


def refreshed(place: Place, figures: Figures) -> Figures:
    """With rows and funnel asked anew; what costs more, the truth and the rates, is as it was.

    Raises what `gather` raises.
    """
    with _connected(place) as client:
        return msgspec.structs.replace(figures, **_moving(place, client))


@contextmanager
def _connected(place: Place) -> Iterator[Client]:
    client = connect(place.settings.clickhouse)
    try:
        yield client
    finally:
        client.disconnect()


def _moving(place: Place, client: Client) -> dict[str, Any]:
    """The fields of Figures that are cheap to ask for."""
    protocols = client.execute(
        "SELECT protocol, count(), countIf(is_bot), count() - uniqExact((device_id, event_id)) "
        "FROM events_all GROUP BY protocol ORDER BY count() DESC"
    )
    live = _live(place)
    funnel = place.site.funnels[FUNNEL]
    return {
        "by_protocol": {row[0]: row[1] for row in protocols},
        "bots": sum(row[2] for row in protocols),
        "repeated": sum(row[3] for row in protocols),
        "live": live,
        "batch": compute_funnel(client, funnel, _ms(live.from_), _ms(live.to), ()),
    }


def _live(place: Place) -> FunnelResult:
    answer = httpx.get(
        f"{place.personalize}/v1/funnels/{FUNNEL}", timeout=_TIMEOUT_S, trust_env=False
    )
    answer.raise_for_status()
    return _decoder.decode(answer.content)


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
