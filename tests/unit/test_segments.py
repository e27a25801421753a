"""Segments and lifecycle borders: as the site file writes them, and who is in them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from schemas.activity import Touch
from schemas.person_profile import Interest, PersonProfile, profile_of
from schemas.purchases import UNIT
from schemas.segments import segments_in
from schemas.site import LifecycleRules, Site
from tests.unit.test_site_file import errors, loaded

DAY = 86_400_000
NOW = 1_790_000_000_000
NOBODY = profile_of((), LifecycleRules(), NOW, has_login=False)
GOOGLE = Touch(NOW - 9 * DAY, "search", "Google", "spring")


def somebody(**known: object) -> PersonProfile:
    return msgspec.structs.replace(NOBODY, **known)


def segment(folder: Path, conditions: str) -> Site:
    return loaded(folder, f"segments: {{it: {{{conditions}}}}}")


def is_in(site: Site, profile: PersonProfile) -> bool:
    return segments_in(site, profile, NOW) == ("it",)


@pytest.mark.parametrize(
    ("conditions", "inside", "outside"),
    [
        ("orders: 2..", {"orders": 2}, {"orders": 1}),
        ("orders: 0", {"orders": 0}, {"orders": 1}),
        ("orders: [0, 3..4]", {"orders": 4}, {"orders": 2}),
        ("sessions: ..3", {"sessions": 3}, {"sessions": 4}),
        ("days: 2..5", {"days": 5}, {"days": 6}),
        ("revenue: 99.50..", {"money": {"": 995_000}}, {"money": {"": 994_999}}),
        ("last_order: 90d..", {"last_order": NOW - 90 * DAY}, {"last_order": NOW - 89 * DAY}),
        ("last_order: ..7d", {"last_order": NOW - DAY}, {"last_order": 0}),
        ("first_seen: 1d..30d", {"first_seen": NOW - DAY}, {"first_seen": NOW - 31 * DAY}),
        ("first_touch.medium: search", {"first_touch": GOOGLE}, {}),
        ("first_touch.source: google", {"first_touch": GOOGLE}, {"last_touch": GOOGLE}),
        ("last_touch.campaign: [spring, may]", {"last_touch": GOOGLE}, {}),
        ("lifecycle: [silent, lost]", {"lifecycle": "lost"}, {"lifecycle": "loyal"}),
        ("recency: asleep", {"recency": "asleep"}, {"recency": "lost"}),
        ("frequency: repeat", {"frequency": "repeat"}, {"frequency": ""}),
        ("class: customer", {"class_": "customer"}, {"class_": "registered"}),
    ],
)
def test_one_condition(
    tmp_path: Path, conditions: str, inside: dict[str, object], outside: dict[str, object]
) -> None:
    site = segment(tmp_path, conditions)
    assert is_in(site, somebody(**inside))
    assert not is_in(site, somebody(**outside))


def test_an_interest_may_need_a_share(tmp_path: Path) -> None:
    fans = somebody(interests=(Interest("Trains", 3.0, 0.75), Interest("dolls", 1.0, 0.25)))
    assert is_in(segment(tmp_path, "interest: trains"), fans)
    assert is_in(segment(tmp_path, "interest: [cars, dolls]"), fans)
    assert not is_in(segment(tmp_path, "interest: cars"), fans)
    assert is_in(segment(tmp_path, "interest: {trains: 75%}"), fans)
    assert not is_in(segment(tmp_path, "interest: {dolls: 30%}"), fans)


def test_all_conditions_must_hold_and_segments_come_in_their_order(tmp_path: Path) -> None:
    site = loaded(
        tmp_path,
        "segments:\n  good: {orders: 1.., sessions: 5..}\n  any: {orders: 0..}\n",
    )
    assert segments_in(site, somebody(orders=1, sessions=5), NOW) == ("good", "any")
    assert segments_in(site, somebody(orders=1, sessions=4), NOW) == ("any",)


def test_revenue_is_in_the_sites_currency(tmp_path: Path) -> None:
    site = msgspec.structs.replace(segment(tmp_path, "revenue: 10.."), currency="EUR")
    assert is_in(site, somebody(money={"EUR": 10 * UNIT, "USD": 1}))
    assert not is_in(site, somebody(money={"USD": 10 * UNIT}))


def test_lifecycle_borders_are_the_sites(tmp_path: Path) -> None:
    site = loaded(tmp_path, "lifecycle: {active: 7d, silent: 14d}")
    assert site.lifecycle == LifecycleRules(active_ms=7 * DAY, silent_ms=14 * DAY)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("lifecycle: {active: 90d, silent: 30d}", "3: lifecycle: the borders do not grow"),
        ("segments:\n  a: {order: 1..}", "4: unknown condition 'order' in segments.a"),
        ("segments:\n  a: {orders: many}", "4: orders in segments.a: 'many' is no number"),
        ("segments:\n  a: {orders: 5..2}", "4: orders in segments.a: '5..2' is upside down"),
        ("segments:\n  a: {last_seen: 7d}", "4: last_seen in segments.a: '7d' is no span of time"),
        ("segments:\n  a: {last_seen: ..}", "4: last_seen in segments.a: '..' has no ends"),
        ("segments:\n  a: {}", "4: segments.a has no condition"),
        ("segments:\n  a: {interest: {trains: lots}}", "4: interest in segments.a: 'lots' is no"),
        ("segments:\n  a: {interest: []}", "4: interest in segments.a: allows no value"),
        ("segments:\n  a: {lifecycle: dead}", "4: lifecycle in segments.a: unknown lifecycle"),
        ("segments:\n  a b: {orders: 1}", "4: segments: 'a b' is no name"),
        (
            "segments: {fans: {orders: 1}}\nhomepage: {scenarios: [{name: x, variant: y, when: "
            "{segment: fan}}]}",
            "4: segment in when: unknown segment 'fan' (did you mean 'fans'?)",
        ),
        (
            "homepage: {scenarios: [{name: x, variant: y, when: {lifecycle: loyl}}]}",
            "3: lifecycle in when: unknown lifecycle stage 'loyl' (did you mean 'loyal'?)",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, error: str) -> None:
    found = errors(tmp_path, f"version: 1\nsite: {{name: T}}\n{text}\n")
    assert found[0].startswith(error)
