"""`/v1/picks`, and the picks of a homepage, on a running service with a real Redis."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import numpy as np
import pytest
import redis

from schemas.activity import VIEWED, Activity, product_name, with_cell
from schemas.device_state import encode_device_state
from schemas.ids import person_of_device, person_of_user
from schemas.person_state import Contribution, PersonState, encode_person_state
from schemas.pick_model import Popular, Related, Trained
from schemas.profiles import Fact
from schemas.purchases import UNIT, Purchase
from schemas.redis_keys import PICKS_KEY, device_key, person_key
from schemas.settings import Settings
from schemas.site import Catalogue, Homepage, Scenario
from sinks.redis.generations import store as store_generation
from tests.integration.personalize_service import (
    BROWSER_KEY,
    SERVER_KEY,
    SITE,
    Client,
    device_state,
    now_ms,
    serving,
)
from tests.processes import await_true

ROWS = """sku,title,category,maker,stock,age_from,age_to,attributes
bear,Bruno the Bear,cuddly-toys,Bramble,3,0,99,theme=forest
engine,The Engine,trains,Rails,3,3,9,theme=railway
owl,The Owl,cuddly-toys,Bramble,3,3,6,theme=forest
signal,The Signal,trains,Rails,3,8,14,theme=railway
sold-out,The Wagon,trains,Rails,0,3,9,theme=railway
"""
POPULAR = ("sold-out", "signal", "bear", "engine", "owl")


def trained() -> Trained:
    places = np.arange(len(POPULAR), dtype=np.int32)
    scores = np.linspace(1, 0.5, len(POPULAR), dtype=np.float32)
    return Trained(
        trained_at=now_ms(),
        since=0,
        persons=7,
        products=list(POPULAR),
        titles=list(POPULAR),
        categories=["" for _ in POPULAR],
        viewed=Related(),
        bought=Related(),
        popular=Popular.of(places, scores),
        by_source={"Encyclopedia": Popular.of(np.array([2], np.int32), scores[:1])},
        by_scenario={},
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop") / "catalogue.csv"
    path.write_text(ROWS)
    return path


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str, file: Path) -> Iterator[Client]:
    site = msgspec.structs.replace(
        SITE,
        catalogue=Catalogue(file=file, id="sku", reload_s=1),
        homepage=Homepage(
            default="classic",
            scenarios=(
                Scenario(name="members", when={"logged_in": (True,)}, variant="mine", picks=2),
                Scenario(name="rest", variant="classic"),
            ),
        ),
    )
    with redis.Redis.from_url(redis_url) as store:
        store_generation(store, trained())
        put_states(store)
    with serving(addresses, site) as client:
        yield client
    with redis.Redis.from_url(redis_url) as store:
        store.delete(PICKS_KEY)


def put_states(store: redis.Redis) -> None:
    """Anna has looked at the engine on her phone and bought the bear; on her laptop, at the owl."""
    at = now_ms() - 3_600_000
    phone = with_cell(Activity(), product_name("engine"), at, VIEWED)
    laptop = with_cell(Activity(), product_name("owl"), at, VIEWED)
    bought = Purchase(at, b"1", 30 * UNIT, "EUR", (), ("bear",))
    age = {"child": {"age": Fact(at, b"1", 9), "likes": Fact(at, b"1", ("trains",))}}
    held = Contribution(1, False, at, at, 1, 1, activity=phone, purchases=(bought,), profiles=age)
    other = Contribution(1, False, at, at, 1, 0, activity=laptop)
    person = PersonState(user_id="anna", counted=True, devices={"phone": held, "laptop": other})
    store.set(person_key(person_of_user("anna")), encode_person_state(person))
    known = device_state(seen={1: b"123456"}, logins=(("anna", at, at),), activity=laptop)
    store.set(device_key("laptop"), encode_device_state(known))
    stranger = PersonState(user_id="", counted=True, devices={"stranger": other})
    store.set(person_key(person_of_device("stranger")), encode_person_state(stranger))
    anonymous = device_state(seen={1: b"123456"}, activity=laptop)
    store.set(device_key("stranger"), encode_device_state(anonymous))


def picks(client: Client, headers: Any = None, /, **inputs: object) -> Any:
    answer = client.ask(f"/v1/picks?{urlencode(inputs)}", headers=headers)
    assert answer.status == 200, answer.body
    return answer.json()


def ids(answer: Any) -> list[str]:
    return [pick["id"] for pick in answer["picks"]]


def test_a_stranger_gets_what_is_popular_and_to_be_had(client: Client) -> None:
    answer = picks(client)
    assert ids(answer) == ["signal", "bear", "engine", "owl"]
    assert answer["picks"][0]["reasons"] == ["popular now"]
    assert answer["picks"][0]["score"] == answer["picks"][0]["parts"]["popular"]


def test_where_the_visit_comes_from_decides_what_is_popular(client: Client) -> None:
    answer = picks(client, referrer="https://encyclopedia.example/wiki/Bear", limit=1)
    assert ids(answer) == ["bear"]
    assert answer["picks"][0]["reasons"] == ["popular with visitors from Encyclopedia"]


def test_a_member_gets_what_all_his_devices_and_the_profile_say(client: Client) -> None:
    answer = picks(client, SERVER_KEY, user_id="anna", profile_id="child")
    assert ids(answer) == ["signal"], "the bear is owned, engine and owl were seen, for age 9"
    assert {"likes trains", "fits age 9"} <= set(answer["picks"][0]["reasons"])


def test_a_browser_learns_nothing_of_the_members_other_devices(client: Client) -> None:
    answer = picks(client, BROWSER_KEY, anonymous_id="laptop", user_id="anna")
    assert "owl" not in ids(answer), "this device has looked at it"
    assert {"engine", "bear"} <= set(ids(answer)), "the phone has seen and bought them"
    assert not any("Engine" in reason for p in answer["picks"] for reason in p["reasons"])
    assert "person_id" not in answer["visitor"]


def test_an_anonymous_device_gets_what_is_like_what_it_looked_at(client: Client) -> None:
    answer = picks(client, anonymous_id="stranger", limit=1)
    assert ids(answer) == ["bear"]
    assert answer["picks"][0]["reasons"][0] == "because you looked at The Owl"


def test_without_consent_nothing_of_the_person_is_in_a_pick(client: Client) -> None:
    answer = picks(client, SERVER_KEY, anonymous_id="stranger", user_id="anna", consent="denied")
    assert ids(answer) == ids(picks(client))
    assert {reason for p in answer["picks"] for reason in p["reasons"]} == {"popular now"}


def test_a_product_page_gets_others_than_its_product(client: Client) -> None:
    answer = picks(client, product_id="engine")
    assert ids(answer)[0] == "signal"
    assert "engine" not in ids(answer)


def test_the_homepage_has_picks_where_its_scenario_asks_for_them(client: Client) -> None:
    mine = client.homepage(SERVER_KEY, user_id="anna")
    assert [set(pick) for pick in mine["picks"]] == [{"id", "score", "reasons"}]
    assert mine["cache_key"] != "mine", "the page is not the same for others"
    assert client.homepage()["picks"] == []


def test_a_post_says_the_same(client: Client) -> None:
    body = json.dumps({"anonymous_id": "stranger", "limit": 2}).encode()
    answer = client.ask("/v1/picks", method="POST", body=body)
    assert ids(answer.json()) == ids(picks(client, anonymous_id="stranger", limit=2))


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=1e1", "limit=-1", "product_id=" + "x" * 65]
)
def test_what_is_out_of_range_is_refused(client: Client, query: str) -> None:
    answer = client.ask(f"/v1/picks?{query}")
    assert (answer.status, answer.json()["code"]) == (400, "invalid_input")


def test_methods_keys_and_bodies_are_those_of_the_homepage(client: Client) -> None:
    assert client.ask("/v1/picks", method="DELETE").status == 405
    assert client.ask("/v1/picks", headers={"Authorization": "Bearer sk_no"}).status == 401
    assert client.ask("/v1/picks", method="POST", body=b"[").status == 400
    assert client.ask("/v1/picks", method="POST", body=b"x" * 70_000).status == 413


def test_a_changed_catalogue_is_read_and_a_bad_one_keeps_the_old(
    client: Client, file: Path
) -> None:
    file.write_text(
        ROWS.replace("signal,The Signal,trains,Rails,3", "signal,The Signal,trains,Rails,0")
    )
    await_true(lambda: "signal" not in ids(picks(client)), 15, "the changed catalogue is not read")
    time.sleep(0.01)
    file.write_text(ROWS.replace("bear,Bruno the Bear,cuddly-toys,Bramble,3", "bear,,x,y,many"))
    await_true(lambda: ready(client)["error"], 15, "the bad catalogue is not told")
    assert "line 2" in ready(client)["error"]
    assert str(file.parent) not in ready(client)["error"]
    assert ids(picks(client)) == ["bear", "engine", "owl"], "the catalogue before"
    file.write_text(ROWS)
    await_true(lambda: "signal" in ids(picks(client)), 15, "the right catalogue is not read again")
    assert ready(client)["error"] is None


def test_a_new_generation_is_used_and_garbage_keeps_the_old(client: Client, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as store:
        store.set(PICKS_KEY, "garbage")
        time.sleep(2.5)
        assert ids(picks(client))[0] == "signal"
        again = msgspec.structs.replace(
            trained(), products=["owl", "engine", "bear", "signal", "sold-out"]
        )
        store_generation(store, again)
        await_true(lambda: ids(picks(client))[0] == "owl", 15, "the new generation is not used")


def ready(client: Client) -> Any:
    return client.ask("/ready").json()["picks"]
