"""What is learned of the crowd: what goes together, what is popular, and what is left out."""

from __future__ import annotations

from itertools import product as pairs_of

import polars as pl
import pytest

from schemas.pick_model import PARTS, Popular, Related, Trained, parts_of, trained_from
from sinks.redis.train import DAY_MS, Crowd

NOW = 1_780_000_000_000


def looks(*done: tuple[int, int, str, int]) -> pl.DataFrame:
    """(person, visit, product, days ago)."""
    rows = [
        (p, b, product, NOW - d * DAY_MS, NOW - d * DAY_MS + at, 0)
        for at, (p, b, product, d) in enumerate(done)
    ]
    types = {"person": pl.UInt64, "basket": pl.UInt64, "product": pl.String, "at": pl.Int64}
    return pl.DataFrame(rows, schema={**types, "first": pl.Int64, "added": pl.UInt8}, orient="row")


def orders(*done: tuple[int, str]) -> pl.DataFrame:
    rows = [(person, product, NOW - DAY_MS) for person, product in done]
    types = {"person": pl.UInt64, "product": pl.String, "at": pl.Int64}
    return pl.DataFrame(rows, schema=types, orient="row")


def visits(*known: tuple[int, str, str]) -> pl.DataFrame:
    types = {"basket": pl.UInt64, "source": pl.String, "scenario": pl.String}
    return pl.DataFrame(list(known), schema=types, orient="row")


PRODUCTS = pl.DataFrame({name: ["a", "b", "c", "d"] for name in ("product", "title", "category")})
NO_ORDERS, NO_VISITS = orders(), visits()


def trained(
    seen: pl.DataFrame, bought: pl.DataFrame = NO_ORDERS, known: pl.DataFrame = NO_VISITS
) -> Trained:
    crowd = Crowd(PRODUCTS, NOW)
    crowd.add(seen, bought, known)
    return crowd.trained(NOW - 90 * DAY_MS)


def neighbours(related: Related, product: str) -> dict[str, float]:
    starts, others, scores = related.unpack()
    row = "abcd".index(product)
    part = slice(starts[row], starts[row + 1])
    return {"abcd"[o]: float(s) for o, s in zip(others[part], scores[part], strict=True)}


def ranked(popular: Popular) -> dict[str, float]:
    places, scores = popular.unpack()
    return {"abcd"[p]: float(s) for p, s in zip(places, scores, strict=True)}


def test_what_several_persons_looked_at_in_one_visit_goes_together() -> None:
    found = trained(
        looks(*((p, 10 + p, product, 0) for p in range(4) for product in "ab"), (9, 99, "c", 0))
    )
    assert neighbours(found.viewed, "a") == {"b": pytest.approx(4 / 7, abs=0.01)}, "of 4 persons"
    assert neighbours(found.viewed, "b").keys() == {"a"}
    assert neighbours(found.viewed, "c") == {}
    apart = looks((1, 10, "a", 0), (1, 11, "b", 0), (2, 20, "a", 0), (2, 21, "b", 0))
    assert neighbours(trained(apart).viewed, "a") == {}


def test_what_follows_is_told_in_the_order_of_visits_the_nearest_first() -> None:
    seen = [(p, 10 + p, product, 0) for p in range(6) for product in "abc"]
    found = trained(looks(*seen, *((p, 20 + p, "a", 0) for p in range(2))))
    after = neighbours(found.next, "a")
    assert after["b"] == pytest.approx(6 / 9, abs=0.01), "of 6 persons, as if of 3 more"
    assert after["c"] == pytest.approx(0.7 * 6 / 9, abs=0.01), "with one in between"
    assert neighbours(found.next, "b").keys() == {"c"}
    assert neighbours(found.next, "c") == {}
    alone = trained(looks((1, 1, "a", 0), (1, 1, "b", 0), (1, 2, "a", 0), (1, 2, "b", 0)))
    assert neighbours(alone.next, "a") == {}, "one person's way is nobody's business"


def test_what_only_one_person_did_is_in_nothing() -> None:
    often = looks(*((1, visit, product, 0) for visit in range(9) for product in "ab"))
    found = trained(often, orders((1, "a"), (1, "b")))
    assert neighbours(found.viewed, "a") == {}
    assert neighbours(found.bought, "a") == {}
    assert ranked(found.popular) == {}


def test_a_person_counts_once_however_often_it_was_done() -> None:
    once = [(p, 10 * p, product, 0) for p in (1, 2) for product in "ab"]
    again = [(1, 100 + visit, product, 0) for visit in range(5) for product in "ab"]
    assert trained(looks(*once)).viewed == trained(looks(*once, *again)).viewed


def test_what_one_person_bought_goes_together_in_whatever_order() -> None:
    found = trained(looks(), orders((1, "a"), (1, "c"), (2, "c"), (2, "a"), (3, "d")))
    assert neighbours(found.bought, "a").keys() == {"c"}
    assert neighbours(found.bought, "d") == {}


def test_what_is_popular_is_so_by_persons_and_lately() -> None:
    found = trained(
        looks(
            *((p, p, "a", 0) for p in range(5)),
            *((p, p, "b", 30) for p in range(9)),
            *((p, p, "c", 0) for p in range(3)),
        )
    )
    assert list(ranked(found.popular)) == ["a", "c", "b"]
    assert ranked(found.popular)["a"] == 1
    bought = trained(looks(*((p, p, q, 0) for p in range(3) for q in "ab")), orders((1, "b")))
    assert next(iter(ranked(bought.popular))) == "b"


def test_what_is_popular_with_a_source_is_told_where_enough_came_from_there() -> None:
    seen = [(p, p, "a", 0) for p in range(60)] + [(p, p, "b", 0) for p in range(60, 90)]
    known = [(p, "Search" if p < 60 else "Encyclopedia", "hero") for p in range(85)]
    known += [(p, "Rare", "hero") for p in range(85, 90)]
    found = trained(looks(*seen), known=visits(*known))
    assert next(iter(ranked(found.by_source["Encyclopedia"]))) == "b"
    assert next(iter(ranked(found.by_source["Search"]))) == "a"
    assert "Rare" not in found.by_source
    assert next(iter(ranked(found.by_scenario["hero"]))) == "a"


def test_lots_of_persons_add_up_to_what_all_of_them_give() -> None:
    done = [
        (p, 3 * p + q, product, p % 7)
        for p, q, product in pairs_of(range(30), range(3), "abcd")
        if (p * 7 + q * 3 + ord(product)) % 3
    ]
    bought = [(p, product) for p, product in pairs_of(range(30), "abc") if (p + ord(product)) % 4]
    known = [(basket, f"source {basket % 2}", "x") for basket in range(100)]
    whole = trained(looks(*done), orders(*bought), visits(*known))
    crowd = Crowd(PRODUCTS, NOW)
    for lot in range(3):
        mine = [one for one in done if one[0] % 3 == lot]
        theirs = [one for one in bought if one[0] % 3 == lot]
        crowd.add(looks(*mine), orders(*theirs), visits(*known))
    assert crowd.trained(whole.since) == whole


def test_a_generation_comes_back_as_it_was_and_only_whole() -> None:
    found = trained(looks(*((p, p, product, 0) for p in range(4) for product in "abc")))
    parts = dict(parts_of(found))
    assert trained_from(parts) == found
    for broken in (
        {},
        {PARTS: b"1"},
        {**parts, b"0": parts[b"0"][:-3]},
        {**parts, PARTS: b"many"},
    ):
        with pytest.raises(ValueError, match=r"missing|invalid|truncated|trailing"):
            trained_from(broken)
