"""`/v1/homepage` for an account with several profiles: the one that is asked for decides."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
import redis

from schemas.device_state import encode_device_state
from schemas.ids import person_of_user
from schemas.person_state import Contribution, PersonState, encode_person_state
from schemas.profiles import AttributeValue, Fact, Profiles
from schemas.redis_keys import device_key, person_key
from schemas.settings import Settings
from schemas.site import Homepage, Range, Scenario
from tests.integration.personalize_service import (
    ADMIN,
    BROWSER_KEY,
    SERVER_KEY,
    SITE,
    Client,
    device_state,
    serving,
)

KIDS = msgspec.structs.replace(
    SITE,
    homepage=Homepage(
        default="classic",
        scenarios=(
            Scenario(
                name="my-kids",
                when={"logged_in": (True,), "profile.age": (Range(low=0, high=9),)},
                variant="my-kids",
            ),
            Scenario(name="trains", when={"profile.likes": ("trains",)}, variant="trains"),
        ),
    ),
)


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    with redis.Redis.from_url(redis_url) as store:
        account: Profiles = {"": {"age": Fact(2, b"", 40)}}
        phone = told(1, child={"age": 12, "likes": ("bears", "trains")}, baby={"age": 1})
        laptop = told(2, child={"age": 7}) | account
        devices = {
            "phone": contribution(phone),
            "laptop": contribution(laptop),
            "lost": contribution({}, gone=True),
        }
        state = PersonState(user_id="anna", counted=True, devices=devices)
        store.set(person_key(person_of_user("anna")), encode_person_state(state))
        laptop_state = device_state(logins=(("anna", 5, 5),))
        store.set(device_key("annas-laptop"), encode_device_state(laptop_state))
    with serving(addresses, KIDS) as client:
        yield client


def told(time: int, **profiles: dict[str, AttributeValue]) -> Profiles:
    return {
        name: {attribute: Fact(time, b"", value) for attribute, value in held.items()}
        for name, held in profiles.items()
    }


def contribution(profiles: Profiles, *, gone: bool = False) -> Contribution:
    return Contribution(1, gone, 0, 0, 1, 0, profiles)


def test_the_profile_that_is_asked_for_decides(client: Client) -> None:
    child = client.homepage(SERVER_KEY, user_id="anna", profile_id="child")
    assert (child["variant"], child["scenario"]) == ("my-kids", "my-kids")
    assert child["reason"] == "logged_in is true and profile.age is 7"  # as the laptop said later
    own = client.homepage(SERVER_KEY, user_id="anna", explain=1)
    assert (own["variant"], own["explained"][0]["why"]) == (
        "classic",
        "profile.age is 40, not 0..9",
    )


def test_a_device_of_the_account_changes_nothing_about_that(client: Client) -> None:
    child = client.homepage(
        SERVER_KEY, user_id="anna", profile_id="baby", anonymous_id="annas-laptop"
    )
    assert child["reason"] == "logged_in is true and profile.age is 1"


def test_a_profile_nobody_told_of_is_not_known(client: Client) -> None:
    for asked in ({"profile_id": "uncle"}, {"profile_id": "uncle", "anonymous_id": "x"}):
        answer = client.homepage(SERVER_KEY, user_id="anna", explain=1, **asked)
        assert answer["explained"][0]["why"] == "profile.age is not known"
    nobody = client.homepage(SERVER_KEY, user_id="nobody", profile_id="child", explain=1)
    assert nobody["explained"][0]["why"] == "profile.age is not known"


def test_one_of_several_likes_is_enough(client: Client) -> None:
    answer = client.homepage(SERVER_KEY, user_id="anna", profile_id="child", explain=1)
    assert answer["explained"][1]["why"] == "profile.likes is bears, trains"


def test_a_login_that_only_a_page_told_of_unlocks_no_profile(client: Client) -> None:
    """The laptop is Anna's by its events, and those a page may have made up."""
    for headers in ({}, BROWSER_KEY, SERVER_KEY):
        answer = client.homepage(headers, anonymous_id="annas-laptop", profile_id="child")
        assert answer["visitor"]["logged_in"] is True
        assert answer["variant"] == "classic"


def test_one_touch_shows_all_profiles(client: Client) -> None:
    for identifier in ("anna", "annas-laptop"):
        found = client.ask(f"/v1/visitors/{identifier}", headers=ADMIN).json()
        assert found["profiles"] == [
            {"profile_id": "", "attributes": {"age": 40}},
            {"profile_id": "baby", "attributes": {"age": 1}},
            {"profile_id": "child", "attributes": {"age": 7, "likes": ["bears", "trains"]}},
        ]
