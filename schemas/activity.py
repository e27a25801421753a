"""What a device did, by time: interests, touches, exposures, goals, products, pages, contacts, and
the country; see `person_profile`. Nothing is counted from pages, and which are kept depends, other
than all else here, on when a device's first login became known (`streams.activity`).

A *cell* is one integer: when (ms) and 22 bits. An activity keeps the cells of each name; a name's
first character says of which kind it is. Every kind is a function of the set of events: cells of
one slot of time are joined (the earliest time, the union of bits), the newest slots are kept, and
of some kinds the first one. Repeating an event sets the bits that it set before, so interests are
counted without remembering events: so many bits are set by about so many different events.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from schemas.event import Medium
from schemas.evidence_rows import FREQUENT

Activity = dict[str, tuple[int, ...]]  # name -> cells, sorted
Span = tuple[int, int]  # ms, inclusive

INTEREST, TOUCH, EXPOSURE, GOAL, PRODUCT, PAGE, CONTACT = "i", "t", "x", "g", "p", "v", "c"
COUNTRY = "l"

BITS = 22  # with 41 bits of milliseconds a cell is a positive 64-bit number
_MASK = (1 << BITS) - 1
LAST_MS = 1 << 41  # 2039: a later time is nobody's
_SEPARATOR = "\x1f"
_SHORT_SOURCES = {chr(1 + at): text for at, text in enumerate(FREQUENT[14:44])}
"""What stands for the source of many touches: a character with which no name begins."""
_SHORT_FOR = {text: short for short, text in _SHORT_SOURCES.items()}

MAX_TEXT = 64  # characters of a category, source, campaign or product id

VIEWED, ADDED = 1, 2
"""Bits of a product's cell: somebody looked at it, put it into a cart."""

ANSWERED = 1
"""Bit of a contact's cell."""

CONTACTS = (
    *("Call Received", "Call Made", "Mail Received", "Mail Sent", "Chat Received", "Chat Sent"),
    *("Letter Received", "Letter Sent", "Visit Received", "Visit Made"),
)
"""Events that are contacts. Stored by position, one character: append only, at most 36."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class _Kind(NamedTuple):
    """`slot_ms`: cells so close are one. `newest`: so many are kept; `first`: the earliest too."""

    slot_ms: int
    newest: int
    first: bool


_KINDS = {
    INTEREST: _Kind(3_600_000, 96, first=False),
    TOUCH: _Kind(3_600_000, 8, first=True),
    EXPOSURE: _Kind(1000, 16, first=True),  # of each experiment
    GOAL: _Kind(1, 64, first=False),  # of each event name
    PRODUCT: _Kind(300_000, 12, first=False),
    PAGE: _Kind(60_000, 5, first=False),
    CONTACT: _Kind(1, 5, first=False),
    COUNTRY: _Kind(3_600_000, 1, first=False),
}

_MEDIA: tuple[Medium, ...] = (
    "direct",
    "internal",
    "search",
    "social",
    "email",
    "paid",
    "ai",
    "referral",
    "unknown",
)
"""Stored by position: append only."""


class Touch(NamedTuple):
    """An arrival from outside."""

    time: int  # ms
    medium: Medium
    source: str
    campaign: str


class Contact(NamedTuple):
    """A call, mail, chat, letter or visit."""

    time: int  # ms
    event: str  # one of CONTACTS
    subject: str
    answered: bool  # told with it; a later contact may be the answer too


class Exposure(NamedTuple):
    """An arm of an experiment was shown, to somebody who came by `medium`."""

    time: int  # ms
    arm: str
    medium: Medium = "unknown"


def interest_name(category: str) -> str:
    return INTEREST + category[:MAX_TEXT]


def touch_name(medium: Medium, source: str, campaign: str) -> str:
    name = f"{TOUCH}{_MEDIA.index(medium)}{_SHORT_FOR.get(source) or source[:MAX_TEXT]}"
    return f"{name}{_SEPARATOR}{campaign[:MAX_TEXT]}" if campaign else name


def exposure_name(experiment_key: str, arm: str, medium: Medium = "unknown") -> str:
    """`experiment_key`: see `schemas.site.Experiment.key`."""
    return f"{EXPOSURE}{experiment_key}{_SEPARATOR}{arm}{_SEPARATOR}{_MEDIA.index(medium)}"


def goal_name(event_name: str) -> str:
    return GOAL + event_name + _SEPARATOR


def product_name(product_id: str) -> str:
    """Of an id of at most MAX_TEXT characters: a part of it would be another product's."""
    return PRODUCT + product_id


def page_name(path: str) -> str:
    return PAGE + path[:MAX_TEXT]


def contact_name(event: str, subject: str) -> str:
    """`event`: one of CONTACTS."""
    return CONTACT + _DIGITS[CONTACTS.index(event)] + subject[:MAX_TEXT]


def country_name(country: str) -> str:
    """`country`: two letters."""
    return COUNTRY + country


def with_cell(activity: Activity, name: str, time_ms: int, bits: int = 0) -> Activity:
    """`activity` with one more; the same object where that says nothing new."""
    if not 0 <= time_ms < LAST_MS:
        return activity
    kind = _KINDS[name[0]]
    cells = activity.get(name, ())
    joined = _joined(cells, time_ms, bits & _MASK, kind.slot_ms)
    if joined == cells:
        return activity
    grown = {**activity, name: joined}
    if sum(map(len, grown.values())) <= kind.newest:
        return grown
    limit = _limited if kind.first else _without_oldest
    limited = limit(grown, _group(name), kind)
    return activity if limited == activity else limited


def bits_of(digest: bytes, count: int) -> int:
    """The bits that an event of this digest sets: `count` of them, fewer where they coincide.

    `digest` has two bytes for each.
    """
    bits = 1 << (digest[0] << 8 | digest[1]) % BITS
    for at in range(2, 2 * count, 2):
        bits |= 1 << (digest[at] << 8 | digest[at + 1]) % BITS
    return bits


def within(activity: Activity, spans: Sequence[Span]) -> Activity:
    """What was done in one of the spans."""
    found: Activity = {}
    for name, cells in activity.items():
        mine = tuple(c for c in cells if any(a <= c >> BITS <= b for a, b in spans))
        if mine:
            found[name] = mine
    return found


def interests(activity: Activity) -> Iterator[tuple[str, int, int]]:
    """(category, ms, how much): about how many bits' worth of events there were."""
    for name, cells in activity.items():
        if name[0] == INTEREST:
            for cell in cells:
                yield name[1:], cell >> BITS, _AMOUNTS[(cell & _MASK).bit_count()]


def touches(activity: Activity) -> Iterator[Touch]:
    for name, cells in activity.items():
        if name[0] == TOUCH:
            told, _, campaign = name[2:].partition(_SEPARATOR)
            source = _SHORT_SOURCES.get(told, told)
            for cell in cells:
                yield Touch(cell >> BITS, _MEDIA[int(name[1])], source, campaign)


def products(activity: Activity) -> Iterator[tuple[str, int, int]]:
    """(product id, ms, bits of VIEWED and ADDED): of the products seen last."""
    for name, cells in activity.items():
        if name[0] == PRODUCT:
            for cell in cells:
                yield name[1:], cell >> BITS, cell & _MASK


def pages(activity: Activity) -> Iterator[tuple[str, int]]:
    """(path, ms): of the pages seen last; of one in one minute the first time."""
    for name, cells in activity.items():
        if name[0] == PAGE:
            for cell in cells:
                yield name[1:], cell >> BITS


def contacts(activity: Activity) -> Iterator[Contact]:
    """The newest ones."""
    for name, cells in activity.items():
        if name[0] == CONTACT:
            event = CONTACTS[_DIGITS.index(name[1])]
            for cell in cells:
                yield Contact(cell >> BITS, event, name[2:], bool(cell & ANSWERED))


def country_of(activity: Activity) -> str:
    """Where the device was last seen, '' where nobody asks for it; of two countries in one hour the
    later in the alphabet.
    """
    return next((name[1:] for name in activity if name[0] == COUNTRY), "")


def first_exposures(activities: Iterable[Activity]) -> dict[str, Exposure]:
    """Experiment key -> the earliest exposure of all; of equally early ones the least arm, and of
    these the least medium.
    """
    first: dict[str, Exposure] = {}
    for activity in activities:
        for name, cells in activity.items():
            if name[0] == EXPOSURE:
                key, arm, *medium = name[1:].split(_SEPARATOR)
                came_by: Medium = _MEDIA[int(medium[0])] if medium else "unknown"
                exposure = Exposure(cells[0] >> BITS, arm, came_by)
                first[key] = min(first.get(key, exposure), exposure)
    return first


def reached(
    activities: Iterable[Activity], event_name: str, since_ms: int, within_ms: int = 0
) -> bool:
    """Whether an event of that name, the goal of an experiment, came at `since_ms` or later, and
    where `within_ms` is given, no later after it than that.

    Of more than 64 such events of a device the newest are looked at.
    """
    name = goal_name(event_name)
    until_ms = since_ms + within_ms if within_ms else LAST_MS
    return any(
        since_ms <= cell >> BITS <= until_ms
        for activity in activities
        for cell in reversed(activity.get(name, ()))
    )


def _joined(cells: tuple[int, ...], time_ms: int, bits: int, slot_ms: int) -> tuple[int, ...]:
    if not cells:
        return (time_ms << BITS | bits,)
    slot = time_ms // slot_ms
    for at in range(len(cells) - 1, -1, -1):
        held = cells[at] >> BITS
        if held // slot_ms == slot:
            cell = min(held, time_ms) << BITS | (cells[at] & _MASK) | bits
            return cells if cell == cells[at] else (*cells[:at], cell, *cells[at + 1 :])
        if held < time_ms:
            return (*cells[: at + 1], time_ms << BITS | bits, *cells[at + 1 :])
    return (time_ms << BITS | bits, *cells)


def _group(name: str) -> str:
    """What begins the names that share a limit."""
    if name[0] == EXPOSURE:
        return name[: name.index(_SEPARATOR) + 1]
    return name if name[0] == GOAL else name[0]


def _without_oldest(grown: Activity, group: str, kind: _Kind) -> Activity:
    """As `_limited`, where nothing but the newest is kept: faster, and in `grown` itself."""
    count, oldest, oldest_slot, slot_bits = 0, "", 0, kind.slot_ms << BITS
    for name, cells in grown.items():
        if name.startswith(group):
            count += len(cells)
            slot = cells[0] // slot_bits
            if not oldest or slot < oldest_slot or (slot == oldest_slot and name < oldest):
                oldest, oldest_slot = name, slot
    if count <= kind.newest:
        return grown
    if count > kind.newest + 1:  # kept by a version that kept more
        return _limited(grown, group, kind)
    if kept := grown[oldest][1:]:
        grown[oldest] = kept
    else:
        del grown[oldest]
    return grown


def _limited(activity: Activity, group: str, kind: _Kind) -> Activity:
    """The newest slots of a group, by (slot, name): which these are depends on no order."""
    mine = {name: cells for name, cells in activity.items() if name.startswith(group)}
    if sum(map(len, mine.values())) <= kind.newest:
        return activity
    slots = sorted(
        ((cell >> BITS) // kind.slot_ms, name, cell)
        for name, cells in mine.items()
        for cell in cells
    )
    kept = slots[-kind.newest :]
    if kind.first and slots[0] not in kept:
        kept = [slots[0], *kept]
    limited: dict[str, list[int]] = {}
    for _, name, cell in kept:
        limited.setdefault(name, []).append(cell)
    others = {name: cells for name, cells in activity.items() if name not in mine}
    return others | {name: tuple(cells) for name, cells in limited.items()}


def _amount(bits: int) -> int:
    """How many were set at random where so many are set: linear counting (Whang et al., 1990)."""
    return round(BITS * math.log(BITS / max(BITS - bits, 0.5)))


_AMOUNTS = tuple(_amount(bits) for bits in range(BITS + 1))
