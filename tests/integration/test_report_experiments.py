"""footfall report experiments on what is in ClickHouse: every number is known beforehand."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from infra.cli.context import EXAMPLE_SITE
from infra.reports.experiments import outcomes, report
from infra.reports.forms.page import as_page
from personalize_api.experiments.arms import assign
from schemas.settings import Settings
from schemas.site import Experiment, Site
from schemas.site_file import load
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.rows import EVENTS
from tests.sink_world import DAY, MINUTE, NOON, Store, event, new_device, store

SITE = load(EXAMPLE_SITE)
SINCE, UNTIL = NOON - DAY, NOON + DAY


@pytest.fixture(scope="module")
def opened(settings: Settings) -> Iterator[Store]:
    with store(settings) as one:
        migrate(settings.clickhouse, site=SITE)
        yield one
        migrate(settings.clickhouse)  # as the others want it


def shop(**more: Any) -> Site:
    """With one experiment of a name that no other test has."""
    hero = msgspec.structs.replace(SITE.experiments["hero"], name=f"e-{uuid.uuid4().hex[:8]}")
    hero = msgspec.structs.replace(hero, **more)
    return msgspec.structs.replace(SITE, experiments={hero.name: hero})


def only(site: Site) -> Experiment:
    (experiment,) = site.experiments.values()
    return experiment


def show(
    opened: Store,
    site: Site,
    arm: str,
    persons: int,
    orders: int = 0,
    medium: str = "search",
    price: str = "10.0000",
    currency: str = "EUR",
) -> None:
    """So many persons are shown the arm; the first of them order twice what they order."""
    rows = []
    for number in range(persons):
        device = new_device()
        given = {"experiment": only(site).name, "arm": arm, "referrer_medium": medium}
        rows.append(event(device, number, variant=arm, **given))
        if number < orders:
            order: dict[str, Any] = {"type": "track", "name": "Order Completed"}
            paid = {"revenue": price, "currency": currency}
            for at in (MINUTE, 2 * MINUTE):  # by the browser and by the backend
                rows.append(event(device, at + number, order_id=device, **paid, **order))
    opened.put(EVENTS, *rows)


def rows_of(opened: Store, site: Site) -> dict[str, Any]:
    rows, _ = outcomes(opened.client, site, SINCE, UNTIL)
    return {row.arm: row for row in rows}


def test_arms_are_compared_with_the_holdout_and_the_base_stands_first(opened: Store) -> None:
    site = shop(holdout=0.5)
    show(opened, site, "holdout", 1000, 30)
    show(opened, site, "search-hero", 500, 60)
    show(opened, site, "classic", 500, 16)
    rows = rows_of(opened, site)
    assert list(rows) == ["holdout", "search-hero", "classic"]
    assert [(row.exposed, row.converted) for row in rows.values()] == [
        (1000, 30),
        (500, 60),
        (500, 16),
    ]
    assert [row.verdict for row in rows.values()] == ["default", "higher", "no difference seen"]
    best = rows["search-hero"]
    assert best.lift == pytest.approx(0.09)
    assert 0 < best.lift_low < 0.09 < best.lift_high
    assert min(best.beats, best.best) > 0.999
    assert rows["holdout"].lift is None
    assert rows["holdout"].best is None
    assert [row.share_expected for row in rows.values()] == [0.5, 0.25, 0.25]
    assert best.sample_ratio_p == pytest.approx(1)


def test_money_counts_once_an_order_and_from_the_exposure_on(opened: Store) -> None:
    site = shop(arms={"a": 1.0}, holdout=0.5)
    show(opened, site, "holdout", 100, 10)
    show(opened, site, "a", 99, 20)
    early = new_device()
    given = {"experiment": only(site).name, "arm": "a", "referrer_medium": "search"}
    order: dict[str, Any] = {"type": "track", "name": "Order Completed", "currency": "EUR"}
    dollars = {**order, "currency": "USD"}
    opened.put(
        EVENTS,
        event(early, 0, order_id="before", revenue="99.0000", **order),
        event(early, MINUTE, variant="a", **given),
        event(early, 2 * MINUTE, order_id="after", revenue="7.0000", **order),
        event(
            early,
            2 * MINUTE,
            order_id="dollars",
            revenue="100.0000",
            **dollars,
        ),
    )
    rows = rows_of(opened, site)
    assert rows["holdout"].revenue == pytest.approx(1)
    assert rows["a"].revenue == pytest.approx((20 * 10 + 7 + 92) / 100)
    assert rows["a"].revenue_lift == pytest.approx(1.99)
    assert rows["a"].revenue_lift_low < 1.99 < rows["a"].revenue_lift_high
    assert rows["a"].currency == "EUR"
    show(opened, site, "a", 1, 1, currency="XAU")
    (note,) = outcomes(opened.client, site, SINCE, UNTIL)[1]
    assert "revenue is without 1 orders" in note


def test_what_comes_later_than_it_may_is_neither_success_nor_money(opened: Store) -> None:
    site = shop(arms={"a": 1.0}, within_ms=MINUTE)
    show(opened, site, "a", 100, 50)  # an order's first word comes after a minute, to the second
    for late in (0, 1):
        device, given = new_device(), {"experiment": only(site).name, "arm": "a"}
        order: dict[str, Any] = {"type": "track", "name": "Order Completed", "currency": "EUR"}
        opened.put(
            EVENTS,
            event(device, 0, variant="a", **given),
            event(device, MINUTE + late, order_id=device, revenue="20.0000", **order),
        )
    rows = rows_of(opened, site)
    assert (rows["a"].exposed, rows["a"].converted) == (102, 51)
    assert rows["a"].revenue == pytest.approx((50 * 10 + 20) / 102)


def test_a_split_that_was_not_asked_for_gets_no_verdict(opened: Store) -> None:
    site = shop()
    show(opened, site, "holdout", 100, 1)
    show(opened, site, "search-hero", 460, 100)
    show(opened, site, "classic", 340, 10)
    rows, notes = outcomes(opened.client, site, SINCE, UNTIL)
    assert {row.verdict for row in rows} == {"mismatch"}
    assert "persons are not divided as the site file says (p = 7e-05)" in notes[0]


def test_below_thirty_and_of_an_arm_that_is_gone_there_is_no_verdict(opened: Store) -> None:
    site = shop()
    show(opened, site, "holdout", 29, 0)
    show(opened, site, "search-hero", 130, 60)
    show(opened, site, "classic", 130, 2)
    show(opened, site, "old", 40, 1)
    verdicts = {arm: row.verdict for arm, row in rows_of(opened, site).items()}
    assert verdicts == {
        "holdout": "default",
        "search-hero": "too few",
        "classic": "too few",
        "old": "removed",
    }


def test_thompsons_arms_are_compared_among_the_same_visitors(opened: Store) -> None:
    """Both arms are as good as the hold-out; the second was shown to those who buy anyway."""
    site = shop(arms={"a": 1.0, "b": 1.0}, allocation="thompson", delay_ms=MINUTE)
    for medium, a, b, holdout, rate in (
        ("search", 450, 50, 50, 0.02),
        ("email", 50, 450, 50, 0.2),
    ):
        for arm, n in (("a", a), ("b", b), ("holdout", holdout)):
            show(opened, site, arm, n, round(n * rate), medium)
    rows = rows_of(opened, site)
    assert rows["b"].converted > 4 * rows["a"].converted
    for arm in ("a", "b"):
        assert rows[arm].rate == pytest.approx(0.11)
        assert rows[arm].lift == pytest.approx(0)
        assert rows[arm].verdict == "adaptive"
        assert rows[arm].share_expected is None
    assert rows["a"].sample_ratio_p == pytest.approx(0.31, abs=0.02)  # 100 held out of 1,100


def test_the_young_are_left_out_where_thompson_learns(opened: Store) -> None:
    site = shop(allocation="thompson", delay_ms=60 * MINUTE)
    show(opened, site, "classic", 40, 4)
    at = NOON + 30 * MINUTE
    assert outcomes(opened.client, site, SINCE, UNTIL, now_ms=at) == ([], [])
    rows, _ = outcomes(opened.client, site, SINCE, UNTIL, now_ms=at + 60 * MINUTE)
    assert [(row.arm, row.exposed) for row in rows] == [("classic", 40)]


def test_where_nothing_differs_nothing_is_found_and_the_page_says_all(opened: Store) -> None:
    site = shop()
    split = only(site)
    arms = [assign(split, f"visitor-{n}") for n in range(2000)]
    for arm in ("holdout", "search-hero", "classic"):
        show(opened, site, arm, arms.count(arm), arms.count(arm) // 20)
    found = report(opened.client, site, SINCE, UNTIL)
    verdicts = [found.cell(row, "verdict") for row in found.rows]
    assert verdicts == ["default", "no difference seen", "no difference seen"]
    page = as_page(found)
    for text in ("confidence sequence", "search-hero", "no difference seen", "<svg"):
        assert text in page
