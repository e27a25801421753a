"""From events in ClickHouse to a generation of picks in Redis, on real servers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from functools import partial

import msgspec
import polars as pl
import pytest
import redis
from msgspec import Raw

from infra.picks.cases import cases_of
from infra.picks.history import Stored
from infra.picks.training import train_and_weigh
from infra.picks.when import Learn
from schemas.event import EnrichedEvent
from schemas.pick_model import Trained, trained_from
from schemas.redis_keys import PICKS_KEY, PICKS_LOCK_KEY, picks_key
from schemas.settings import Settings
from schemas.site import Site
from sinks.clickhouse.arrow import ask
from sinks.clickhouse.errors import SinkError, Unavailable
from sinks.clickhouse.rows import EVENTS
from sinks.redis.due import age_s, is_due
from sinks.redis.generations import AlreadyTraining, store, train_now, weighed_now
from sinks.redis.train import train
from tests.sink_world import DAY, MINUTE, NOON, Store, event, new_device
from tests.sink_world import store as opened_store

SITE = "picks"


@pytest.fixture(scope="module")
def learned(
    addresses: Settings, clickhouse_url: str, clickhouse_http_url: str
) -> Iterator[Trained]:
    with opened_store(addresses) as store:
        fill(store)
        yield train(partial(ask, addresses), NOON + DAY)


def fill(store: Store) -> None:
    """Three persons look at the bear and the owl, and buy both; others are not to be learned of."""
    rows: list[EnrichedEvent] = []
    for _ in range(3):
        device = new_device()
        rows += [look(device, "bear"), look(device, "owl"), order(device, "bear", "owl")]
    for n in range(3):
        refused = f"p_{uuid.uuid4().hex}"
        rows += [look(refused, "secret", person_id=None, consent="denied") for _ in range(2)]
        crawler = new_device()
        rows += [look(crawler, "scraped", is_bot=True, bot_reason="ua") for _ in range(2)]
        rows += [look(f"later-{n}", "tomorrow", at=2 * DAY)]
    alone = new_device()
    rows += [look(alone, "odd") for _ in range(5)]
    store.put(EVENTS, *rows)


def look(device: str, product: str, at: int = 0, **fields: object) -> EnrichedEvent:
    told = {"product_id": product, "name": f"the {product}", "category": "toys"}
    return track(device, "Product Viewed", told, at, **fields)


def order(device: str, *products: str) -> EnrichedEvent:
    lines = [{"product_id": product, "price": 5} for product in products]
    number = uuid.uuid4().hex
    told = {"order_id": number, "products": lines}
    return track(
        device, "Order Completed", told, MINUTE, order_id=number, revenue="10", currency="EUR"
    )


def track(
    device: str, name: str, told: Mapping[str, object], at: int, **fields: object
) -> EnrichedEvent:
    properties = Raw(msgspec.json.encode(told))
    return event(device, at, type="track", name=name, properties=properties, **fields)


def test_what_several_consenting_persons_did_is_learned(learned: Trained) -> None:
    bear, owl = learned.products.index("bear"), learned.products.index("owl")
    assert learned.titles[bear] == "the bear"
    assert learned.categories[owl] == "toys"
    for related in (learned.viewed, learned.bought):
        starts, others, _ = related.unpack()
        assert others[starts[bear] : starts[bear + 1]].tolist() == [owl]


def test_what_is_learned_from_is_what_known_persons_did_in_the_order_of_time(
    learned: Trained, addresses: Settings
) -> None:
    history = Stored(partial(ask, addresses))
    done = history.done(NOON - DAY, NOON + DAY)
    assert {"bear", "owl"} <= set(done["product"]) <= {"bear", "owl", "odd"}
    assert done.filter(pl.col("what") == "order")["product"].unique().sort().to_list() == [
        "bear",
        "owl",
    ]
    assert set(done["source"]) == {"(unknown)"}
    assert len(list(cases_of(done, NOON - DAY))) == 3 * 2 + 1, "each product of each person, once"
    first, last = history.looked([0.0, 1.0], NOON + DAY)
    assert NOON <= first <= last < NOON + DAY
    assert history.looked([0.5], NOON - DAY) == []


def test_weights_are_stored_with_the_table_and_stay_until_they_are_due(
    learned: Trained, addresses: Settings, redis_url: str
) -> None:
    site = Site(name=SITE)
    first = train_and_weigh(addresses, site, Learn.NOW, 0).weighed
    assert first is not None
    assert not first.adopted
    assert first.why.startswith("too little to learn from")
    again = train_and_weigh(addresses, site, Learn.DUE, 0)
    assert again.weighed == first, "they were learned a moment ago"
    with redis.Redis.from_url(redis_url) as store_:
        own = msgspec.structs.replace(first, adopted=True, weights={"popular": 9.0})
        store(store_, msgspec.structs.replace(again, weighed=own))
        assert weighed_now(store_) == own
    assert train_and_weigh(addresses, None, Learn.DUE, 0).weighed == own, "nothing was learned"
    relearned = train_and_weigh(addresses, site, Learn.NOW, 0).weighed
    assert relearned is not None
    assert not relearned.adopted, "what is not found better is not used"


def test_bots_refusals_persons_alone_and_the_future_leave_no_trace(learned: Trained) -> None:
    assert not {"secret", "scraped", "odd", "tomorrow"} & set(learned.products)


def test_lots_of_persons_give_what_all_of_them_give(
    learned: Trained, addresses: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.redis.train.ROWS_AT_ONCE", 2)
    assert train(partial(ask, addresses), NOON + DAY) == learned


def test_a_generation_is_stored_whole_and_the_one_before_expires(
    learned: Trained, redis_url: str
) -> None:
    with redis.Redis.from_url(redis_url) as store_:
        first = store(store_, learned)
        second = store(store_, msgspec.structs.replace(learned, trained_at=learned.trained_at + 1))
        assert store_.get(PICKS_KEY) == second.encode()
        parts = store_.hgetall(picks_key(second))
        assert trained_from(parts).products == learned.products
        assert store_.ttl(picks_key(second)) == -1, "what counts stays"
        assert 0 < store_.ttl(picks_key(first)) <= 600, "for those who read it"


def test_a_run_that_is_killed_changes_nothing_and_leaves_nothing(
    learned: Trained, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redis.Redis.from_url(redis_url) as store_:
        good = store(store_, learned)
        before = set(store_.keys("ff:{picks}:g:*"))

        def dies(trained: Trained) -> Iterator[tuple[bytes, bytes]]:
            yield b"0", b"half"
            raise KeyboardInterrupt

        monkeypatch.setattr("sinks.redis.generations.parts_of", dies)
        with pytest.raises(KeyboardInterrupt):
            store(store_, learned)
        assert store_.get(PICKS_KEY) == good.encode()
        (half,) = set(store_.keys("ff:{picks}:g:*")) - before
        assert 0 < store_.ttl(half) <= 3600


def test_one_trains_at_a_time(
    addresses: Settings, redis_url: str, clickhouse_http_url: str
) -> None:
    with redis.Redis.from_url(redis_url) as store_:
        train_now(addresses)
        assert (age_s(store_) or 99) < 60
        assert not is_due(store_)
        store_.set(PICKS_LOCK_KEY, "another", ex=60)
        with pytest.raises(AlreadyTraining):
            train_now(addresses)
        store_.delete(PICKS_LOCK_KEY)


def test_a_clickhouse_that_is_away_or_says_no_is_told_apart(
    addresses: Settings, clickhouse_http_url: str
) -> None:
    with pytest.raises(SinkError, match=r"UNKNOWN_TABLE|Unknown table"):
        ask(addresses, "SELECT * FROM nowhere", {})
    away = msgspec.structs.replace(addresses, clickhouse_http_url="http://127.0.0.1:9")
    with pytest.raises(Unavailable):
        ask(away, "SELECT 1", {})
