"""A scenario for visitors of a country: of the address in the call, or where they were last."""

from __future__ import annotations

from pathlib import Path

import msgspec
import redis

from schemas.activity import country_name, with_cell
from schemas.device_state import encode_device_state
from schemas.redis_keys import device_key
from schemas.settings import Settings
from schemas.site import Geo, Homepage, Scenario
from tests.integration.personalize_service import (
    BROWSER_KEY,
    SERVER_KEY,
    SITE,
    device_state,
    now_ms,
    serving,
)
from tests.unit.test_geo import BERLIN, written

ABROAD = Scenario(name="abroad", when={"country": ("DE", "AT")}, variant="shipping")
BY_COUNTRY = Homepage(default="classic", scenarios=(ABROAD,))


def test_visitors_of_a_country_get_its_homepage(
    addresses: Settings, redis_url: str, kafka_address: str, tmp_path: Path
) -> None:
    database = written(tmp_path / "city.mmdb", {"192.0.2.0/24": BERLIN})
    site = msgspec.structs.replace(SITE, geo=Geo(database=database), homepage=BY_COUNTRY)
    with serving(addresses, site) as client:
        answer = client.homepage(SERVER_KEY, ip="192.0.2.200")
        assert (answer["variant"], answer["reason"]) == ("shipping", "country is DE")
        assert client.homepage(SERVER_KEY, ip="198.51.100.1")["variant"] == "classic"
        assert client.homepage(SERVER_KEY, ip="no address")["variant"] == "classic"
        assert client.homepage(SERVER_KEY)["variant"] == "classic"


def test_without_an_address_the_country_is_that_where_the_device_was_last_seen(
    addresses: Settings, redis_url: str, kafka_address: str, tmp_path: Path
) -> None:
    database = written(tmp_path / "city.mmdb", {"192.0.2.0/24": BERLIN})
    site = msgspec.structs.replace(SITE, geo=Geo(database=database), homepage=BY_COUNTRY)
    with redis.Redis.from_url(redis_url) as store:
        seen = with_cell({}, country_name("AT"), now_ms() - 60_000)
        state = device_state(activity=seen)
        store.set(device_key("from-vienna"), encode_device_state(state))
    with serving(addresses, site) as client:
        answer = client.homepage(anonymous_id="from-vienna")
        assert (answer["variant"], answer["reason"]) == ("shipping", "country is AT")
        abroad = client.homepage(SERVER_KEY, anonymous_id="from-vienna", ip="198.51.100.1")
        assert abroad["variant"] == "classic", "the address in the call is newer"
        assert client.homepage(anonymous_id="another")["variant"] == "classic"
        held = client.ask("/v1/me", headers={**BROWSER_KEY, "Cookie": "ff_id=from-vienna"}).json()
    assert ["AT"] in [item["value"] for item in held["items"] if item["what"] == "country"]
