"""Values of the site file read from their text. Each raises ValueError saying what is allowed."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from schemas.site import Range
from schemas.site_yaml import unknown

DAY_MS = 86_400_000
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": DAY_MS, "w": 7 * DAY_MS}
_LONGEST_MS = 3660 * DAY_MS

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?) ?([a-z]+)")
_NUMBER = re.compile(r"[-+]?\d{1,15}(?:\.\d{1,9})?")
_RANGE = re.compile(rf"({_NUMBER.pattern}) ?\.\. ?({_NUMBER.pattern})")
_HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*"
)
_IPV6 = re.compile(r"\[[0-9a-f:.]{2,45}\]")
_ORIGIN = re.compile(r"(https?)://([^/:\[\]]+|\[[^\]/]*\])(?::(\*|\d{1,5}))?(/?)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_KEY = re.compile(r"[A-Za-z0-9_.-]{4,128}")
_COOKIE = re.compile(r"[A-Za-z0-9_-]{1,64}")

MAX_TEXT = 256

Literals = TypeVar("Literals", bound=str)


def text(value: str) -> str:
    value = value.strip()
    if not value:
        raise ValueError("the text is empty")
    if len(value) > MAX_TEXT or not value.isprintable():
        raise ValueError(f"expected up to {MAX_TEXT} printable characters")
    return value


def name(value: str) -> str:
    """A name that may stand in a URL and in a key."""
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} is no name; allowed: up to 64 letters, digits, '-', '_' and '.'"
        )
    return value


def choice(allowed: Sequence[Literals], what: str = "value") -> Callable[[str], Literals]:
    """One of the given words."""

    def convert(value: str) -> Literals:
        for word in allowed:
            if word == value:
                return word
        raise ValueError(unknown(what, value, "", allowed))

    return convert


def duration(value: str) -> int:
    """Milliseconds of `30m`, `1h`, `35d`, `1w`, `500ms`; more than none, at most ten years."""
    match = _DURATION.fullmatch(value.strip())
    if match is None or match[2] not in _UNITS:
        raise ValueError(
            f"{value!r} is no duration; allowed: a number with ms, s, m, h, d or w, such as 30m"
        )
    milliseconds = int(Decimal(match[1]) * _UNITS[match[2]])
    if not 0 < milliseconds <= _LONGEST_MS:
        raise ValueError(f"{value!r} is out of range; allowed: above 0, up to 3660d")
    return milliseconds


def duration_within(low: str, high: str) -> Callable[[str], int]:
    """A duration from `low` to `high`."""
    lowest, highest = duration(low), duration(high)

    def convert(value: str) -> int:
        milliseconds = duration(value)
        if not lowest <= milliseconds <= highest:
            raise ValueError(f"{value!r} is out of range; allowed: {low} to {high}")
        return milliseconds

    return convert


def share(value: str) -> float:
    """0..1 of `10%` or `0.1`."""
    stripped = value.strip()
    number = stripped.removesuffix("%").strip()
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"{value!r} is no share; allowed: 10% or 0.1")
    found = float(Decimal(number) / (100 if stripped.endswith("%") else 1))
    if not 0 <= found <= 1:
        raise ValueError(f"{value!r} is out of range; allowed: 0% to 100%, or 0 to 1")
    return found


def weight(value: str) -> float:
    if not _NUMBER.fullmatch(value) or float(value) <= 0:
        raise ValueError(f"{value!r} is no weight; allowed: a number above 0")
    return float(value)


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number from `low` to `high`."""

    def convert(value: str) -> int:
        if not re.fullmatch(r"\d{1,9}", value) or not low <= int(value) <= high:
            raise ValueError(f"{value!r} is not allowed; allowed: a whole number {low} to {high}")
        return int(value)

    return convert


def number(value: str) -> int | float | None:
    """A number in plain decimal writing, else None."""
    if not _NUMBER.fullmatch(value):
        return None
    return float(value) if "." in value else int(value)


def amount(value: str) -> Decimal:
    """Money or a rate: a decimal number above 0, with up to 8 places."""
    if not re.fullmatch(r"\d{1,9}(\.\d{1,8})?", value) or not Decimal(value):
        raise ValueError(f"{value!r} is no amount; allowed: a number above 0, such as 0.92")
    return Decimal(value)


def range_of(value: str) -> Range | None:
    """`0..9`, else None. ValueError where it is upside down."""
    match = _RANGE.fullmatch(value)
    if match is None:
        return None
    low, high = float(match[1]), float(match[2])
    if low > high:
        raise ValueError(f"{value!r} is upside down; allowed: {high:g}..{low:g}")
    return Range(low=low, high=high)


def truth(value: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    found = words.get(value.lower())
    if found is None:
        raise ValueError(f"{value!r} is not allowed; allowed: true, false")
    return found


def host(value: str) -> str:
    """A host name or address without scheme and port, in lower case."""
    lower = value.strip().lower().removesuffix(".")
    if not _HOST.fullmatch(lower) and not _IPV6.fullmatch(lower):
        raise ValueError(f"{value!r} is no host; allowed: a name such as shop.example")
    return lower


def host_and_port(value: str) -> str:
    """A host, with a port where the source is a server of its own at that port."""
    name, colon, port = value.strip().rpartition(":")
    if colon and port.isdigit() and not name.endswith(":"):
        return f"{host(name)}:{int(port)}"
    return host(value)


def origin(value: str) -> str:
    """scheme://host[:port] in lower case, as browsers send it; the port may be `*`."""
    match = _ORIGIN.fullmatch(value.strip().lower())
    if match is None:
        raise ValueError(
            f"{value!r} is no origin; allowed: https://shop.example or http://localhost:* "
            "(scheme, host and port only)"
        )
    scheme, name, port, slash = match.groups()
    if slash:
        raise ValueError(f"{value!r} is no origin; allowed: without the '/' at its end")
    if port and port != "*" and not 0 < int(port) < 65536:
        raise ValueError(f"{value!r}: no such port; allowed: 1 to 65535, or *")
    if port == {"http": "80", "https": "443"}[scheme]:
        port = None  # browsers leave the usual port out
    return f"{scheme}://{host(name)}" + (f":{port}" if port else "")


def write_key(value: str) -> str:
    if not _KEY.fullmatch(value):
        raise ValueError("no write key; allowed: 4 to 128 letters, digits, '-', '_' and '.'")
    return value


def cookie_name(value: str) -> str:
    if not _COOKIE.fullmatch(value):
        raise ValueError(f"{value!r} is no cookie name; allowed: letters, digits, '-' and '_'")
    return value


def path(value: str) -> str:
    """The path of a page: begins with '/'; no host, no query."""
    if not value.startswith("/") or any(sign in value for sign in "?# \t\n"):
        raise ValueError(f"{value!r} is no path; allowed: /search, without host and query")
    return text(value)


def page_pattern(value: str) -> str:
    """A path in which `*` stands for any text."""
    if not value.startswith(("/", "*")) or any(sign in value for sign in "?#\n"):
        raise ValueError(f'{value!r} is no page; allowed: a path such as "/p/*", without query')
    return text(value)


def timezone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = unknown("timezone", value, "", sorted(zoneinfo.available_timezones()))
        head = near.partition("; allowed")[0]
        raise ValueError(f"{head}; allowed: IANA names such as Europe/Berlin") from error
    return value


def currency(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise ValueError(f"{value!r} is no currency; allowed: three capitals such as EUR")
    return value
