"""Newcomers follow what worked, by where they come from; on real servers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import redis

from infra.embedded import redis_server
from personalize_api.experiments.arm_weights import EVERY_S
from schemas.activity import Activity, exposure_name, with_cell
from schemas.device_state import encode_device_state
from schemas.ids import person_of_user
from schemas.person_state import Contribution, PersonState, encode_person_state
from schemas.redis_keys import (
    device_key,
    experiment_field,
    experiment_key,
    experiment_total_key,
    funnel_field,
    person_key,
)
from schemas.settings import Settings
from schemas.site import Experiment, Homepage, Scenario
from tests.integration.personalize_service import (
    SERVER_KEY,
    SITE,
    Client,
    device_state,
    now_ms,
    serving,
)
from tests.processes import await_true
from tests.servers import own_settings, running

SEARCH = "https://www.google.com/"
MAIL = "https://mail.google.com/"
HERO = Experiment(
    name="learner",
    arms={"a": 1, "b": 1},
    holdout=0.1,
    goal="Order Completed",
    allocation="thompson",
)
SHOP = msgspec.structs.replace(
    SITE,
    experiments={"learner": HERO},
    homepage=Homepage(
        default="classic", scenarios=(Scenario(name="all", when={}, experiment="learner"),)
    ),
)


def count(store: redis.Redis, minutes_ago: int, medium: str, **arms: tuple[int, int]) -> None:
    """Persons first shown an arm so long ago: exposed, converted."""
    hour, rest = divmod(int(time.time()) // 60 - minutes_ago, 60)
    for arm, counts in arms.items():
        for step, n in enumerate(counts):
            field = funnel_field(rest, step, medium, arm)
            store.hincrby(experiment_key(2, HERO.key, hour), field, n)
            total = experiment_total_key(2, HERO.key)
            store.hincrby(total, experiment_field(step, medium, arm), n)


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    with redis.Redis.from_url(redis_url) as store:
        count(store, 120, "search", a=(1000, 80), b=(1000, 20), holdout=(200, 6))
        count(store, 5, "search", a=(500, 0), b=(500, 400))  # younger than the delay
        count(store, 2000, "email", a=(1000, 20), b=(1000, 80))
    with serving(addresses, SHOP) as client:
        await_true(lambda: "email" in weights(client), 30, "weights")
        yield client


def weights(client: Client) -> dict[str, dict[str, float]]:
    (live,) = client.ask("/v1/experiments").json()["experiments"]
    found: dict[str, dict[str, float]] = live["weights"]
    return found


def arms(client: Client, referrer: str) -> Counter[str]:
    return Counter(
        client.homepage(anonymous_id=f"new-{n}", referrer=referrer)["experiment"]["arm"]
        for n in range(100)
    )


def test_each_medium_has_weights_of_its_own_and_the_young_say_nothing(client: Client) -> None:
    assert weights(client) == {"search": {"a": 0.95, "b": 0.05}, "email": {"a": 0.05, "b": 0.95}}
    by_search, by_mail, direct = (arms(client, r) for r in (SEARCH, MAIL, ""))
    assert by_search["a"] > 70 > 20 > by_search["b"]
    assert by_mail["b"] > 70 > 20 > by_mail["a"]
    assert min(direct["a"], direct["b"]) > 25
    assert by_search["holdout"] == by_mail["holdout"] == direct["holdout"] > 0


def test_the_reason_says_by_what_weights(client: Client) -> None:
    (reason,) = {
        answer["reason"]
        for n in range(30)
        if (answer := client.homepage(anonymous_id=f"new-{n}", referrer=SEARCH))["variant"] == "a"
    }
    assert reason.startswith(
        "it has no conditions and matches every visit; arm a of experiment learner "
        "(thompson for visitors by search: a 95.0%, b 5.0%; version "
    )


def test_who_was_shown_an_arm_on_another_device_keeps_it(client: Client, redis_url: str) -> None:
    shown = with_cell(Activity(), exposure_name(HERO.key, "b", "email"), now_ms() - 86_400_000)
    held = Contribution(1, False, now_ms(), now_ms(), 1, 0, activity=shown)
    with redis.Redis.from_url(redis_url) as store:
        person = PersonState("kept", True, {"laptop": held})
        store.set(person_key(person_of_user("kept")), encode_person_state(person))
        own = with_cell(Activity(), exposure_name(HERO.key, "b", "search"), now_ms() - 1000)
        state = msgspec.structs.replace(device_state(), activity=own)
        store.set(device_key("no-login"), encode_device_state(state))
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400))
    for n in range(8):
        answer = client.homepage(
            SERVER_KEY, anonymous_id=f"phone-{n}", user_id="kept", referrer=SEARCH
        )
        assert answer["experiment"]["arm"] == answer["variant"] == "b"
        assert f"arm b of experiment learner, kept since {day}" in answer["reason"]
    assert client.homepage(anonymous_id="no-login", referrer=SEARCH)["variant"] == "b"


def test_without_redis_the_last_weights_stay(
    addresses: Settings, kafka_address: str, tmp_path: Path
) -> None:
    own = msgspec.structs.replace(own_settings(), kafka=kafka_address)
    service = redis_server.service(tmp_path / "data", own.ports.redis)
    with running(service, tmp_path / "log") as server:
        with redis.Redis.from_url(own.redis_url) as store:
            count(store, 120, "search", a=(1000, 80), b=(1000, 20))
        with serving(own, SHOP) as client, serving(own, SHOP) as another:
            await_true(lambda: "search" in weights(client), 30, "weights")
            await_true(lambda: weights(another) == weights(client), 30, "equal weights")
            known = weights(client)
            server.kill()
            server.wait()
            time.sleep(EVERY_S + 1)
            answers = [client.homepage(anonymous_id=f"new-{n}", referrer=SEARCH) for n in range(40)]
            assert all(answer["degraded"] for answer in answers)
            assert sum(answer["variant"] == "a" for answer in answers) > 28
            assert f"a {known['search']['a']:.1%}" in "".join(a["reason"] for a in answers)
