"""footfall squash: folds corrections of which surely all events are in ClickHouse.

    fences ─▶ barriers behind what is emitted ─▶ await the sink ─▶ squash

What the records below a partition's fence emitted is acknowledged by Kafka. So once the sink has
taken what stands before barriers that were written after the fences were read, every correction
made below the fences, and every event that such a correction can speak of, is in ClickHouse; later
events were emitted as it says.
"""

from __future__ import annotations

import logging
import threading
import time

from clickhouse_driver import Client

from infra.drain import await_sunk
from infra.positions import Positions, Unreachable
from schemas.settings import Settings
from schemas.topics import CORRECTIONS, EVENTS, RAW, version_of
from sinks.clickhouse.client import connect
from sinks.clickhouse.errors import SinkError, classified
from sinks.clickhouse.squash import Squashed, squash

_log = logging.getLogger(__name__)

MANY, ROWS_EACH = 10_000, 1000
"""Corrections are folded when they are so many, and one in so many rows: each lookup costs, but so
does merging what is rewritten. Fewer are folded once a week."""

_LOOK_S = 600.0
_WEEK_S = 7 * 86_400
_TIMEOUT_S = 600.0


class SinkBehind(Exception):
    """The sink has not taken in time what was emitted; nothing was begun."""


def run_squash(settings: Settings, timeout_s: float = _TIMEOUT_S) -> Squashed:
    """Fold what can be folded now; safe beside everything, also beside another squash.

    Raises SinkBehind, Unreachable, SinkError.
    """
    below = _below(settings, timeout_s)
    client = connect(settings.clickhouse)
    try:
        with classified():
            return squash(client, below, timeout_s, lambda step: _log.info("squash: %s", step))
    finally:
        client.disconnect()


def _below(settings: Settings, timeout_s: float) -> list[int]:
    """By partition of footfall.raw: all that lower versions say is in ClickHouse."""
    with Positions(settings) as positions:
        fences = positions.fences_of_any_epoch(RAW)
        missing = await_sunk(positions, (EVENTS, CORRECTIONS), timeout_s)
    if missing:
        raise SinkBehind(
            f"{missing[0]} within {timeout_s:g} s; is it running? See: footfall doctor"
        )
    return [
        version_of(fences[p].epoch, fences[p].offset) if p in fences else 0
        for p in range(RAW.partitions)
    ]


def squash_regularly(settings: Settings, stop: threading.Event) -> None:
    """Until `stop` is set: squash once a week, and whenever there are many corrections."""
    while not stop.wait(_LOOK_S):
        try:
            if _is_due(settings):
                done = run_squash(settings)
                _log.info("squashed %d corrections into %d rows", done.corrections, done.rows)
        except (SinkBehind, SinkError, Unreachable) as error:
            _log.warning("no squash now: %s", error)


def _is_due(settings: Settings) -> bool:
    client = connect(settings.clickhouse)
    try:
        with classified():
            return is_due(client, time.time())
    finally:
        client.disconnect()


def is_due(client: Client, now_s: float) -> bool:
    """Whether there are many corrections, or some and the last squash is a week ago."""
    ((count, rows, last_s),) = client.execute(
        "SELECT (SELECT count() FROM corrections_stored"
        " WHERE NOT startsWith(device_id, 'p_') AND what != 'void'),"
        " (SELECT count() FROM events_stored),"
        " (SELECT toUnixTimestamp(max(squashed_at)) FROM squashed_stored)"
    )
    are_many = count >= MANY and count * ROWS_EACH >= rows
    return bool(are_many or (count and now_s - last_s >= _WEEK_S))
