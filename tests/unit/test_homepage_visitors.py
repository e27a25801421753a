"""A visitor's class and login, as a function of the states."""

from __future__ import annotations

from personalize_api.recognize.visitors import Owner, Visitor, describe, owner_now, shown_first
from schemas.activity import Activity, Exposure, exposure_name, with_cell
from schemas.device_state import DeviceState
from schemas.ids import person_of_device, person_of_user
from schemas.person_state import Contribution, PersonState
from schemas.purchases import Purchase

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
GAP = 30 * MINUTE
NOW = 1_800_000_000_000


def device(
    last_seen: int = NOW - MINUTE,
    starts: tuple[int, ...] = (NOW - 2 * MINUTE,),
    past_sessions: int = 0,
    logins: tuple[tuple[str, int, int], ...] = (),
    orders: tuple[int, ...] = (),
    activity: Activity | None = None,
) -> DeviceState:
    return DeviceState(
        first_seen=starts[0],
        last_seen=last_seen,
        starts=starts,
        past_sessions=past_sessions,
        logins=logins,
        orders=tuple(Purchase(time, b"1") for time in orders),
        activity=activity or {},
    )


def person(user: str, orders: int = 0, *, gone: bool = False) -> PersonState:
    contribution = Contribution(1, gone, 0, 0, 1, orders, {})
    return PersonState(user_id=user, counted=True, devices={"other": contribution})


def seen(state: DeviceState | None, of: PersonState | None = None) -> Visitor:
    owner = owner_now("d", state, NOW) if state else Owner()
    return describe("d", state, of, owner, NOW, GAP)


def test_who_has_no_state_is_first_time() -> None:
    assert seen(None).class_ == "first-time"


def test_who_is_in_the_first_visit_is_still_first_time() -> None:
    assert seen(device()).class_ == "first-time"


def test_who_comes_back_after_a_pause_is_returning() -> None:
    assert seen(device(last_seen=NOW - GAP)).class_ == "first-time"
    assert seen(device(last_seen=NOW - GAP - 1)).class_ == "returning"


def test_a_second_session_makes_returning() -> None:
    assert seen(device(starts=(NOW - 9 * HOUR, NOW - MINUTE))).class_ == "returning"
    assert seen(device(past_sessions=1)).class_ == "returning"


def test_who_logged_in_once_is_registered_also_after_logout() -> None:
    login = ("anna", NOW - HOUR, NOW - HOUR)
    logout = ("", NOW - MINUTE, NOW - MINUTE)
    visitor = seen(device(logins=(login,)))
    assert (visitor.class_, visitor.logged_in, visitor.user_id) == ("registered", True, "anna")
    assert visitor.person_id == person_of_user("anna")
    visitor = seen(device(logins=(login, logout)))
    assert (visitor.class_, visitor.logged_in, visitor.user_id) == ("registered", False, "")
    assert visitor.person_id == person_of_device("d", NOW - MINUTE)


def test_who_ordered_on_any_device_is_a_customer() -> None:
    login = ("anna", NOW - HOUR, NOW - HOUR)
    assert seen(device(orders=(NOW - HOUR,))).class_ == "customer"
    assert seen(device(logins=(login,)), person("anna", orders=2)).class_ == "customer"
    assert seen(device(logins=(login,)), person("anna", orders=2)).orders == 2


def test_what_a_lost_device_contributed_does_not_count() -> None:
    login = ("anna", NOW - HOUR, NOW - HOUR)
    state = device(logins=(login,))
    assert seen(state, person("anna", orders=2, gone=True)).class_ == "registered"


def test_an_order_before_the_login_is_of_that_login() -> None:
    state = device(logins=(("anna", NOW - HOUR, NOW - HOUR),), orders=(NOW - 2 * HOUR,))
    assert seen(state).class_ == "customer"


def test_an_order_of_another_user_of_the_device_is_not_this_ones() -> None:
    state = device(
        logins=(("anna", NOW - DAY, NOW - DAY), ("ben", NOW - HOUR, NOW - HOUR)),
        orders=(NOW - 2 * HOUR,),
    )
    visitor = seen(state)
    assert (visitor.user_id, visitor.class_) == ("ben", "registered")


def test_after_a_logout_the_next_login_has_the_device_since_then() -> None:
    marks = (("anna", 10, 20), ("", 30, 30), ("ben", 50, 60))
    assert owner_now("d", device(logins=marks), NOW) == Owner("ben", since=31)


def test_a_login_after_anothers_has_the_device_since_its_own_mark() -> None:
    marks = (("anna", 10, 20), ("ben", 50, 60))
    assert owner_now("d", device(logins=marks), NOW) == Owner("ben", since=50)


def test_the_owner_is_the_latest_mark_not_after_now() -> None:
    state = device(logins=(("anna", NOW - HOUR, NOW - 3), ("ben", NOW - 2 * HOUR, NOW - 5)))
    assert owner_now("d", state, NOW).user_id == "anna"
    assert owner_now("d", state, NOW - 4).user_id == "ben"


def test_before_any_login_the_device_is_of_the_next_one() -> None:
    state = device(logins=(("anna", NOW + 5, NOW + 5),))
    assert owner_now("d", state, NOW) == Owner("anna", since=0)


def test_a_day_with_too_many_users_says_nothing() -> None:
    state = device(logins=(("\x00over", NOW - HOUR, NOW - HOUR),))
    visitor = seen(state)
    assert (visitor.logged_in, visitor.class_) == (False, "first-time")


def test_who_clicked_in_a_mail_is_known_and_not_logged_in() -> None:
    state = device()
    state.clicks = (("anna", NOW - HOUR, NOW - HOUR),)
    visitor = seen(state)
    assert (visitor.user_id, visitor.logged_in) == ("anna", False)
    assert visitor.person_id == person_of_user("anna")


def test_a_login_that_was_taken_back_is_none() -> None:
    state = device(logins=(("anna", NOW - HOUR, NOW - HOUR),))
    state.revoked = (("anna", NOW - HOUR),)
    visitor = seen(state)
    assert (visitor.user_id, visitor.class_) == ("", "first-time")


def shown(*arms: tuple[int, str]) -> Activity:
    """Of an experiment, so many ms ago."""
    activity = Activity()
    for ago, arm in arms:
        activity = with_cell(activity, exposure_name("hero:1", arm, "search"), NOW - ago)
    return activity


def of_person(**devices: Activity) -> PersonState:
    return PersonState(
        "anna",
        True,
        {
            name: Contribution(1, False, NOW - DAY, NOW, 1, 0, activity=activity)
            for name, activity in devices.items()
        },
    )


def test_the_first_arm_on_any_device_of_the_person_is_that_of_all() -> None:
    phone = device(activity=shown((HOUR, "b")))
    anna = of_person(phone=shown((HOUR, "b")), laptop=shown((DAY, "a"), (MINUTE, "b")))
    assert shown_first(phone, anna, Owner("anna")) == {"hero:1": Exposure(NOW - DAY, "a", "search")}


def test_of_a_device_that_nobody_owns_its_own_state_is_enough() -> None:
    phone = device(activity=shown((HOUR, "b")))
    assert shown_first(phone, None, Owner())["hero:1"].arm == "b"
    assert shown_first(device(), None, Owner()) == shown_first(None, None, Owner()) == {}


def test_what_others_were_shown_on_the_device_before_is_not_this_ones() -> None:
    phone = device(activity=shown((DAY, "a"), (MINUTE, "b")))
    assert shown_first(phone, None, Owner("ben", since=NOW - HOUR))["hero:1"].arm == "b"
    assert shown_first(phone, None, Owner("", after_logout=NOW - HOUR))["hero:1"].arm == "b"
    assert shown_first(phone, None, Owner("", after_logout=NOW - MINUTE)) == {}
    assert shown_first(phone, None, Owner("", after_logout=NOW - 2 * DAY))["hero:1"].arm == "a"
