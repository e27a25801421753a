"""Acts as Segment messages, as the shop's server sends them, and the truth about each."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec

from infra.simulate.acts import Act
from infra.simulate.odds import MAX_DELAY_S, is_drawn
from infra.simulate.past import Past, Plan
from infra.simulate.people import uuid4
from infra.simulate.truth import Truth, iso
from schemas.event import LOGOUT_NAMES

Message = dict[str, Any]

_LATER_MS = 10 * 60_000


class Happening(msgspec.Struct):
    """One message that is sent. `truth` is None where it was sent before: a duplicate."""

    message: Message
    truth: Truth | None


def history(plan: Plan) -> Iterator[Happening]:
    """The past as messages in the order in which they are sent: by time, but for the dirt."""
    chance = Random(plan.seed ^ 0x5EED)
    sender = Sender(chance, plan.origin)
    waiting: list[tuple[int, int, Happening]] = []
    count = 0
    for act in Past(plan).acts():
        while waiting and waiting[0][0] <= act.at:
            yield heapq.heappop(waiting)[2]
        happening = sender.happening(act)
        if is_drawn(chance, plan.dirt.duplicates):
            later = act.at + (0 if is_drawn(chance, 0.5) else chance.randrange(_LATER_MS))
            count += 1
            again = Happening(happening.message, None)
            heapq.heappush(waiting, (later + 1000 * MAX_DELAY_S, count, again))
        if not is_drawn(chance, plan.dirt.disorder):
            yield happening
            continue
        count += 1
        delay = chance.randrange(1000 * MAX_DELAY_S)
        heapq.heappush(waiting, (act.at + delay, count, happening))
    while waiting:
        yield heapq.heappop(waiting)[2]


class Sender:
    """Makes messages. Message ids come from `chance`, so that a seed repeats them."""

    def __init__(self, chance: Random, origin: str) -> None:
        self._chance = chance
        self._origin = origin

    def happening(self, act: Act, skew_ms: int = 0) -> Happening:
        """`skew_ms`: how far the sender's clock is ahead; it moves the message's time only."""
        step = act.step
        message_id = uuid4(self._chance)
        message: Message = {
            "type": step.type,
            "messageId": message_id,
            "timestamp": iso(act.at + skew_ms),
            "context": self._context(act),
        }
        if act.device:
            message["anonymousId"] = act.device
        user_id = step.user_id if act.consents else ""
        if user_id:
            message["userId"] = user_id
        if step.type == "identify":
            message["traits"] = step.traits
        else:
            message["properties"] = step.properties
            if step.type == "track":
                message["event"] = step.name
        truth = Truth(
            event_id=message_id,
            device_id=act.device,
            event_time=act.at,
            person=act.person,
            session=act.visit,
            kind="visitor" if act.person else "bot",
            consent="granted" if act.consents else "denied",
            user_id=user_id,
            logs_out=step.name in LOGOUT_NAMES,
        )
        return Happening(message, truth)

    def _context(self, act: Act) -> Message:
        step = act.step
        page = {"url": self._origin + step.path, "path": step.path.partition("?")[0]}
        if step.title:
            page["title"] = step.title
        if step.referrer:
            page["referrer"] = step.referrer
        context: Message = {
            "page": page,
            "ip": act.ip,
            "consent": "granted" if act.consents else "denied",
        }
        if act.user_agent:
            context["userAgent"] = act.user_agent
        if act.language:
            context["locale"] = act.language
        if step.profile_id and act.consents:
            context["profile_id"] = step.profile_id
        if act.shown is not None:
            context["variant"] = act.shown.variant
            if act.shown.decision_id:
                context["decision_id"] = act.shown.decision_id
        return context
