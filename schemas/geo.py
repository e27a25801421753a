"""Where an address is: country, region and city from the site's own database in MaxMind's format.

The database is the site's to choose and to license (GeoLite2, DB-IP, ip-location-db, IPinfo, ...):
the common shapes of their records are read. None is shipped.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import maxminddb
import msgspec
from maxminddb import InvalidDatabaseError

_CACHE = 50_000
_MAX_NAME = 100  # characters
_PROBES = tuple(f"{first}.{first}.0.1" for first in range(1, 224))


class Location(msgspec.Struct, frozen=True):
    """Each '' where it is not known. `country`: two letters (ISO 3166-1)."""

    country: str = ""
    region: str = ""
    city: str = ""


NOWHERE = Location()


class GeoDatabase:
    """Looks addresses up in one database, as the file was when this was made.

    The file is copied first, so that one that is put in its place meanwhile changes nothing: what
    a stage emits must not depend on when it does. A new file is read at the next start.
    """

    def __init__(self, database: Path) -> None:
        """Raises OSError, maxminddb.InvalidDatabaseError."""
        with tempfile.TemporaryDirectory(prefix="footfall-geo-") as folder:
            copy = Path(folder) / "database.mmdb"
            shutil.copyfile(database, copy)
            self._reader = maxminddb.open_database(copy)  # outlives the name of its file
        self._look_up = lru_cache(_CACHE)(self._read)

    def location_of(self, address: str) -> Location:
        """NOWHERE for what is no address, or is not in the database."""
        return self._look_up(address) if address else NOWHERE

    def country_of(self, address: str) -> Location:
        """The country alone: all that may be told of an address that is cut off."""
        found = self.location_of(address)
        return Location(found.country) if found.region or found.city else found

    def _read(self, address: str) -> Location:
        if "." in address:
            address = address.removeprefix("::ffff:")
        try:
            return _location(self._reader.get(address))
        except (ValueError, InvalidDatabaseError):
            return NOWHERE  # an address of the other kind, or a record that cannot be read


class NoGeoDatabase(Exception):
    """The file is not what `geo` needs. The message says what it is."""


def describe(database: Path) -> str:
    """What the database is, for a person. Raises OSError and NoGeoDatabase."""
    try:
        with maxminddb.open_database(database) as reader:
            about = reader.metadata()
            found = [record for address in _PROBES if (record := reader.get(address))]
    except InvalidDatabaseError as error:
        raise NoGeoDatabase(f"is not in MaxMind's format: {error}") from error
    built = datetime.fromtimestamp(about.build_epoch, UTC)
    if found and not any(_location(record).country for record in found):
        raise NoGeoDatabase(f"names no countries: it is a {about.database_type}")
    return f"{about.database_type} of {built:%Y-%m-%d}"


def _location(record: object) -> Location:
    if not isinstance(record, dict):
        return NOWHERE
    country = _code(record.get("country")) or _code(record.get("country_code"))
    divisions = record.get("subdivisions")
    region = divisions[0] if isinstance(divisions, list) and divisions else None
    return Location(
        country,
        _name(region or record.get("region") or record.get("state1")),
        _name(record.get("city")),
    )


def _code(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("iso_code")
    if isinstance(value, str) and len(value) == 2 and value.isascii() and value.isalpha():
        return value.upper()
    return ""


def _name(value: object) -> str:
    """In English, as databases call it; their code where they have no name."""
    if isinstance(value, dict):
        names = value.get("names")
        english = names.get("en") if isinstance(names, dict) else None
        value = english or value.get("iso_code")
    return value[:_MAX_NAME] if isinstance(value, str) else ""
