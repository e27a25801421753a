"""Country, region and city from a database that the test writes itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from itertools import permutations
from pathlib import Path
from typing import Any

import msgspec
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from schemas.activity import country_of
from schemas.batch import encode_batch
from schemas.geo import NOWHERE, GeoDatabase, Location, describe
from schemas.settings import ConfigurationError
from schemas.site import Geo, Homepage, Scenario
from schemas.site_file import load
from streams.device_stage import DeviceStage, States
from streams.records import Record
from tests.unit.test_device_stage import NOW, SITE, event, rows

BERLIN = {
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "subdivisions": [{"iso_code": "BE", "names": {"en": "Land Berlin", "de": "Berlin"}}],
    "city": {"names": {"en": "Berlin"}},
}


def written(path: Path, records: Mapping[str, dict[str, Any]]) -> Path:
    """A database file in MaxMind's format: network -> record."""
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Test-City")
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return written(
        tmp_path / "city.mmdb",
        {
            "192.0.2.0/24": BERLIN,
            "198.51.100.0/24": {"country_code": "FR", "state1": "Brittany", "city": "Brest"},
            "203.0.113.0/25": {"country": "NO", "region": "Oslo"},
            "2001:db8::/32": {"country": {"iso_code": "se"}},
            "192.0.0.0/24": {"country": {"names": {"en": "Nowhere"}}, "city": 7},
        },
    )


@pytest.mark.parametrize(
    ("address", "location"),
    [
        ("192.0.2.77", Location("DE", "Land Berlin", "Berlin")),
        ("198.51.100.1", Location("FR", "Brittany", "Brest")),
        ("203.0.113.5", Location("NO", "Oslo")),
        ("203.0.113.200", NOWHERE),
        ("2001:db8::5", Location("SE")),
        ("192.0.0.1", NOWHERE),
        ("::ffff:192.0.2.1", Location("DE", "Land Berlin", "Berlin")),
        ("10.0.0.1", NOWHERE),
        ("nonsense", NOWHERE),
        ("", NOWHERE),
    ],
)
def test_where_an_address_is(database: Path, address: str, location: Location) -> None:
    assert GeoDatabase(database).location_of(address) == location


def test_a_file_put_in_its_place_is_read_at_the_next_start(database: Path) -> None:
    opened = GeoDatabase(database)
    content = database.read_bytes()
    database.write_bytes(b"\x00" * len(content))
    assert opened.location_of("192.0.2.1").country == "DE"


def located(database: Path, **fields: object) -> tuple[str, str, str]:
    stage = DeviceStage(msgspec.structs.replace(SITE, geo=Geo(database=database)), "secret")
    value = msgspec.json.encode(msgspec.structs.replace(event(0), **fields))
    record = Record(0, 0, NOW, value, lambda: None)
    emitted = stage.fold({}, [(record, stage.decode(record))], 1).emissions.lines
    (row,) = rows({topic: lines for (topic, _), lines in emitted.items()})
    return row.country, row.region, row.city


def test_with_consent_all_is_told_and_without_it_the_country_alone(database: Path) -> None:
    assert located(database, ip="192.0.2.77") == ("DE", "Land Berlin", "Berlin")
    assert located(database, ip="192.0.2.0", consent="denied") == ("DE", "", "")
    assert located(database, ip="") == ("", "", "")


ABROAD = Scenario(name="abroad", when={"country": ("DE",)}, variant="shipping")


@pytest.mark.parametrize(("scenarios", "country"), [((ABROAD,), "DE"), ((), "")])
def test_a_device_keeps_the_country_it_was_last_seen_in_if_a_scenario_asks(
    database: Path, scenarios: tuple[Scenario, ...], country: str
) -> None:
    homepage = Homepage(default="classic", scenarios=scenarios)
    site = msgspec.structs.replace(SITE, geo=Geo(database=database), homepage=homepage)
    stage = DeviceStage(site, "secret")
    addresses = ("203.0.113.5", "198.51.100.1", "192.0.2.77", "")
    seen = [event(90 * n, ip=address) for n, address in enumerate(addresses)]
    unnamed = event(90, ip="192.0.2.77", device_id="p_unnamed", consent="denied")
    for events in permutations(seen):
        states: States = {}
        for offset, each in enumerate((*events, unnamed)):
            record = Record(0, offset, NOW, encode_batch([each]), lambda: None)
            stage.fold(states, [(record, stage.decode(record))], 1)
        held = {device: country_of(state.activity) for device, state in states.items() if state}
        assert held == {"d": country, "p_unnamed": ""}


def test_bots_are_located_too(database: Path) -> None:
    assert located(database, ip="192.0.2.7", user_agent="Googlebot/2.1")[0] == "DE"


# -- the site file ----------------------------------------------------------------------------


def site_file(folder: Path, database: str) -> Path:
    path = folder / "site.yaml"
    path.write_text(f"version: 1\nsite: {{name: s}}\ngeo: {{database: {database}}}\n")
    return path


def test_a_database_stands_beside_its_site_file(tmp_path: Path, database: Path) -> None:
    site = load(site_file(tmp_path, "city.mmdb"))
    assert site.geo == Geo(database=database)
    assert describe(database).startswith("Test-City of 20")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"PK\x03\x04 no database", "is not in MaxMind's format"),
        (b"", "is not in MaxMind's format"),
        (None, "No such file"),
    ],
)
def test_what_is_no_database_is_a_mistake_with_its_line(
    tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    if content is not None:
        (tmp_path / "bad.mmdb").write_bytes(content)
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        load(site_file(tmp_path, "bad.mmdb"))
    assert "site.yaml:3: database in geo: " in str(caught.value)


def test_a_database_whose_beginning_is_spoilt_is_a_mistake(tmp_path: Path, database: Path) -> None:
    content = database.read_bytes()
    half = len(content) // 2
    (tmp_path / "cut.mmdb").write_bytes(b"\xff" * half + content[half:])
    with pytest.raises(ConfigurationError, match="is not in MaxMind's format"):
        load(site_file(tmp_path, "cut.mmdb"))


def test_a_database_of_something_else_is_a_mistake(tmp_path: Path) -> None:
    networks = {"autonomous_system_organization": "Example", "autonomous_system_number": 64496}
    written(tmp_path / "asn.mmdb", {"0.0.0.0/1": networks})
    with pytest.raises(ConfigurationError, match=r"asn.mmdb names no countries: it is a Test-City"):
        load(site_file(tmp_path, "asn.mmdb"))


def test_the_command_says_it_in_one_line_and_exits_with_2(tmp_path: Path) -> None:
    (tmp_path / "bad.mmdb").write_bytes(b"no database")
    command = [sys.executable, "-m", "infra.cli", "check", str(site_file(tmp_path, "bad.mmdb"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "database in geo" in done.stderr
