"""Profiles of an account: what servers have said about its members (design.md section 4).

A fact is a last-writer register by (time, event). `join` gives the same from any order, repetition
and grouping of the same facts: of each fact the latest stands, and of more names than are kept
the smallest stay. A name among the smallest of all is among the smallest of any part, so nothing
that is kept in the end was let go before; by any other choice, such as the earliest, it might
have been. A removed fact still counts as a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

MAX_PROFILES = 16  # an account
MAX_ATTRIBUTES = 32  # a profile
MAX_USERS = 8  # whose profiles one device tells
MAX_NAME = 64  # characters
MAX_TEXT = 200  # characters
MAX_LIST = 16  # values
MAX_VALUE_BYTES = 1024  # as JSON: with the counts above, an account fits into one Kafka record

ACCOUNT = ""
"""The id of the account's own profile."""

Scalar = str | int | float | bool
AttributeValue = Scalar | tuple[Scalar, ...]


class Fact(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What the latest event says of one attribute."""

    time: int  # ms
    event: bytes  # its UUID
    value: AttributeValue | None  # None: removed


Profile = dict[str, Fact]  # by attribute
Profiles = dict[str, Profile]  # by profile id

Item = TypeVar("Item")


def join(one: Profiles, other: Profiles) -> Profiles:
    """All that both say, within the limits; `one` itself where `other` adds nothing."""
    joined = one
    for profile_id, told in other.items():
        known = one.get(profile_id)
        profile = told if known is None else _join_facts(known, told)
        if known is None:
            profile = smallest(profile, MAX_ATTRIBUTES)
        if profile is not known:
            joined = {**joined, profile_id: profile}
    return smallest(joined, MAX_PROFILES)


def smallest(items: dict[str, Item], count: int) -> dict[str, Item]:
    """The `count` items with the smallest names; the same object where there are no more."""
    if len(items) <= count:
        return items
    return {name: items[name] for name in sorted(items)[:count]}


def attributes(profile: Mapping[str, Fact]) -> dict[str, AttributeValue]:
    """What is said and not removed."""
    return {name: fact.value for name, fact in profile.items() if fact.value is not None}


def _join_facts(known: Profile, told: Profile) -> Profile:
    joined = known
    for name, fact in told.items():
        held = joined.get(name)
        if held is None or _is_later(fact, held):
            joined = {**joined, name: fact}
    return smallest(joined, MAX_ATTRIBUTES)


def _is_later(fact: Fact, held: Fact) -> bool:
    """By time, then by event id; of one event under two devices, by what it says."""
    if (fact.time, fact.event) != (held.time, held.event):
        return (fact.time, fact.event) > (held.time, held.event)
    return msgspec.json.encode(fact.value) > msgspec.json.encode(held.value)
