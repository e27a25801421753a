"""What visitors did, from ClickHouse: to train on, to learn weights from, to try picks on."""

from __future__ import annotations

import msgspec
import polars as pl

from schemas.pick_model import Trained
from sinks.redis.train import LOOK_BACK_DAYS, Ask, train

DAY_MS = 86_400_000
MAX_PERSONS = 4000

_KNOWN = (
    "isNotNull(person_id) AND isNotNull(session_id) AND consent != 'denied'"
    " AND NOT startsWith(device_id, 'p_')"
    " AND event_time >= fromUnixTimestamp64Milli({since:Int64})"
    " AND event_time < fromUnixTimestamp64Milli({until:Int64})"
)
_LOOKS = "name IN ('Product Viewed', 'Product Clicked', 'Product Added')"

DONE = f"""
SELECT
    d.person AS person, d.visit AS visit, d.at AS at, toString(d.product) AS product,
    toString(d.category) AS category, toString(s.source) AS source,
    toString(s.scenario) AS scenario, toString(d.what) AS what
FROM
(
    SELECT
        cityHash64(assumeNotNull(person_id)) AS person,
        cityHash64(assumeNotNull(session_id)) AS visit,
        toInt64(toUnixTimestamp64Milli(event_time)) AS at,
        coalesce(nullIf(properties.product_id::String, ''), properties.sku::String) AS product,
        properties.category::String AS category,
        if(name = 'Product Added', 'add', 'look') AS what
    FROM events
    WHERE {_LOOKS} AND {_KNOWN}
    UNION ALL
    SELECT
        cityHash64(assumeNotNull(person_id)), cityHash64(assumeNotNull(session_id)),
        toInt64(toUnixTimestamp64Milli(ordered_at)), tupleElement(arrayJoin(products), 1), '',
        'order'
    FROM orders
    WHERE isNotNull(person_id) AND ordered_at >= fromUnixTimestamp64Milli({{since:Int64}})
        AND ordered_at < fromUnixTimestamp64Milli({{until:Int64}})
) AS d
LEFT JOIN
(
    SELECT
        cityHash64(session_id) AS visit,
        if(referrer_source != '', referrer_source, '(' || referrer_medium || ')') AS source,
        scenario
    FROM sessions
    WHERE started_at >= fromUnixTimestamp64Milli({{since:Int64}})
        AND started_at < fromUnixTimestamp64Milli({{until:Int64}})
) AS s ON d.visit = s.visit
WHERE d.product != '' AND d.person IN (
    SELECT cityHash64(assumeNotNull(person_id)) FROM events
    WHERE name = 'Product Viewed' AND {_KNOWN}
        AND event_time >= fromUnixTimestamp64Milli({{begin:Int64}})
    GROUP BY 1 ORDER BY 1 LIMIT {MAX_PERSONS}
)
"""

LOOKED = f"""
SELECT
    toInt64(ifNotFinite(quantileDeterministic({{share:Float64}})(at, cityHash64(at)), 0)) AS at,
    count() AS looks
FROM
(
    SELECT toInt64(toUnixTimestamp64Milli(event_time)) AS at FROM events
    WHERE {_LOOKS} AND {_KNOWN}
)
"""


class Stored(msgspec.Struct, frozen=True):
    """A history (`infra.picks.learn.History`). What it does raises what `ask` raises."""

    ask: Ask

    def trained(self, until: int) -> Trained:
        return train(self.ask, until)

    def done(self, since: int, until: int) -> pl.DataFrame:
        """Of at most MAX_PERSONS, always the same."""
        window = {"since": until - LOOK_BACK_DAYS * DAY_MS, "begin": since, "until": until}
        return self.ask(DONE, window)

    def looked(self, shares: list[float], until: int) -> list[int]:
        since = until - LOOK_BACK_DAYS * DAY_MS
        found = [
            self.ask(
                LOOKED.replace("{share:Float64}", f"{share:.6f}"), {"since": since, "until": until}
            )
            for share in shares
        ]
        return [int(each["at"][0]) for each in found if each["looks"][0]]
