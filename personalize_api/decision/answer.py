"""The answer of `/v1/homepage`, as the caller reads it (contract.md section 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec
from msgspec import UNSET, UnsetType

from personalize_api.decision.scenarios import Choice, Tried
from personalize_api.recognize.visitors import Visitor
from schemas.site import VisitorClass

TTL_S = 60
DEGRADED_TTL_S = 5


class VisitorAnswer(msgspec.Struct, kw_only=True):
    """What a caller may know about the visitor; the last five are for server keys only."""

    class_: VisitorClass = msgspec.field(name="class")
    logged_in: bool
    anonymous_id: str | None
    user_id: str | UnsetType | None = UNSET
    profile_id: str | UnsetType | None = UNSET
    person_id: str | UnsetType | None = UNSET
    sessions: int | UnsetType = UNSET
    orders: int | UnsetType = UNSET


class ExperimentAnswer(msgspec.Struct, kw_only=True):
    name: str
    arm: str  # 'holdout' gets the homepage's default


class Pick(msgspec.Struct, kw_only=True):
    id: str
    score: float
    reasons: list[str]
    parts: dict[str, float] | UnsetType = UNSET  # of the score, for who asks for picks alone


class HomepageAnswer(msgspec.Struct, kw_only=True):
    """`cache_key` is equal where what is shown is equal; good for `ttl_s` seconds."""

    variant: str
    scenario: str
    reason: str
    visitor: VisitorAnswer
    experiment: ExperimentAnswer | None
    picks: list[Pick]
    decision_id: str
    cache_key: str
    ttl_s: int
    degraded: bool
    explained: list[Tried] | UnsetType = UNSET


encode = msgspec.json.Encoder().encode


def visitor_answer(visitor: Visitor, profile_id: str, *, trusted: bool) -> VisitorAnswer:
    """`trusted`: the caller has shown a server key."""
    answer = VisitorAnswer(
        class_=visitor.class_,
        logged_in=visitor.logged_in,
        anonymous_id=visitor.anonymous_id or None,
    )
    if trusted:
        answer.user_id = visitor.user_id or None
        answer.profile_id = profile_id or None
        answer.person_id = visitor.person_id or None
        answer.sessions = visitor.sessions
        answer.orders = visitor.orders
    return answer


def experiment_answer(choice: Choice) -> ExperimentAnswer | None:
    if not choice.experiment:
        return None
    return ExperimentAnswer(name=choice.experiment, arm=choice.arm)


def cache_key(variant: str, picks: Iterable[str]) -> str:
    """What names the page that is shown: the variant, and which products in which order.

    Two visitors with the same key may be served the same copy of a page, whatever scenario or
    arm has led there. It is a name as the site file allows, so it may stand in URLs and headers.
    """
    if not (ids := "\x1f".join(picks)):
        return variant
    return f"{variant}.{hashlib.blake2b(ids.encode(), digest_size=8).hexdigest()}"
