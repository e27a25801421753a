"""A person's profile, as a function of the set of contributions."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.activity import Activity, exposure_name, interest_name, touch_name, with_cell
from schemas.person_profile import HALF_LIFE_MS, PersonProfile, frequency_of, profile_of, recency_of
from schemas.person_state import Contribution
from schemas.purchases import UNIT, Purchase
from schemas.site import LifecycleRules

DAY = 86_400_000
NOW = 1_790_000_000_000
RULES = LifecycleRules()


def held(
    *said: tuple[str, int, int],
    purchases: tuple[Purchase, ...] = (),
    days: tuple[int, ...] = (),
    first_seen: int = NOW - 10 * DAY,
    last_seen: int = NOW - DAY,
    sessions: int = 1,
    gone: bool = False,
) -> Contribution:
    activity = Activity()
    for name, days_ago, bits in said:
        activity = with_cell(activity, name, NOW - days_ago * DAY, bits)
    return Contribution(
        1, gone, first_seen, last_seen, sessions, 0,
        purchases=purchases, activity=activity, days=days,
    )  # fmt: skip


def person(*contributions: Contribution, has_login: bool = False) -> PersonProfile:
    return profile_of(contributions, RULES, NOW, has_login=has_login)


def looked(category: str, days_ago: int, times: int = 1) -> tuple[str, int, int]:
    return interest_name(category), days_ago, 2**times - 1


def bought(order: bytes, days_ago: int, euros: int, *categories: str) -> Purchase:
    return Purchase(NOW - days_ago * DAY, order, euros * UNIT, "EUR", categories)


def test_nobody_is_a_first_time_visitor() -> None:
    nobody = person()
    assert (nobody.class_, nobody.lifecycle, nobody.recency) == ("first-time", "visitor", "active")
    assert (nobody.orders, nobody.money, nobody.interests) == (0, {}, ())


def test_an_interest_counts_half_after_two_weeks() -> None:
    weeks = HALF_LIFE_MS // DAY
    profile = person(held(looked("trains", 0), looked("dolls", weeks)))
    assert [(i.category, i.score) for i in profile.interests] == [("trains", 1.0), ("dolls", 0.5)]
    assert sum(i.share for i in profile.interests) == pytest.approx(1, abs=1e-3)


def test_an_order_tells_more_of_an_interest_than_a_look_and_once_only() -> None:
    browser = held(looked("trains", 0), purchases=(bought(b"1", 0, 20, "dolls"),))
    backend = held(purchases=(bought(b"1", 0, 20, "dolls"),))
    profile = person(browser, backend)
    assert [(i.category, i.score) for i in profile.interests] == [("dolls", 5.0), ("trains", 1.0)]


def test_browser_and_backend_do_not_double_orders_and_money() -> None:
    order = bought(b"1", 3, 20)
    profile = person(held(purchases=(order,)), held(purchases=(order, bought(b"2", 1, 5))))
    assert (profile.orders, profile.money) == (2, {"EUR": 25 * UNIT})
    assert (profile.first_order, profile.last_order) == (NOW - 3 * DAY, NOW - DAY)
    assert (profile.class_, profile.frequency, profile.lifecycle) == (
        "customer",
        "second-time",
        "second-time",
    )


def test_a_lost_device_contributes_nothing() -> None:
    lost = held(looked("trains", 0), purchases=(bought(b"1", 3, 20),), gone=True)
    assert person(lost) == person()


def test_first_and_last_touch_are_of_all_devices() -> None:
    phone = held((touch_name("search", "Google", ""), 5, 0))
    laptop = held((touch_name("email", "Newsletter", "spring"), 2, 0))
    profile = person(laptop, phone)
    assert profile.first_touch is not None
    assert profile.last_touch is not None
    assert (profile.first_touch.medium, profile.first_touch.source) == ("search", "Google")
    assert (profile.last_touch.source, profile.last_touch.campaign) == ("Newsletter", "spring")


def test_the_arm_is_that_of_the_earliest_exposure_over_all_devices() -> None:
    phone = held((exposure_name("hero:1", "big", "email"), 2, 0))
    laptop = held((exposure_name("hero:1", "small", "search"), 3, 0))
    assert person(phone, laptop).exposures["hero:1"] == (NOW - 3 * DAY, "small", "search")


def test_a_day_with_visits_on_two_devices_is_one_day() -> None:
    assert person(held(days=(1, 2)), held(days=(2, 3))).days == 3


def test_classes_have_their_borders() -> None:
    ages = [0, 30 * DAY, 30 * DAY + 1, 90 * DAY, 90 * DAY + 1, 365 * DAY, 365 * DAY + 1]
    assert [recency_of(age, RULES) for age in ages] == [
        *("active", "active", "silent", "silent", "asleep", "asleep", "lost")
    ]
    assert [frequency_of(n) for n in range(8)] == [
        *("", "new", "second-time", "repeat", "repeat", "repeat", "loyal", "loyal")
    ]


@pytest.mark.parametrize(
    ("orders", "days_silent", "has_login", "stage"),
    [
        (0, 1, False, "visitor"),
        (0, 400, False, "visitor"),
        (0, 1, True, "lead"),
        (1, 1, False, "new"),
        (6, 1, True, "loyal"),
        (6, 40, True, "silent"),
        (1, 400, True, "lost"),
    ],
)
def test_the_lifecycle_stage(orders: int, days_silent: int, has_login: bool, stage: str) -> None:
    purchases = tuple(bought(b"%d" % n, days_silent, 1) for n in range(orders))
    one = held(purchases=purchases, first_seen=0, last_seen=NOW - days_silent * DAY)
    assert person(one, has_login=has_login).lifecycle == stage


def test_what_a_version_wrote_that_knew_only_the_number_of_orders_counts() -> None:
    assert person(Contribution(1, False, 1, 2, 1, 3)).orders == 3


contributions = st.lists(
    st.builds(
        lambda said, paid, day: held(*said, purchases=tuple(paid), days=(day,)),
        st.lists(
            st.builds(looked, st.sampled_from(["a", "b"]), st.integers(0, 90), st.integers(1, 9)),
            max_size=5,
        ),
        st.lists(
            st.builds(bought, st.sampled_from([b"1", b"2"]), st.integers(0, 9), st.integers(0, 9)),
            max_size=3,
        ),
        st.integers(1, 5),
    ),
    max_size=6,
)


@given(contributions, st.randoms(use_true_random=False))
def test_contributions_are_a_set(found: list[Contribution], chance: random.Random) -> None:
    mixed = list(found)
    chance.shuffle(mixed)
    assert person(*mixed) == person(*found)
