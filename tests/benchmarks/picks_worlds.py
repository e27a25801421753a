"""Visits to try picks on, without servers: simulated shoppers, and readers in a server's log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from infra.demo.catalogue import load
from infra.simulate.acts import Act
from infra.simulate.past import Past, Plan
from ingest.logs.formats import Format
from ingest.logs.parse import PAGE, Parser
from schemas.pick_model import MIN_PERSONS, Trained, source_key
from schemas.referrer import classify
from schemas.site import Site
from sinks.redis.train import DAY_MS, LOOK_BACK_DAYS, Crowd
from streams.steps.detect_bot import detect_bot

UNTIL = 1_795_345_200_000  # 2026-11-22T11:00Z
_HOUR_MS = 3_600_000
_TYPES = {
    "person": pl.UInt64,
    "visit": pl.UInt64,
    "at": pl.Int64,
    "product": pl.String,
    "category": pl.String,
    "source": pl.String,
    "scenario": pl.String,
    "what": pl.String,
}
_LOOK, _ADD, _ORDER = "look", "add", "order"
_EVENTS = {"Product Viewed": _LOOK, "Product Added": _ADD}


class Recorded:
    """A history (`infra.picks.learn.History`) of rows: see `_TYPES`."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = rows.sort("at", maintain_order=True)
        self.since, self.until = int(self._rows["at"][0]), int(self._rows["at"][-1]) + 1

    def trained(self, until: int) -> Trained:
        past = self._rows.filter(pl.col("at") < until)
        looks = past.filter(pl.col("what") != _ORDER)
        products = looks.group_by("product").agg(
            pl.col("person").n_unique().alias("persons"), pl.col("category").last()
        )
        products = products.filter(pl.col("persons") >= MIN_PERSONS)
        crowd = Crowd(
            products.select("product", pl.col("product").alias("title"), "category"), until
        )
        basket = pl.col("visit").alias("basket")
        added = (pl.col("what") == _ADD).max().cast(pl.UInt8).alias("added")
        at, first = pl.col("at").max(), pl.col("at").min().alias("first")
        ordered = past.filter(pl.col("what") == _ORDER)
        crowd.add(
            looks.group_by("person", basket, "product", maintain_order=True).agg(at, first, added),
            ordered.group_by("person", "product", maintain_order=True).agg(at),
            past.group_by(basket, maintain_order=True).agg(pl.col("source", "scenario").first()),
        )
        return crowd.trained(until - LOOK_BACK_DAYS * DAY_MS)

    def done(self, since: int, until: int) -> pl.DataFrame:
        before = self._rows.filter(pl.col("at") < until)
        looking = (pl.col("at") >= since) & (pl.col("what") == _LOOK)
        persons = before.filter(looking).select("person").unique()
        return before.join(persons, on="person", how="semi")

    def looked(self, shares: list[float], until: int) -> list[int]:
        looks = self._rows.filter((pl.col("what") != _ORDER) & (pl.col("at") < until))["at"]
        return [int(looks[int(share * len(looks))]) for share in shares] if len(looks) else []


def simulated(site: Site, shoppers: int, days: float, seed: int) -> Recorded:
    """Who consents and runs the beacon, each known as the person that he is."""
    plan = Plan(shoppers=shoppers, days=days, seed=seed, site=site, catalogue=load(), until=UNTIL)
    rows = list(_rows(Past(plan), site))
    frame = pl.DataFrame(rows, schema={**_TYPES, "visit": pl.String}, orient="row")
    return Recorded(frame.with_columns(pl.col("visit").rank("dense").cast(pl.UInt64)))


def _rows(past: Past, site: Site) -> Iterator[tuple[object, ...]]:
    persons: dict[str, int] = {}
    sources: dict[str, str] = {}
    for act in past.acts():
        if not act.person or not act.device or act.is_backend or act.blocked:
            continue
        if act.visit not in sources:
            origin = f"https://{site.hosts[0]}{act.step.path}"
            came = classify(origin, act.step.referrer, site)
            sources[act.visit] = source_key(came.medium, came.source)
        who = persons.setdefault(act.person, len(persons) + 1)
        for product, category, what in _done(act):
            yield who, act.visit, act.at, product, category, sources[act.visit], "", what


def _done(act: Act) -> Iterator[tuple[str, str, str]]:
    """product, category, what"""
    said = act.step.properties
    if act.step.name in _EVENTS:
        yield str(said["product_id"]), str(said["category"]), _EVENTS[act.step.name]
    elif act.step.name == "Order Completed":
        lines = said["products"]
        assert isinstance(lines, list)
        for line in lines:
            yield str(line["product_id"]), "", _ORDER


def logged(path: Path, format_: Format, host: str) -> Recorded:
    """A page is a product, an address with a browser a person, two hours without a page a visit.

    Pages that people asked for: bots, and who asks for more than 100 pages, are left out. Times
    are the log's hours with the order of its lines within (of Elastic's log all minutes are :05).
    """
    lines = path.read_text("utf-8", "backslashreplace").splitlines()
    now_ms = int(time.time() * 1000)
    table = Parser(format_, (host,), lambda: now_ms).table(lines).with_row_index("line_number")
    table = table.filter(pl.col("fate").cast(pl.String) == PAGE)
    table = table.with_columns(pl.col("agent").fill_null(""))
    if format_ != "common":
        bots = [agent for agent in table["agent"].unique() if detect_bot(agent, "log")]
        table = table.filter(~pl.col("agent").is_in(bots))
    hour = pl.col("time_ms") // _HOUR_MS
    within = pl.col("line_number") - pl.col("line_number").min().over(hour)
    page = pl.col("target").str.replace(r"[?#].*$", "").str.replace(r"(.)/+$", "$1")
    table = table.with_columns(
        (hour * _HOUR_MS + within.cast(pl.Int64) * 1000).alias("at"),
        page.alias("product"),
        pl.concat_str("client", "agent").rank("dense").cast(pl.UInt64).alias("person"),
    )
    table = table.filter(pl.len().over("person") <= 100).sort("person", "at")
    apart = pl.col("at") - pl.col("at").shift(1).over("person")
    visit = (apart.is_null() | (apart > 2 * _HOUR_MS)).cum_sum().cast(pl.UInt64)
    nothing = (pl.lit("").alias(name) for name in ("category", "source", "scenario"))
    done = table.with_columns(visit.alias("visit"), pl.lit(_LOOK).alias("what"), *nothing)
    return Recorded(done.select(*_TYPES))
