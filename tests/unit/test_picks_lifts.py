"""Lifts: what a visitor looks at more than everybody does, by category, price and age."""

from __future__ import annotations

import numpy as np

from personalize_api.picks.choose import Chooser
from personalize_api.picks.lifts import by_price, by_span
from personalize_api.picks.shelf import Shelf
from personalize_api.picks.taste import Taste
from schemas.catalogue import Catalogue, Product, Span, Sparse
from schemas.pick_model import Popular, Related, Trained

NAN = float("nan")
PRICES = [5.0, 6.0, 7.0, 50.0, 60.0, NAN]
AGES = [(0, 3), (1, 3), (2, 5), (9, 14), (10, 99), (NAN, NAN)]
NAMES = ["block", "rattle", "puzzle", "robot", "telescope", "card"]


def catalogue() -> Catalogue:
    empty = np.zeros(0, np.int32)
    rows = np.zeros(len(NAMES) + 1, np.int64)
    ages = np.array(AGES, np.float32)
    return Catalogue(
        [
            Product(id=name, title=f"the {name}", category=f"c{at % 2}")
            for at, name in enumerate(NAMES)
        ],
        (),
        Sparse(rows, empty, empty.astype(np.uint8)),
        spans={"age": Span(ages[:, 0].copy(), ages[:, 1].copy())},
        prices=np.array(PRICES, np.float32),
    )


SHARES = np.full(len(NAMES), 1 / len(NAMES), np.float32)


def test_what_costs_about_the_same_is_lifted_and_what_has_no_price_is_as_good_as_usual() -> None:
    prices = by_price(catalogue(), SHARES)
    assert prices is not None
    lift = prices.lift([(0, 1.0), (1, 0.8)])
    assert lift is not None
    assert lift[2] > lift[5] > lift[3] > lift[4] >= 0
    assert prices.lift([(5, 1.0)]) is None, "of that nothing is said"


def test_what_is_for_the_same_age_is_lifted() -> None:
    ages = by_span(catalogue().spans["age"], SHARES)
    assert ages is not None
    lift = ages.lift([(0, 1.0), (1, 1.0)])
    assert lift is not None
    assert lift[2] > lift[5] > lift[3] == 0
    assert ages.stands_out([(0, 1.0)], 1)
    assert not ages.stands_out([(0, 1.0)], 3)
    assert not ages.stands_out([(0, 1.0)], 5)


def test_one_look_says_less_than_many() -> None:
    prices = by_price(catalogue(), SHARES)
    assert prices is not None
    one, many = prices.lift([(0, 1.0)]), prices.lift([(0, 1.0), (1, 1.0), (2, 1.0)])
    assert one is not None
    assert many is not None
    assert many[0] - many[4] > one[0] - one[4]


def test_a_kind_that_everybody_looks_at_says_little_of_one() -> None:
    crowded = np.array([0.3, 0.3, 0.3, 0.04, 0.04, 0.02], np.float32)
    usual, rare = by_price(catalogue(), crowded), by_price(catalogue(), crowded[[3, 4, 5, 0, 1, 2]])
    assert usual is not None
    assert rare is not None
    cheap, dear = usual.lift([(0, 1.0)]), rare.lift([(0, 1.0)])
    assert cheap is not None
    assert dear is not None
    assert cheap[1] < dear[1]


def test_picks_say_so_and_a_told_age_counts_instead_of_looks() -> None:
    none = Related()
    popular = Popular.of(np.arange(6, dtype=np.int32), np.full(6, 0.2, np.float32))
    trained = Trained(
        trained_at=1, since=0, persons=9, products=NAMES, titles=NAMES, categories=NAMES,
        viewed=none, bought=none, popular=popular, by_source={}, by_scenario={},
    )  # fmt: skip
    shelf = Shelf(catalogue(), trained, 1)
    found = Chooser(shelf).pick(Taste(seen=(("block", 1.0),)), 9)
    first = {each.id: each for each in found}["rattle"]
    assert found[0].id == "rattle"
    assert "costs about what you look at" in first.reasons
    assert "for the same age as what you look at" in first.reasons
    assert {"price", "range"} <= set(first.parts)
    told = Chooser(shelf).pick(Taste(seen=(("block", 1.0),), attributes={"age": 11}), 9)
    assert {each.id for each in told} == {"robot", "telescope", "card"}
    assert all("range" not in each.parts for each in told)
