"""A past of a site as lines of `footfall.raw`, of every kind that there is and in no tidy order.

A function of its seed alone: no clock, no server.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec

from schemas import click_token, decision_token
from schemas.batch import encode_line
from schemas.event import Claim, Decision, Event
from schemas.forget import Forget
from schemas.identifiers import node_of
from schemas.sightings import Unconsented
from streams.records import Record

SECRET = "golden"
NOW = 1_795_345_200_000  # 2026-11-22T11:00Z
SHOP = "https://gold.example"

_MINUTE, _HOUR = 60_000, 3_600_000
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
    "",
)
_CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
_REFERRERS = (
    *("", "", f"{SHOP}/", f"{SHOP}/p/3", "https://encyclopedia.example/toys"),
    *("https://www.google.com/search?q=bear", "https://www.facebook.com/"),
)
_PATHS = (
    "/",
    "/",
    "/p/1",
    "/p/12",
    "/p/7",
    "/search?q=red+bear",
    "/u/anna@mail.example",
    "/caf\u00e9",
)
_QUERIES = ("", "", "", "utm_source=letter&utm_medium=email", "gclid=abc")
_TRACKED: tuple[tuple[str, str], ...] = (
    ("Product Viewed", '{"category": "bears", "product_id": "b1"}'),
    ("Product Added", '{"category": "kites", "sku": "k%d", "dear": true, "shelf": "top"}'),
    ("Product Added", "{}"),
    ("Checkout Started", "{}"),
    ("Cart Emptied", "{}"),
    ("Order Completed", '{"order_id": "o%d", "revenue": 12.5, "currency": "EUR"}'),
    ("Order Completed", '{"total": "7", "currency": "USD", "products": [{"product_id": 5}]}'),
    ("Order Refunded", '{"order_id": "o%d"}'),
    ("Products Searched", '{"query": "kite", "search_results": 3}'),
    ("Call Received", '{"subject": "delivery", "answered_at": 1}'),
    ("Logged Out", "{}"),
    ("Signed Up", "[]"),
)
_USERS = ("anna", "ben", "carl", "null")


def records(seed: int, devices: int = 60, per_record: int = 20) -> Iterator[Record]:
    """Records of one partition, an hour between the first and the last of them."""
    chance = random.Random(seed)
    lines = list(_lines(chance, devices))
    for offset, at in enumerate(range(0, len(lines), per_record)):
        time = NOW + offset * _HOUR * per_record // len(lines)
        value = b"\n".join(lines[at : at + per_record])
        yield Record(0, offset, time, value, lambda: None)


def _lines(chance: random.Random, devices: int) -> Iterator[bytes]:
    told: list[tuple[float, bytes]] = []
    for number in range(devices):
        device, kind = _device(chance, number)
        for event in _visits(chance, device, kind):
            when = event.event_time + chance.choice((0, 0, 0, 0, _HOUR * 3)) * chance.random()
            told.append((when, encode_line(event)))
            if chance.random() < 0.05:
                told.append((when + chance.random() * _HOUR, encode_line(event)))
    for _ in range(devices):
        told.append((NOW - chance.random() * 20 * _HOUR, _other(chance, devices)))
    told.sort()
    return (line for _, line in told)


def _device(chance: random.Random, number: int) -> tuple[str, str]:
    kind = chance.choice(("cookie",) * 9 + ("pseudonym", "server", "log"))
    if kind == "server":
        return f"user:{chance.choice(_USERS)}", kind
    if kind in ("pseudonym", "log"):
        return f"p_{number:032x}", kind
    return str(uuid.UUID(int=number << 64)), kind


def _visits(chance: random.Random, device: str, kind: str) -> Iterator[Event]:
    agent = chance.choice(_AGENTS) if chance.random() < 0.9 else _CRAWLER
    for _ in range(chance.randrange(1, 4)):
        at = NOW - chance.choice((0, 0, 1, 49)) * _HOUR - chance.randrange(20 * _HOUR)
        hurry = chance.random() < 0.05
        for _ in range(30 if hurry else chance.randrange(1, 12)):
            at += chance.randrange(1500) if hurry else chance.randrange(20 * _MINUTE)
            event = _page(chance, device, min(at, NOW - 1), agent)
            _change(chance, event, kind)
            yield event


def _page(chance: random.Random, device: str, at: int, agent: str) -> Event:
    path, query = chance.choice(_PATHS), chance.choice(_QUERIES)
    joint = "&" if "?" in path else "?"
    late = chance.choice((0, 0, 0, 0, 2 * _HOUR))
    return Event(
        event_id=str(uuid.UUID(int=chance.getrandbits(128))),
        event_time=at,
        received_at=min(at + late, NOW),
        type="page",
        name="Page Viewed",
        protocol=chance.choice(("beacon", "segment", "posthog")),
        device_id=device,
        consent="granted",
        url=f"{SHOP}{path}{joint}{query}" if query else SHOP + path,
        title=chance.choice(("", "B\u00e4ren")),
        referrer=chance.choice(_REFERRERS),
        user_agent=agent,
        http_status=chance.choice((0, 200, 404)),
    )


def _change(chance: random.Random, event: Event, kind: str) -> None:
    """Makes of a page view what it is of that kind of device, and often something else."""
    if kind == "pseudonym":
        event.consent = "denied"
    elif kind == "log":
        event.protocol, event.consent = "log", "unknown"
    elif kind == "server":
        event.server = True
    elif chance.random() < 0.3:
        event.address_keys = [f"p_{chance.randrange(4):032x}"]
    _act(chance, event, kind)


def _act(chance: random.Random, event: Event, kind: str) -> None:
    act = chance.random()
    if act < 0.35:
        event.type = "track"
        event.name, properties = chance.choice(_TRACKED)
        properties = properties.replace("%d", str(chance.randrange(9)))
        event.properties = msgspec.Raw(properties.encode())
    elif act < 0.46 and kind != "pseudonym":
        _name_users(chance, event, is_alias=act > 0.43)
    elif act < 0.5:
        token = click_token.sign(chance.choice(_USERS), NOW, SECRET)
        event.url += ("&" if "?" in event.url else "?") + f"ff_click={token}"
    elif act < 0.58:
        decided = decision_token.Decided("all", "big", "hero", chance.choice(("big", "classic")))
        nonce = chance.getrandbits(128).to_bytes(16, "big")
        event.decision_id = decision_token.mint(decided, SECRET, nonce)
        event.variant = chance.choice(("", "big"))
    elif act < 0.6:
        event.url = f"{SHOP}/robots.txt"
    elif act < 0.62:
        event.campaign = {"utm_source": "partner", "utm_campaign": "spring"}
    elif act < 0.64:
        event.type, event.name, event.user_id = "screen", "Home", chance.choice(_USERS)


def _name_users(chance: random.Random, event: Event, *, is_alias: bool) -> None:
    event.type, event.name, event.user_id = "identify", "", chance.choice(_USERS)
    if is_alias:
        event.type, event.server, event.previous_id = "alias", True, chance.choice(_USERS)
        return
    event.server = event.server or chance.random() < 0.3
    event.revoke = event.server and chance.random() < 0.2
    event.properties = msgspec.Raw(b'{"age": 7, "likes": ["bears"], "x": {"y": 1}}')
    event.profile_id = chance.choice(("", "kid"))


def _other(chance: random.Random, devices: int) -> bytes:
    at = NOW - chance.randrange(20 * _HOUR)
    kind = chance.randrange(5)
    if kind == 0:
        return chance.choice(
            (b"{}", b"\xff", b"null", b'{"kind":"event"}', b'{"kind":"event"', b"}{")
        )
    if kind == 1:
        return encode_line(_decision(chance, at))
    if kind == 2:
        return encode_line(Unconsented(device_id=f"p_{chance.randrange(4):032x}", at=at))
    if kind == 3 or chance.random() < 0.7:
        return encode_line(_claim(chance, at))
    device = str(uuid.UUID(int=chance.randrange(devices) << 64))
    span = ((0, at),) if chance.random() < 0.5 else ((at - _HOUR, at),)
    users: tuple[str, ...] = ("carl",) if chance.random() < 0.3 else ()
    told: dict[str, Any] = {"keys": (device,), "devices": {device: span}, "users": users}
    return encode_line(Forget(partition=0, at=at, **told))


def _decision(chance: random.Random, at: int) -> Decision:
    return Decision(
        decision_id=str(chance.getrandbits(64)),
        decided_at=at,
        device_id=str(uuid.UUID(int=chance.randrange(60) << 64)),
        scenario="all",
        variant="big",
        reason="experiment",
    )


def _claim(chance: random.Random, at: int) -> Claim:
    value = f"a{chance.randrange(3)}@mail.example"
    return Claim(
        device_id=node_of("email", value, SECRET),
        what="email",
        value=value,
        user_id=chance.choice(_USERS[:3]),
        event_time=at,
        event_id=str(uuid.UUID(int=chance.getrandbits(128))),
        revoked=chance.random() < 0.2,
    )
