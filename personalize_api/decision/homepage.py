"""`GET|POST /v1/homepage`: the hot path (infra/decisions/0007, 0026).

Reads the request, says who is asking, looks the visitor up, chooses, answers, logs the decision.
"""

from __future__ import annotations

import logging
import time
import uuid
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import UNSET, UnsetType

from personalize_api.caller.access import Caller, Headers, identify, is_direct_loopback
from personalize_api.caller.consent import consent_of
from personalize_api.caller.cors import cors
from personalize_api.caller.permitted import restrict
from personalize_api.decision.answer import (
    DEGRADED_TTL_S,
    TTL_S,
    HomepageAnswer,
    Pick,
    cache_key,
    encode,
    experiment_answer,
    visitor_answer,
)
from personalize_api.decision.arrival import Arrival
from personalize_api.decision.decisions import DecisionLog
from personalize_api.decision.endpoint import HotEndpoint
from personalize_api.decision.flags import of_experiment
from personalize_api.decision.request import Scope, read_arrival
from personalize_api.decision.respond import etag, is_held, respond, told
from personalize_api.decision.scenarios import (
    DEFAULT,
    Choice,
    Takes,
    Tried,
    decide,
    explain,
    facts_of,
)
from personalize_api.errors import PersonalizeError
from personalize_api.experiments.arms import Splits, by_arms
from personalize_api.metrics import Metrics
from personalize_api.picks.answers import Picks
from personalize_api.picks.asked import Asked, Asker, asked_by, picks_for, shown_texts
from personalize_api.recognize.visitors import Visitor, Visitors
from schemas.current_site import CurrentSite
from schemas.decision_token import Decided, mint
from schemas.event import Decision
from schemas.geo import GeoDatabase
from schemas.hot_http import Answer
from schemas.referrer import classify
from schemas.settings import Settings
from schemas.site import Site

PATH = "/v1/homepage"

logger = logging.getLogger(__name__)

_WHY_DEGRADED = {
    "deadline": "the visitor's state did not come in time",
    "redis": "the visitor's state could not be reached",
    "garbage": "the visitor's state could not be read",
    "bug": "the decision failed and is in the log",
}
_UNKNOWN = Visitor(class_="unknown")


class Rules:
    """What decisions of one site file are made with. A request keeps those it began with."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.geo = GeoDatabase(site.geo.database) if site.geo else None
        self._timezone = ZoneInfo(site.timezone)
        self._minute, self._local = -1, datetime.now(self._timezone)

    def local(self, now_ms: int) -> datetime:
        """The site's clock, to the minute."""
        minute = now_ms // 60_000
        if minute != self._minute:
            self._minute, self._local = minute, datetime.fromtimestamp(minute * 60, self._timezone)
        return self._local


class Made(NamedTuple):
    """An answer, and what is to be told of it when it is given away."""

    answer: HomepageAnswer
    decision: Decision


class Homepage(HotEndpoint):
    """The endpoint, and what others decide by it."""

    def __init__(
        self,
        settings: Settings,
        site: CurrentSite,
        visitors: Visitors,
        decisions: DecisionLog,
        metrics: Metrics,
        splits: Splits = by_arms,
        picks: Picks | None = None,
    ) -> None:
        super().__init__(site, metrics)
        self._settings = settings
        self._splits = splits
        self._picks = picks
        self._secret = settings.secret_key
        self._rules = site.follow(Rules)
        self._visitors = visitors
        self._decisions = decisions

    async def answer(self, scope: Scope, headers: Headers, body: bytes) -> Answer:
        rules = self._rules.now
        try:
            arrival = read_arrival(scope, headers, body)
            caller = identify(headers, rules.site)
            made = await self._decide(rules, scope, headers, caller, arrival)
        except PersonalizeError as error:
            return self._refused(error, headers)
        self.log(made.decision)
        answer = made.answer
        tag = etag(answer.cache_key)
        more = [(b"etag", tag), *cors(rules.site, headers)]
        if scope["method"] == "GET" and is_held(headers, tag):
            return respond(304, b"", more + told(answer))
        if scope["method"] == "HEAD":
            more += told(answer)
        return respond(200, encode(answer), more)

    async def evaluate(
        self,
        scope: Scope,
        headers: Headers,
        caller: Caller,
        arrival: Arrival,
        flag: str,
        asked: Asked | None = None,
    ) -> Made:
        """The same for a feature flag: the name of an experiment, or '' for the homepage itself.

        `asked`: which picks, whatever the scenario says. Changes `arrival`. Nothing is logged:
        whoever gives the answer away calls `log`.
        """
        return await self._decide(self._rules.now, scope, headers, caller, arrival, flag, asked)

    def log(self, decision: Decision) -> None:
        """It is on its way to Kafka. Never waits and never raises."""
        self._metrics.decided(decision.variant)
        self._decisions.add(decision)

    async def _decide(
        self,
        rules: Rules,
        scope: Scope,
        headers: Headers,
        caller: Caller,
        arrival: Arrival,
        flag: str = "",
        asked: Asked | None = None,
    ) -> Made:
        """The answer, whatever happens."""
        started = time.perf_counter()
        site = rules.site
        now_ms = time.time_ns() // 1_000_000
        explained: list[Tried] | UnsetType = UNSET
        try:
            notes = restrict(caller, headers, arrival, site, self._settings, now_ms / 1000)
            visitor, unit = await self._recognize(
                site, headers, arrival, now_ms, notes, with_person=asked is not None
            )
            referrer = classify(arrival.url, arrival.referrer, site)
            local = rules.local(now_ms)
            country = visitor.country
            if arrival.ip:
                country = rules.geo.country_of(arrival.ip).country if rules.geo else ""
            facts = facts_of(visitor, referrer, arrival, local, country)
            takes = Takes(unit=unit, shown=visitor.shown, splits=self._splits)
            if flag:
                choice = of_experiment(site, flag, referrer.medium, takes)
            else:
                choice = decide(site, facts, takes)
            picks: list[Pick] = []
            if self._picks and (asked := asked or asked_by(site, choice.scenario)) is not None:
                trusted = caller.kind == "server" or bool(arrival.user_id)
                asker = Asker(visitor, referrer, choice.scenario, now_ms, trusted)
                picks = await picks_for(self._picks, asked, asker)
            if arrival.explain and (caller.kind == "server" or _is_local(scope)):
                explained = explain(site, facts, takes)
        except Exception:
            logger.exception("a homepage decision failed; the default is shown")
            self._metrics.degraded["bug"].inc()
            visitor, choice, notes = _fallback(site)
            picks = []
        if visitor.cause:
            notes.append(_WHY_DEGRADED[visitor.cause])
        reason = "; ".join(filter(None, (choice.reason, *notes)))
        decision_id = mint(
            Decided(choice.scenario, choice.variant, choice.experiment, choice.arm), self._secret
        )
        taken_s = time.perf_counter() - started
        self._metrics.latency.observe(taken_s)
        answer = HomepageAnswer(
            variant=choice.variant,
            scenario=choice.scenario,
            reason=reason,
            visitor=visitor_answer(visitor, arrival.profile_id, trusted=caller.kind == "server"),
            experiment=experiment_answer(choice),
            picks=picks,
            decision_id=decision_id,
            cache_key=cache_key(choice.variant, shown_texts(picks)),
            ttl_s=DEGRADED_TTL_S if visitor.degraded else TTL_S,
            degraded=visitor.degraded,
            explained=explained,
        )
        return Made(answer, _decision(answer, visitor, now_ms, taken_s))

    async def _recognize(
        self,
        site: Site,
        headers: Headers,
        arrival: Arrival,
        now_ms: int,
        notes: list[str],
        *,
        with_person: bool,
    ) -> tuple[Visitor, str]:
        """The visitor, and the id by which experiments assign arms ('' : none)."""
        consent = consent_of(arrival, headers, site.consent)
        if consent == "denied":
            notes.append("consent is refused: nothing was looked up")
            logged_in = bool(arrival.user_id)
            return (Visitor(class_="unknown", logged_in=True) if logged_in else _UNKNOWN), ""
        device = arrival.anonymous_id
        unit = device or arrival.user_id
        if not device and consent == "granted":
            device = str(uuid.uuid4())
            unit = unit or device
        user, profile = arrival.user_id, arrival.profile_id
        visitor = await self._visitors.look_up(
            site, device, user, profile, now_ms, with_person=with_person
        )
        return visitor, unit


def _decision(answer: HomepageAnswer, visitor: Visitor, now_ms: int, taken_s: float) -> Decision:
    experiment = answer.experiment
    return Decision(
        decision_id=answer.decision_id,
        decided_at=now_ms,
        device_id=visitor.anonymous_id,
        scenario=answer.scenario,
        variant=answer.variant,
        reason=answer.reason,
        experiment=experiment.name if experiment else "",
        arm=experiment.arm if experiment else "",
        degraded=answer.degraded,
        latency_ms=int(taken_s * 1_000_000) / 1000,
    )


def _fallback(site: Site) -> tuple[Visitor, Choice, list[str]]:
    """What is shown when the decision itself fails."""
    choice = Choice(variant=site.homepage.default, scenario=DEFAULT, reason="")
    return Visitor(class_="unknown", cause="bug"), choice, []


def _is_local(scope: Scope) -> bool:
    client = scope.get("client")
    return is_direct_loopback(scope["headers"], client[0] if client else None)
