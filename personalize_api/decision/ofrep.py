"""OpenFeature Remote Evaluation Protocol (OFREP) over decisions.

Flags: `homepage`, whose value is the homepage's variant, and every experiment of the site file,
whose value is the variant of the visitor's arm (infra/decisions/0022). The evaluation context has
the inputs of `/v1/homepage`; `targetingKey` is the `anonymous_id`. An evaluation that is given away
is a decision like any other; its `decision_id` is in the metadata.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from personalize_api.decision.answer import HomepageAnswer
from personalize_api.decision.arrival import Arrival, HomepageInput, check
from personalize_api.decision.scenarios import DEFAULT
from schemas.site import Site

HOMEPAGE = "homepage"

Reason = Literal["TARGETING_MATCH", "SPLIT", "DEFAULT", "STALE"]
ErrorCode = Literal[
    "PARSE_ERROR", "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "FLAG_NOT_FOUND", "GENERAL"
]

_FIELDS = frozenset(HomepageInput.__struct_fields__) - {"explain"}
_TARGETING_KEY = "targetingKey"


class Metadata(msgspec.Struct, kw_only=True):
    """`why` is a sentence. `anonymous_id` is there where the visitor has one, or was given one."""

    decision_id: str
    cache_key: str
    ttl_s: int
    degraded: bool
    visitor_class: str
    why: str
    scenario: str | UnsetType = UNSET
    experiment: str | UnsetType = UNSET
    arm: str | UnsetType = UNSET
    anonymous_id: str | UnsetType = UNSET


class Evaluation(msgspec.Struct, kw_only=True):
    """`value`: a homepage variant; `variant`: the arm where there is one, else the value.

    `reason`: SPLIT an experiment decided, TARGETING_MATCH a scenario, DEFAULT none, STALE the
    visitor's state could not be read.
    """

    key: str
    value: str
    variant: str
    reason: Reason
    metadata: Metadata


class Evaluations(msgspec.Struct, kw_only=True):
    flags: list[Evaluation]


class EvaluationFailure(msgspec.Struct, kw_only=True, rename={"code": "errorCode"}):
    """`key` is there where one flag was asked for."""

    code: ErrorCode
    details: str = msgspec.field(name="errorDetails")
    key: str | UnsetType = UNSET


class EvaluationRequest(msgspec.Struct, kw_only=True):
    """`context`: the inputs of `/v1/homepage`, and `targetingKey`; what else it has is ignored."""

    context: dict[str, Any] = {}


class Unevaluated(Exception):
    """No evaluation, in the protocol's own words: the answer is an EvaluationFailure."""

    def __init__(self, error_code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = error_code

    @property
    def status(self) -> int:
        return 404 if self.error_code == "FLAG_NOT_FOUND" else 400

    def body(self, key: str = "") -> bytes:
        """`key`: the flag that was asked for, where it was one."""
        failure = EvaluationFailure(code=self.error_code, details=self.message, key=key or UNSET)
        return msgspec.json.encode(failure)


class _Body(msgspec.Struct):
    context: msgspec.Raw = msgspec.Raw(b"{}")


def flags_of(site: Site) -> list[str]:
    """An experiment that is called `homepage` too is hidden by the homepage itself."""
    return [HOMEPAGE, *(name for name in site.experiments if name != HOMEPAGE)]


def read_context(body: bytes) -> Arrival:
    """The inputs of one evaluation. Raises Unevaluated."""
    try:
        said = msgspec.json.decode(body, type=_Body) if body.strip() else _Body()
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Unevaluated("PARSE_ERROR", f"the body is no evaluation request: {error}") from error
    try:
        context = msgspec.json.decode(said.context, type=dict[str, msgspec.Raw])
        given = {
            name: msgspec.json.decode(value) for name, value in context.items() if name in _FIELDS
        }
        if _TARGETING_KEY in context:
            given["anonymous_id"] = msgspec.json.decode(context[_TARGETING_KEY], type=str | None)
        return check(msgspec.convert(given, HomepageInput))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Unevaluated("INVALID_CONTEXT", f"the context cannot be read: {error}") from error


def evaluation(key: str, answer: HomepageAnswer) -> Evaluation:
    experiment = answer.experiment
    metadata = Metadata(
        decision_id=answer.decision_id,
        cache_key=answer.cache_key,
        ttl_s=answer.ttl_s,
        degraded=answer.degraded,
        visitor_class=answer.visitor.class_,
        why=answer.reason,
    )
    if answer.scenario:
        metadata.scenario = answer.scenario
    if experiment is not None:
        metadata.experiment, metadata.arm = experiment.name, experiment.arm
    if answer.visitor.anonymous_id:
        metadata.anonymous_id = answer.visitor.anonymous_id
    return Evaluation(
        key=key,
        value=answer.variant,
        variant=experiment.arm if experiment else answer.variant,
        reason=_reason(answer),
        metadata=metadata,
    )


def _reason(answer: HomepageAnswer) -> Reason:
    if answer.degraded:
        return "STALE"
    if answer.experiment is not None:
        return "SPLIT"
    return "DEFAULT" if answer.scenario in ("", DEFAULT) else "TARGETING_MATCH"


def etag_of(evaluations: list[Evaluation]) -> str:
    """Equal where all that a page shows is equal, whoever asked and however often."""
    told = [(each.key, each.value, each.variant, each.reason) for each in evaluations]
    ids = sorted({str(each.metadata.anonymous_id) for each in evaluations})
    digest = hashlib.blake2b(msgspec.json.encode([told, ids]), digest_size=9)
    return f'W/"{digest.hexdigest()}"'


def is_known(etag: str, if_none_match: str) -> bool:
    """By weak comparison (RFC 9110, 13.1.2)."""
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in known or etag.removeprefix("W/") in known
