"""From what visitors looked at and bought, in ClickHouse, to what picks are made of.

Persons are taken in disjoint lots, each small enough for memory, and what they did is added up.
Bots are not in `events`, who did not consent has no person there, and what fewer than MIN_PERSONS
persons did is left out: who did not agree, and who is alone with it, leaves no trace in a pick.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from schemas.pick_model import MIN_PERSONS, Popular, Trained
from sinks.redis.popularity import Popularity
from sinks.redis.successors import Successors
from sinks.redis.together import Together

DAY_MS = 86_400_000
LOOK_BACK_DAYS = 180
ROWS_AT_ONCE = 2_000_000
MAX_PRODUCTS = 200_000

_HALF_LIFE_DAYS = 60  # of what goes together
_POPULAR_HALF_LIFE_DAYS = 7
_VIEW, _ADDED, _ORDER = 1.0, 2.0, 5.0  # what each says for being popular
_VIEWS_AT_ONCE, _VIEWS_SHRINK = 40, 3.0
_ORDERS_AT_ONCE, _ORDERS_SHRINK = 60, 2.0

Ask = Callable[[str, Mapping[str, int | str]], pl.DataFrame]
"""A query with its parameters to its rows."""

_KNOWN = (
    "isNotNull(person_id) AND isNotNull(session_id) AND consent != 'denied'"
    " AND NOT startsWith(device_id, 'p_')"
)
_LOOKS = f"""
    SELECT
        cityHash64(assumeNotNull(person_id)) AS person,
        cityHash64(assumeNotNull(session_id)) AS basket,
        coalesce(nullIf(properties.product_id::String, ''), properties.sku::String) AS product,
        properties.name::String AS title,
        properties.category::String AS category,
        toInt64(toUnixTimestamp64Milli(event_time)) AS at,
        name = 'Product Added' AS added
    FROM events
    WHERE name IN ('Product Viewed', 'Product Clicked', 'Product Added')
        AND event_time >= fromUnixTimestamp64Milli({{since:Int64}})
        AND event_time < fromUnixTimestamp64Milli({{until:Int64}})
        AND {_KNOWN}
"""
_BOUGHT = """
    SELECT
        cityHash64(assumeNotNull(person_id)) AS person,
        tupleElement(arrayJoin(products), 1) AS product,
        toInt64(toUnixTimestamp64Milli(ordered_at)) AS at
    FROM orders
    WHERE ordered_at >= fromUnixTimestamp64Milli({since:Int64})
        AND ordered_at < fromUnixTimestamp64Milli({until:Int64})
        AND isNotNull(person_id) AND refunded < ifNull(revenue, refunded + 1)
"""
_LOT = "person % {lots:UInt32} = {lot:UInt32}"

PRODUCTS = f"""
SELECT
    toString(product) AS product,
    toString(argMax(title, at)) AS title,
    toString(argMax(category, at)) AS category,
    count() AS looks
FROM ({_LOOKS})
WHERE product != '' AND length(product) <= 64
GROUP BY product
HAVING uniqExact(person) >= {MIN_PERSONS}
ORDER BY looks DESC, product
LIMIT {MAX_PRODUCTS}
"""

LOOKS = f"""
SELECT
    person, basket, toString(product) AS product,
    max(l.at) AS at, min(l.at) AS first, max(l.added) AS added
FROM ({_LOOKS}) AS l
WHERE {_LOT}
GROUP BY person, basket, product
"""

BOUGHT = f"""
SELECT person, toString(product) AS product, max(at) AS at
FROM ({_BOUGHT})
WHERE {_LOT}
GROUP BY person, product
"""

VISITS = """
SELECT
    cityHash64(session_id) AS basket,
    if(referrer_source != '', referrer_source, '(' || referrer_medium || ')') AS source,
    toString(scenario) AS scenario
FROM sessions
WHERE started_at >= fromUnixTimestamp64Milli({since:Int64})
    AND started_at < fromUnixTimestamp64Milli({until:Int64})
    AND isNotNull(person_id)
    AND cityHash64(assumeNotNull(person_id)) % {lots:UInt32} = {lot:UInt32}
"""


class Crowd:
    """What disjoint lots of persons did, added up; times are ms, `now_ms` is when they are seen."""

    def __init__(self, products: pl.DataFrame, now_ms: int) -> None:
        """`products`: product (id), title, category."""
        self._products = products.sort("product")
        self._places = self._products.select("product").with_row_index("place")
        self._now = now_ms
        self._viewed = Together(_VIEWS_SHRINK, _VIEWS_AT_ONCE)
        self._bought = Together(_ORDERS_SHRINK, _ORDERS_AT_ONCE)
        self._next = Successors(_VIEWS_AT_ONCE)
        self._sources, self._scenarios = Popularity(), Popularity()
        self._persons = 0

    def add(self, looks: pl.DataFrame, bought: pl.DataFrame, visits: pl.DataFrame) -> None:
        """As `LOOKS`, `BOUGHT` and `VISITS` give them, of one lot."""
        looks, bought = self._placed(looks), self._placed(bought)
        self._persons += looks["person"].n_unique()
        weighed = looks.with_columns(self._decayed(_HALF_LIFE_DAYS))
        self._viewed.add(weighed.select("person", "basket", "product", "weight"))
        self._next.add(weighed.select("person", "basket", "product", "first", "weight"))
        self._bought.add(
            bought.select(
                "person",
                pl.col("person").alias("basket"),
                "product",
                self._decayed(_HALF_LIFE_DAYS),
            )
        )
        popular = self._liked(looks, bought, visits)
        for popularity, group in ((self._sources, "source"), (self._scenarios, "scenario")):
            popularity.add(
                popular.select("person", pl.col(group).alias("group"), "product", "weight")
            )

    def trained(self, since_ms: int) -> Trained:
        count = self._products.height
        return Trained(
            trained_at=self._now,
            since=since_ms,
            persons=self._persons,
            products=self._products["product"].to_list(),
            titles=self._products["title"].to_list(),
            categories=self._products["category"].to_list(),
            viewed=self._viewed.related(count),
            bought=self._bought.related(count),
            popular=self._sources.overall(count) if count else Popular(),
            by_source=self._sources.by_group(count),
            by_scenario=self._scenarios.by_group(count),
            next=self._next.related(count),
        )

    def _placed(self, done: pl.DataFrame) -> pl.DataFrame:
        """With places instead of ids; products that are not known are left out."""
        known = done.join(self._places, on="product", maintain_order="left")
        return known.with_columns(pl.col("place").cast(pl.Int32).alias("product")).drop("place")

    def _decayed(self, half_life_days: float, by: float = 1.0) -> pl.Expr:
        age_days = (self._now - pl.col("at")).clip(0) / DAY_MS
        return (pl.lit(0.5).pow(age_days / half_life_days) * by).alias("weight")

    def _liked(
        self, looks: pl.DataFrame, bought: pl.DataFrame, visits: pl.DataFrame
    ) -> pl.DataFrame:
        """person, source, scenario, product, weight. What was bought goes to the visit in which it
        was looked at last.
        """
        seen = looks.join(visits, on="basket", how="left").sort("at")
        ordered = bought.join(
            seen.select("person", "product", "source", "scenario").unique(
                ["person", "product"], keep="last", maintain_order=True
            ),
            on=["person", "product"],
            how="left",
        )
        amount = pl.when(pl.col("added") > 0).then(_ADDED).otherwise(_VIEW)
        decayed = self._decayed(_POPULAR_HALF_LIFE_DAYS)
        columns = ["person", "source", "scenario", "product", "weight"]
        liked = pl.concat(
            [
                seen.with_columns((decayed * amount).alias("weight")).select(columns),
                ordered.with_columns(decayed * _ORDER).select(columns),
            ]
        )
        return liked.with_columns(pl.col("source", "scenario").fill_null(""))


def train(ask: Ask, now_ms: int, look_back_days: int = LOOK_BACK_DAYS) -> Trained:
    """What all did until `now_ms`. Raises what `ask` raises."""
    since = now_ms - look_back_days * DAY_MS
    window: dict[str, int | str] = {"since": since, "until": now_ms}
    products = ask(PRODUCTS, window)
    crowd = Crowd(products.select("product", "title", "category"), now_ms)
    lots = 1 + int(products["looks"].sum() if products.height else 0) // ROWS_AT_ONCE
    for lot in range(lots if products.height else 0):
        mine = {**window, "lots": lots, "lot": lot}
        crowd.add(ask(LOOKS, mine), ask(BOUGHT, mine), ask(VISITS, mine))
    return crowd.trained(since)
