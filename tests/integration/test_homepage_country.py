"""A scenario for visitors of a country, by the address that the website passes on."""

from __future__ import annotations

from pathlib import Path

import msgspec

from schemas.settings import Settings
from schemas.site import Geo, Homepage, Scenario
from tests.integration.personalize_service import SERVER_KEY, SITE, serving
from tests.unit.test_geo import BERLIN, written


def test_visitors_of_a_country_get_its_homepage(
    addresses: Settings, redis_url: str, tmp_path: Path
) -> None:
    database = written(tmp_path / "city.mmdb", {"192.0.2.0/24": BERLIN})
    abroad = Scenario(name="abroad", when={"country": ("DE", "AT")}, variant="shipping")
    site = msgspec.structs.replace(
        SITE,
        geo=Geo(database=database),
        homepage=Homepage(default="classic", scenarios=(abroad,)),
    )
    with serving(addresses, site) as client:
        answer = client.homepage(SERVER_KEY, ip="192.0.2.200")
        assert (answer["variant"], answer["reason"]) == ("shipping", "country is DE")
        assert client.homepage(SERVER_KEY, ip="198.51.100.1")["variant"] == "classic"
        assert client.homepage(SERVER_KEY, ip="no address")["variant"] == "classic"
        assert client.homepage(SERVER_KEY)["variant"] == "classic"
