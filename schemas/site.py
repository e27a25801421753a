"""The site file as typed values: what marketing and analysts say about their site.

`schemas.site_file` reads and checks the YAML; this module only says what it holds.
"""

from __future__ import annotations

import re
import zlib
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec

from schemas.event import Medium
from schemas.funnel import MAX_STEPS as MAX_STEPS
from schemas.funnel import SESSION_BREAKDOWNS as SESSION_BREAKDOWNS
from schemas.funnel import SESSION_FIELDS as SESSION_FIELDS
from schemas.funnel import SESSION_SHOWN as SESSION_SHOWN
from schemas.funnel import Funnel as Funnel
from schemas.funnel import Step as Step
from schemas.funnel import path_pattern as path_pattern
from schemas.standard_funnels import standard_funnels

Value = str | bool | int | float
VisitorClass = Literal["first-time", "returning", "registered", "customer", "unknown"]

Recency = Literal["active", "silent", "asleep", "lost"]
Frequency = Literal["new", "second-time", "repeat", "loyal"]
Lifecycle = Literal["visitor", "lead"] | Frequency | Literal["silent", "asleep", "lost"]

RECENCIES: tuple[Recency, ...] = ("active", "silent", "asleep", "lost")
FREQUENCIES: tuple[Frequency, ...] = ("new", "second-time", "repeat", "loyal")
LIFECYCLES: tuple[Lifecycle, ...] = ("visitor", "lead", *FREQUENCIES, "silent", "asleep", "lost")


class WriteKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that may send events: `server` is secret, `browser` is public and bound to origins."""

    key: str
    kind: Literal["server", "browser"]
    app_ids: tuple[str, ...] = ()  # of a browser key: Snowplow's application ids that stand for it


class CookieRules(msgspec.Struct, frozen=True, kw_only=True):
    name: str = "ff_id"
    domain: str = ""  # '' : the host that answers
    max_age_s: int = 395 * 86400


class ConsentRules(msgspec.Struct, frozen=True, kw_only=True):
    mode: Literal["opt-in", "opt-out", "none"] = "opt-in"
    honour: tuple[Literal["gpc", "dnt"], ...] = ("gpc",)


class SessionRules(msgspec.Struct, frozen=True, kw_only=True):
    gap_ms: int = 30 * 60_000
    cut_on: tuple[Literal["campaign", "external_referrer"], ...] = ("campaign", "external_referrer")
    lateness_ms: int = 3_600_000


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    kafka_ms: int = 35 * 86_400_000
    events_ms: int = 400 * 86_400_000
    visitors_ms: int = 90 * 86_400_000


class BotRules(msgspec.Struct, frozen=True, kw_only=True):
    max_events_a_minute: int = 120  # of one device; above it the device is a bot that UTC day


class LimitRules(msgspec.Struct, frozen=True, kw_only=True):
    """Events a minute above which the answer is 429; 0 is no limit."""

    address: int = 6000  # of one address with browser keys
    keys: dict[str, int] = {}  # of all who use a write key


class Geo(msgspec.Struct, frozen=True, kw_only=True):
    database: Path  # in MaxMind's format


class ReferrerRule(msgspec.Struct, frozen=True, kw_only=True):
    """Overrides the built-in list for a host and everything below it."""

    host: str
    source: str
    medium: Medium = "referral"


class SiteSearch(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    parameter: str


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    file: Path
    id: str
    reload_s: int = 300


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """A closed range of numbers, written `0..9`."""

    low: float
    high: float


class LifecycleRules(msgspec.Struct, frozen=True, kw_only=True):
    """Last seen within: active, silent, asleep; else lost."""

    active_ms: int = 30 * 86_400_000
    silent_ms: int = 90 * 86_400_000
    asleep_ms: int = 365 * 86_400_000


class ValueTiers(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's money from which on he belongs to a tier, in the site's currency; else small."""

    top: Decimal = Decimal(1000)
    large: Decimal = Decimal(300)
    medium: Decimal = Decimal(100)


class InterestRule(msgspec.Struct, frozen=True, kw_only=True):
    """An interest with at least this share of all the person's interests, 0..1."""

    category: str
    share: float = 0.0


class SegmentRule(msgspec.Struct, frozen=True, kw_only=True):
    """Persons in whom all conditions hold; the values of one condition are OR."""

    name: str
    when: dict[str, tuple[Value | Range | InterestRule, ...]] = {}


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the homepage's list; `when` is AND, the values of one condition are OR."""

    name: str
    when: dict[str, tuple[Value | Range, ...]] = {}
    variant: str = ""  # '' where an experiment decides
    experiment: str = ""
    picks: int = 0


class Homepage(msgspec.Struct, frozen=True, kw_only=True):
    default: str = "default"
    scenarios: tuple[Scenario, ...] = ()


class Experiment(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    name: str
    arms: dict[str, float]
    holdout: float = 0.0  # share, 0..1
    goal: str = ""
    allocation: Literal["fixed", "thompson"] = "fixed"
    group: str = ""  # a visitor takes part in one experiment of a group
    share: float = 1.0  # of the group's visitors, or of all; 0..1
    floor: float = 0.05  # thompson: no arm gets a smaller share of newcomers
    delay_ms: int = 3_600_000  # thompson: an exposure younger than this says nothing yet
    within_ms: int = 0  # the goal counts so long after the first exposure; 0: whenever it comes

    @cached_property
    def key(self) -> str:
        """Name and what counts: with another goal, or time for it, it counts anew."""
        text = f"{self.goal} {self.within_ms}" if self.within_ms else self.goal
        return f"{self.name}:{zlib.crc32(text.encode()):08x}"


class AlertRules(msgspec.Struct, frozen=True, kw_only=True):
    """What ops are told of; shares are 0..1."""

    webhooks: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()  # funnels
    fall: float = 0.2  # of a step's share, relative to the usual one: the least that is told
    lag_ms: int = 30_000
    silent_ms: int = 30_000
    rejected_share: float = 0.05
    rejected_count: int = 50
    degraded_share: float = 0.05
    holidays: tuple[str, ...] = ()  # days like no other, ISO dates in the site's timezone


class Site(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    name: str
    hosts: tuple[str, ...] = ()
    timezone: str = "UTC"
    currency: str = ""
    origins: tuple[str, ...] = ()  # scheme://host[:port]; port `*` is any
    cookie: CookieRules = CookieRules()
    write_keys: tuple[WriteKey, ...] = ()
    consent: ConsentRules = ConsentRules()
    session: SessionRules = SessionRules()
    identity_horizon_ms: int = 35 * 86_400_000
    join_logs: bool = True  # imported log lines are joined to who was seen at their address
    retention: Retention = Retention()
    bots: BotRules = BotRules()
    geo: Geo | None = None
    site_search: SiteSearch | None = None
    referrers: tuple[ReferrerRule, ...] = ()
    catalogue: Catalogue | None = None
    funnels: dict[str, Funnel] = {}
    homepage: Homepage = Homepage()
    experiments: dict[str, Experiment] = {}
    lifecycle: LifecycleRules = LifecycleRules()
    value_tiers: ValueTiers = ValueTiers()
    currencies: dict[str, Decimal] = {}  # what one of it is worth in the site's currency
    segments: dict[str, SegmentRule] = {}
    alerts: AlertRules = AlertRules()
    limits: LimitRules = LimitRules()

    @cached_property
    def live_funnels(self) -> dict[str, Funnel]:
        """What is counted live: the site's own funnels, and the standard ones it has not redefined.

        `/v1/funnels/NAME` and `footfall funnel NAME` know them all.
        """
        return {**self.funnels, **standard_funnels(self.funnels, self.variants)}

    @cached_property
    def variants(self) -> tuple[str, ...]:
        """Every homepage that may be chosen, sorted; () where there are no scenarios."""
        if not self.homepage.scenarios:
            return ()
        chosen = {scenario.variant for scenario in self.homepage.scenarios}
        arms = {arm for experiment in self.experiments.values() for arm in experiment.arms}
        return tuple(sorted({self.homepage.default, *chosen, *arms} - {""}))

    @cached_property
    def decides_by_profile(self) -> bool:
        """Whether a homepage scenario asks for what only a person's profile tells, or picks."""
        if any(scenario.picks for scenario in self.homepage.scenarios):
            return True
        asked = {name for scenario in self.homepage.scenarios for name in scenario.when}
        return not asked.isdisjoint(("segment", "lifecycle"))

    @cached_property
    def decides_by_country(self) -> bool:
        """Whether a homepage scenario asks for it, and there is what tells it."""
        return self.geo is not None and any(
            "country" in scenario.when for scenario in self.homepage.scenarios
        )

    @cached_property
    def slices(self) -> dict[str, tuple[float, float]]:
        """Experiment -> [low, high) of its group, 0..1: one after the other, as in the file."""
        ends: dict[str, float] = {}
        found = {}
        for each in self.experiments.values():
            low = ends.get(each.group, 0.0) if each.group else 0.0
            found[each.name] = low, low + each.share
            ends[each.group] = low + each.share
        return found

    def write_key(self, key: str) -> WriteKey | None:
        return self._keys.get(key)

    def key_of_app(self, app_id: str) -> WriteKey | None:
        """The browser key for which an application id stands."""
        return self._apps.get(app_id)

    @cached_property
    def _apps(self) -> dict[str, WriteKey]:
        return {app_id: key for key in self.write_keys for app_id in key.app_ids}

    @cached_property
    def _keys(self) -> dict[str, WriteKey]:
        return {key.key: key for key in self.write_keys}

    def allows_origin(self, origin: str) -> bool:
        """Whether a page of this origin may speak with a browser key."""
        return any(pattern.fullmatch(origin) for pattern in self._origins)

    @cached_property
    def _origins(self) -> tuple[re.Pattern[str], ...]:
        return tuple(
            re.compile(re.escape(origin).replace(r":\*", r"(:\d{1,5})?"), re.IGNORECASE)
            for origin in self.origins
        )
