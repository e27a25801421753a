"""Picks: what each part of a score is for, what is never shown, and that reasons say why."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from personalize_api.picks.choose import VARIETY, Chooser, Picked
from personalize_api.picks.shelf import Shelf
from personalize_api.picks.taste import Taste
from personalize_api.picks.variety import SAME_CATEGORY, SAME_MAKER, candidates, varied
from schemas.catalogue import Catalogue, Product, Span, Sparse, token_of
from schemas.pick_model import Popular, Related, Trained

NOW = 1_780_000_000_000
DAY = 86_400_000

TOYS: Mapping[str, tuple[str, str, dict[str, float], tuple[int, int], bool]] = {
    # id: category, maker, attributes, ages, to be had
    "bear": ("cuddly-toys", "Bramble", {"theme=forest": 1}, (0, 99), True),
    "owl": ("cuddly-toys", "Bramble", {"theme=forest": 1, "noise=quiet": 0.5}, (3, 6), True),
    "rabbit": ("cuddly-toys", "Snuggle", {"theme=meadow": 1}, (0, 8), True),
    "engine": ("trains", "Rails", {"theme=railway": 1, "noise=loud": 1}, (3, 9), True),
    "bridge": ("trains", "Rails", {"theme=railway": 1}, (3, 9), True),
    "signal": ("trains", "Rails", {"theme=railway": 0.3}, (8, 14), True),
    "wagon": ("trains", "Rails", {"theme=railway": 1}, (3, 9), False),
    "chess": ("games", "Board", {"noise=quiet": 1}, (8, 99), True),
}
IDS = sorted(TOYS)


def catalogue() -> Catalogue:
    tokens: dict[str, int] = {}
    cells: list[tuple[int, int, float]] = []
    for place, id_ in enumerate(IDS):
        category, maker, attributes, _, _ = TOYS[id_]
        told = {token_of("category", category): 1.0, token_of("maker", maker): 1.0, **attributes}
        cells += [(place, tokens.setdefault(t, len(tokens)), w) for t, w in told.items()]
    rows, columns, weights = zip(*cells, strict=True)
    held = Sparse.of(
        np.array(rows, np.int32),
        np.array(columns, np.int32),
        np.rint(np.array(weights) * 255).astype(np.uint8),
        len(IDS),
    )
    products = [
        Product(id=id_, title=f"the {id_}", category=TOYS[id_][0], maker=TOYS[id_][1])
        for id_ in IDS
    ]
    ages = np.array([TOYS[id_][3] for id_ in IDS], np.float32)
    return Catalogue(
        products,
        list(tokens),
        held,
        available=np.array([TOYS[id_][4] for id_ in IDS]),
        added_ms=np.array([NOW - 2 * DAY if id_ == "chess" else 0 for id_ in IDS]),
        spans={"age": Span(ages[:, 0].copy(), ages[:, 1].copy())},
    )


def related(pairs: Mapping[tuple[str, str], float]) -> Related:
    both = {**pairs, **{(b, a): score for (a, b), score in pairs.items()}}
    rows = [sorted(((IDS.index(b), s) for (a, b), s in both.items() if a == id_)) for id_ in IDS]
    starts = np.cumsum([0, *map(len, rows)])
    flat = [cell for row in rows for cell in row]
    return Related.of(
        starts.astype(np.int32),
        np.array([place for place, _ in flat], np.int32),
        np.array([score for _, score in flat], np.float32),
    )


def popular(scores: Mapping[str, float]) -> Popular:
    ranked = sorted(scores, key=lambda id_: -scores[id_])
    places = np.array([IDS.index(id_) for id_ in ranked], np.int32)
    return Popular.of(places, np.array([scores[id_] for id_ in ranked], np.float32))


TRAINED = Trained(
    trained_at=NOW,
    since=NOW - DAY,
    persons=9,
    products=IDS,
    titles=IDS,
    categories=["" for _ in IDS],
    viewed=related({("bear", "chess"): 0.6, ("engine", "bridge"): 0.3}),
    bought=related({("engine", "signal"): 0.7}),
    popular=popular({"rabbit": 0.3, "wagon": 0.25, "engine": 0.2, "bear": 0.1, "owl": 0.05}),
    by_source={"Encyclopedia": popular({"bear": 1.0, "owl": 0.8})},
    by_scenario={"presents": popular({"chess": 1.0})},
)
SHELF = Shelf(catalogue(), TRAINED, NOW)


def picks(limit: int = 10, shelf: Shelf = SHELF, **taste: object) -> list[Picked]:
    return Chooser(shelf).pick(Taste(**taste), limit)  # type: ignore[arg-type]


def ids(found: Sequence[Picked]) -> list[str]:
    return [each.id for each in found]


def test_who_is_not_known_gets_what_is_popular() -> None:
    found = picks()
    assert ids(found)[:2] == ["rabbit", "engine"]
    assert found[0].reasons == ["popular now"]
    assert "wagon" not in ids(found), "it is popular, and not to be had"


def test_what_is_popular_is_that_of_the_source_and_of_the_scenario() -> None:
    assert ids(picks(source="Encyclopedia"))[0] == "bear"
    assert picks(source="Encyclopedia")[0].reasons == ["popular with visitors from Encyclopedia"]
    assert ids(picks(scenario="presents"))[0] == "chess"
    assert ids(picks(source="unheard-of", scenario="unheard-of")) == ids(picks())


def test_a_child_gets_what_it_likes_and_what_fits_its_age() -> None:
    found = picks(attributes={"age": 6, "likes": ("trains",), "name": "Emma"})
    assert ids(found)[:2] == ["engine", "bridge"]
    assert found[0].reasons[:2] == ["likes trains", "fits age 6"]
    assert "signal" not in ids(found), "it is for children from 8 on"
    assert "chess" not in ids(found)
    assert "signal" in ids(picks(attributes={"age": "9", "likes": "trains"}))


def test_an_attribute_counts_by_its_weight_and_what_is_disliked_against_it() -> None:
    found = picks(attributes={"theme": "railway"})
    assert ids(found)[:2] == ["engine", "bridge"]
    parts = {each.id: each.parts for each in found}
    assert parts["signal"]["wished"] == pytest.approx(0.3 * parts["bridge"]["wished"], rel=0.02)
    assert ids(picks(attributes={"theme": "railway", "dislikes": "loud"}))[0] == "bridge"


def test_others_are_picked_by_what_was_seen_together_and_bought_together() -> None:
    found = {each.id: each for each in picks(seen=(("engine", 1.0),))}
    assert "others who looked at the engine looked at this too" in found["bridge"].reasons
    assert found["signal"].reasons[0] == "bought together with the engine"
    assert "engine" not in found, "it has been seen"
    bear = {each.id: each for each in picks(seen=(("bear", 1.0),))}
    assert bear["chess"].reasons[0] == "others who looked at the bear looked at this too"


def test_what_resembles_what_was_seen_is_picked_although_nobody_saw_both() -> None:
    found = {each.id: each for each in picks(seen=(("bear", 1.0),))}
    assert "because you looked at the bear" in found["owl"].reasons
    assert found["owl"].parts["similar"] > found["rabbit"].parts["similar"]


def test_an_interest_in_a_category_brings_its_products() -> None:
    found = picks(interests=(("trains", 0.8), ("unheard-of", 0.2)))
    assert ids(found)[0] == "engine"
    assert "because you often look at trains" in found[0].reasons


def test_what_is_owned_or_not_to_be_had_is_never_picked() -> None:
    found = picks(100, bought=(("engine", 1.0),), owned=frozenset({"engine", "rabbit"}))
    assert not {"engine", "rabbit", "wagon"} & set(ids(found))


def test_a_product_page_gets_what_goes_with_its_product() -> None:
    found = picks(about="engine", seen=(("engine", 1.0), ("bear", 0.3)))
    assert found[0].id == "signal"
    assert "engine" not in ids(found)


def test_what_is_new_says_so() -> None:
    quiet = Shelf(catalogue(), None, NOW)
    assert [(each.id, each.reasons) for each in picks(1, shelf=quiet)] == [("chess", ["new"])]


def test_the_next_of_a_category_or_maker_waits_while_others_are_as_good() -> None:
    total = np.zeros(len(IDS), np.float32)
    for id_, score_ in (("engine", 1.0), ("bridge", 0.99), ("signal", 0.98), ("owl", 0.97)):
        total[IDS.index(id_)] = score_
    pool = candidates(total, np.zeros(len(IDS), np.bool_), 10)
    assert [IDS[place] for place in pool] == ["engine", "bridge", "signal", "owl"]
    chosen = varied(catalogue(), pool, total, 4)
    assert [IDS[place] for place, _ in chosen] == ["engine", "owl", "bridge", "signal"]
    off = SAME_CATEGORY + SAME_MAKER
    assert [taken for _, taken in chosen] == pytest.approx([0, 0, -off, -2 * off])


def test_the_second_of_a_kind_waits_for_others() -> None:
    found = picks(interests=(("trains", 0.5), ("cuddly-toys", 0.49)))
    categories = [TOYS[each.id][0] for each in found[:4]]
    assert categories[:2] != ["trains", "trains"] or categories[1:3] != ["trains", "trains"]
    assert any(each.parts.get(VARIETY, 0) < 0 for each in found)


def test_a_score_is_the_sum_of_its_parts_and_the_best_come_first() -> None:
    for chance in map(random.Random, range(40)):
        taste = Taste(
            source=chance.choice(["", "Encyclopedia"]),
            seen=tuple((id_, chance.random()) for id_ in chance.sample(IDS, 2)),
            interests=(("trains", chance.random()),),
            attributes={"age": chance.randrange(12), "likes": chance.choice(["trains", "forest"])},
            owned=frozenset(chance.sample(IDS, 1)),
        )
        found = Chooser(SHELF).pick(taste, 5)
        assert found == Chooser(SHELF).pick(taste, 5), "the same taste gets the same picks"
        assert [each.score for each in found] == sorted((e.score for e in found), reverse=True)
        for each in found:
            assert each.score == pytest.approx(sum(each.parts.values()), abs=1e-6)
            assert each.reasons
            assert each.id not in taste.owned | {id_ for id_, _ in taste.seen}


def test_without_a_catalogue_products_are_those_that_events_have_named() -> None:
    shelf = Shelf(None, TRAINED, NOW)
    assert ids(picks(shelf=shelf))[:2] == ["rabbit", "wagon"]
    assert not picks(shelf=Shelf(None, None, NOW))


def test_a_product_that_left_the_catalogue_is_not_picked() -> None:
    gone = TRAINED.products.index("rabbit")
    renamed = [f"{id_}-old" if at == gone else id_ for at, id_ in enumerate(TRAINED.products)]
    trained = Trained(
        **{f: getattr(TRAINED, f) for f in Trained.__struct_fields__} | {"products": renamed}
    )
    found = {each.id: each for each in picks(shelf=Shelf(catalogue(), trained, NOW))}
    assert "rabbit-old" not in found
    assert found["rabbit"].score == 0, "its popularity was another product's"


def test_a_shop_on_its_first_day_fills_its_page_and_says_that_nothing_is_known() -> None:
    found = picks(len(IDS), shelf=Shelf(catalogue(), None, NOW))
    assert set(ids(found)) == set(IDS) - {"wagon"}, "all but what is not to be had"
    assert ids(found)[:4] == ["chess", "bear", "bridge", "rabbit"], "new, then of all kinds"
    assert {(each.score, *each.reasons) for each in found[1:]} == {(0, "from the catalogue")}
    assert all(each.score == pytest.approx(sum(each.parts.values())) for each in found)


def test_what_fills_a_page_is_neither_owned_nor_for_another_age() -> None:
    quiet = Shelf(catalogue(), None, NOW)
    found = picks(shelf=quiet, owned=frozenset({"bear"}), attributes={"age": 7})
    assert set(ids(found)) == {"rabbit", "engine", "bridge"}


def test_what_speaks_for_itself_stands_before_what_fills() -> None:
    found = picks()
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert found[-1].reasons == ["from the catalogue"]


def test_what_goes_with_a_product_is_not_filled_with_what_does_not() -> None:
    quiet = Shelf(catalogue(), None, NOW)
    assert ids(picks(shelf=quiet, about="gone")) == ["chess"], "it is new; of the rest nothing"
