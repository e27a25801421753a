"""Weights of picks: learned where there is enough, and used only where they are better."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from infra.picks.cases import Case
from infra.picks.choices import SHORTLIST, choices_of
from infra.picks.learn import LEAST_CASES, Tried, judge, learn
from infra.picks.logit import Choices, fit
from infra.picks.when import Learn
from personalize_api.picks.choose import Chooser
from personalize_api.picks.shelf import Shelf
from personalize_api.picks.taste import Taste
from personalize_api.picks.weights import USUAL, in_use
from schemas.pick_model import Weighed
from tests.benchmarks.picks_worlds import Recorded
from tests.unit.test_picks import NOW, SHELF, TRAINED, catalogue

DAY = 86_400_000


def chosen_by(weights: list[float], cases: int, parts: int = 3) -> Choices:
    """So many choices among 20 products, made by weights that are to be found again."""
    chance = np.random.default_rng(5)
    values = chance.random((cases, 20, parts))
    likely = values @ np.array(weights) + chance.gumbel(size=(cases, 20))
    return Choices(values, np.ones((cases, 20), np.bool_), likely.argmax(1))


def test_weights_that_made_the_choices_are_found_again() -> None:
    fitted = fit(chosen_by([4.0, 2.0, 0.0], 6000), np.array([1.0, 1.0, 1.0]))
    assert fitted[1] / fitted[0] == pytest.approx(0.5, abs=0.06)
    assert fitted[2] / fitted[0] < 0.06


def test_a_weight_is_never_below_nothing() -> None:
    fitted = fit(chosen_by([4.0, 2.0, -3.0], 6000), np.array([1.0, 1.0, 1.0]))
    assert fitted[2] == 0
    assert fitted[1] / fitted[0] == pytest.approx(0.5, abs=0.1), "those left are still the best"


def test_few_choices_hardly_move_the_usual_weights() -> None:
    usual = np.array([1.0, 1.0, 1.0])
    few, many = (fit(chosen_by([4.0, 2.0, 0.0], count), usual) for count in (20, 6000))
    assert np.abs(few - usual).max() < 0.35 * np.abs(many - usual).max()
    assert fit(chosen_by([1, 1, 1], 0), usual).tolist() == usual.tolist()


def test_a_part_that_says_nothing_here_keeps_its_usual_weight() -> None:
    choices = chosen_by([4.0, 2.0, 0.0], 2000)
    choices.values[:, :, 2] = 0
    assert fit(choices, np.array([1.0, 1.0, 0.7]))[2] == pytest.approx(0.7, abs=1e-3)


def test_the_same_choices_give_the_same_weights_in_any_order_of_products() -> None:
    choices = chosen_by([4.0, 2.0, 1.0], 500)
    turned = Choices(choices.values[:, ::-1], choices.there, 19 - choices.found)
    usual = np.array([1.0, 1.0, 1.0])
    assert np.array_equal(fit(choices, usual), fit(choices, usual))
    assert fit(turned, usual) == pytest.approx(fit(choices, usual), abs=1e-4)


def test_what_is_not_there_to_choose_is_as_if_it_were_not() -> None:
    choices = chosen_by([4.0, 2.0, 1.0], 500)
    wider = np.concatenate([choices.values, np.full((500, 5, 3), 9.0)], 1)
    there = np.concatenate([choices.there, np.zeros((500, 5), np.bool_)], 1)
    usual = np.array([1.0, 1.0, 1.0])
    assert fit(Choices(wider, there, choices.found), usual) == pytest.approx(
        fit(choices, usual), abs=1e-4
    )


def test_a_choice_is_among_what_stands_first_and_may_be_shown() -> None:
    cases = [
        Case(1, "bridge", Taste(seen=(("engine", 1.0),)), 1),
        Case(1, "wagon", Taste(seen=(("engine", 1.0),)), 1),
        Case(2, "unheard-of", Taste(), 0),
    ]
    choices = choices_of(Shelf(catalogue(), TRAINED, NOW, USUAL), cases)
    assert choices.values.shape == (1, SHORTLIST, len(USUAL)), "the wagon is not to be had"
    assert choices.there[0].sum() < len(SHELF), "the engine was seen"
    viewed = choices.values[0, :, list(USUAL).index("viewed together")]
    assert viewed[choices.found[0]] == pytest.approx(0.3, abs=0.01)


def weighed(**told: object) -> Weighed:
    fields = {"weights": {"popular": 3.0, "gone": 1.0}, "adopted": True, "why": "better"}
    return Weighed(**{**fields, "learned_at": NOW, "persons": 100} | told)  # type: ignore[arg-type]


def test_learned_weights_count_where_they_were_found_better() -> None:
    assert in_use(weighed()) == {**USUAL, "popular": 3.0}, "what was not learned counts as usual"
    assert in_use(weighed(adopted=False)) == USUAL
    assert in_use(None) == USUAL
    assert min(in_use(weighed(weights={"popular": -1.0})).values()) >= 0, "nobody may turn it round"
    assert in_use(weighed(weights={"popular": 0.0}))["popular"] > 0, "all that strangers get"


def test_a_score_counts_each_part_by_the_weight_in_use() -> None:
    taste = Taste(seen=(("engine", 1.0),))
    usual = {each.id: each.parts for each in Chooser(SHELF).pick(taste, 9)}["bridge"]
    double = {name: 2 * weight for name, weight in USUAL.items()}
    own = Shelf(catalogue(), TRAINED, NOW, double)
    parts = {each.id: each.parts for each in Chooser(own).pick(taste, 9)}["bridge"]
    assert parts["viewed together"] == pytest.approx(2 * usual["viewed together"], abs=1e-3)
    assert parts["popular" if "popular" in parts else "similar"] > 0


def test_weights_are_learned_daily_and_where_many_more_came() -> None:
    before = weighed(learned_at=TRAINED.trained_at, persons=TRAINED.persons)
    assert not Learn.DUE.is_now(before, TRAINED)
    assert Learn.DUE.is_now(weighed(learned_at=NOW - DAY, persons=TRAINED.persons), TRAINED)
    assert Learn.DUE.is_now(weighed(persons=TRAINED.persons // 2), TRAINED)
    assert Learn.DUE.is_now(None, TRAINED)
    assert Learn.NOW.is_now(before, TRAINED)
    assert not Learn.NEVER.is_now(None, TRAINED)


def tried(usual: float, learned: float, cases: int = 400) -> Tried:
    """Of each, in such a share of cases it stood first, else tenth."""
    chance = np.random.default_rng(2)
    ranks = {
        name: np.where(chance.random(cases) < share, 1.0, 10.0)
        for name, share in (("popular", 0.1), ("usual", usual), ("learned", learned))
    }
    return Tried([Case(n, "p", Taste(), 1) for n in range(cases)], ranks)


def test_what_is_not_found_better_is_not_used() -> None:
    assert judge(tried(0.2, 0.3), 999).adopted
    same = judge(tried(0.3, 0.3), 999)
    assert not same.adopted
    assert "not clearly better" in same.why
    assert not judge(tried(0.3, 0.2), 999).adopted
    chance = tried(0.2, 0.2)
    chance.ranks["learned"][:] = chance.ranks["usual"]
    chance.ranks["learned"][:11] = [1] * 6 + [10] * 5
    chance.ranks["usual"][:11] = [10] * 6 + [1] * 5
    verdict = judge(chance, 999)
    assert verdict.better > 0
    assert not verdict.adopted, "six better and five worse is chance"
    few = judge(tried(0.1, 0.9, LEAST_CASES - 1), 999)
    assert not few.adopted
    assert few.why.startswith("too little to judge by")


def trails(visits: int, *, turn: bool = False) -> Recorded:
    """Everybody goes on from a product to the next one of a circle; what is popular says nothing.

    `turn`: in the last quarter they go the other way round.
    """
    chance = np.random.default_rng(9)
    rows = []
    for visit in range(visits):
        start, at = int(chance.integers(40)), NOW - (visits - visit) * 40 * DAY // visits
        way = -1 if turn and visit > 0.75 * visits else 1
        for step in range(4):
            product = f"p{(start + way * step) % 40:02d}"
            rows.append((visit, visit, at + step, product, "", "", "", "look"))
    names = ("person", "visit", "at", "product", "category", "source", "scenario", "what")
    types = (pl.UInt64, pl.UInt64, pl.Int64, *[pl.String] * 5)
    return Recorded(pl.DataFrame(rows, dict(zip(names, types, strict=True)), orient="row"))


def test_a_site_where_one_thing_leads_to_another_learns_that() -> None:
    found = learn(trails(500), None, NOW, 500)
    weights = found.weights
    assert weights["viewed next"] > 0.8 * USUAL["viewed next"]
    assert 0 < weights["popular"] < 0.3 * USUAL["popular"], "strangers still get something"
    assert found.measured["usual"].gain_low > 0.2, "popular is no guess at all here"
    assert found.judged_cases > LEAST_CASES
    assert 0 < found.judged_visits < found.judged_cases
    assert found.judged_since < found.judged_until == NOW


def test_weights_are_judged_on_visits_later_than_those_they_were_learned_from() -> None:
    asked: list[tuple[str, int, int]] = []

    class Watched(Recorded):
        def __init__(self, of: Recorded) -> None:
            self.__dict__ = of.__dict__

        def trained(self, until: int):  # type: ignore[no-untyped-def]
            asked.append(("table", 0, until))
            return super().trained(until)

        def done(self, since: int, until: int) -> pl.DataFrame:
            asked.append(("visits", since, until))
            return super().done(since, until)

    learn(Watched(trails(250)), None, NOW, 250)
    (table, visits), *later = zip(asked[::2], asked[1::2], strict=True)
    assert table[0] == "table"
    assert table[2] == visits[1], "of what was before the visits that are learned from"
    for judged_by, judged in later:
        assert judged[1] >= visits[2], "judged on none that was learned from"
        assert judged_by[2] == judged[1], "with the table of their time"


def test_too_little_to_learn_from_leaves_the_usual_weights_and_says_so() -> None:
    found = learn(trails(60), None, NOW, 60)
    assert found.weights == USUAL
    assert not found.adopted
    assert found.why.startswith("too little to learn from")
    nobody = learn(trails(60), None, NOW - 900 * DAY, 0)
    assert (nobody.weights, nobody.why) == (USUAL, "nobody has looked at a product")
