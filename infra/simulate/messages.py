"""Acts as Segment messages, as the shop's server sends them, and the truth about each."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import msgspec

from infra.simulate.acts import Act
from infra.simulate.odds import MAX_DELAY_S, MAX_OFFLINE_H, is_drawn
from infra.simulate.past import Past, Plan
from infra.simulate.people import uuid4
from infra.simulate.steps import Step
from infra.simulate.truth import Truth, iso
from schemas.event import LOGOUT_NAMES
from schemas.identifiers import KINDS, Kind, node_of, normalized
from schemas.ids import USER_DEVICE_PREFIX

Message = dict[str, Any]

_LATER_MS = 10 * 60_000


class Happening(msgspec.Struct):
    """One message that is sent. `truth` is None where it was sent before: a duplicate."""

    message: Message
    truth: Truth | None


def history(plan: Plan, log: Callable[[Act], None] | None = None) -> Iterator[Happening]:
    """The past as messages in the order in which they are sent: by time, but for the dirt.

    `log` is told of every act in order of time, those too of which no beacon tells; the truth then
    says what lines of a log can be joined by.
    """
    chance = Random(plan.seed ^ 0x5EED)
    sender = Sender(chance, plan.origin, plan.secret, tells_address=log is not None)
    waiting: list[tuple[int, int, Happening]] = []
    online: dict[str, int] = {}  # by visit
    count = 0
    for act in Past(plan).acts():
        if log is not None:
            log(act)
        if act.blocked:
            continue
        while waiting and waiting[0][0] <= act.at:
            yield heapq.heappop(waiting)[2]
        happening = sender.happening(act)
        sent_at = act.at
        if act.offline:
            hours = MAX_OFFLINE_H * 3_600_000
            sent_at = max(sent_at, online.setdefault(act.visit, sent_at + chance.randrange(hours)))
        elif is_drawn(chance, plan.dirt.disorder):
            sent_at += chance.randrange(1000 * MAX_DELAY_S)
        if is_drawn(chance, plan.dirt.duplicates):
            later = 0 if is_drawn(chance, 0.5) else chance.randrange(_LATER_MS)
            count += 1
            again = Happening(happening.message, None)
            heapq.heappush(waiting, (sent_at + 1 + later, count, again))
        if sent_at == act.at:
            yield happening
            continue
        count += 1
        heapq.heappush(waiting, (sent_at, count, happening))
    while waiting:
        yield heapq.heappop(waiting)[2]


class Sender:
    """Makes messages. Message ids come from `chance`, so that a seed repeats them.

    `secret`: the stack's; without it the truth does not know under which device id a message is
    stored that names neither device nor user.
    """

    def __init__(
        self, chance: Random, origin: str, secret: str, *, tells_address: bool = False
    ) -> None:
        self._tells_address = tells_address
        self._chance = chance
        self._origin = origin
        self._secret = secret

    def happening(self, act: Act, skew_ms: int = 0) -> Happening:
        """`skew_ms`: how far the sender's clock is ahead; it moves the message's time only."""
        step = act.step
        message_id = uuid4(self._chance)
        message: Message = {
            "type": step.type,
            "messageId": message_id,
            "timestamp": iso(act.at + skew_ms),
            "context": _of_backend(step) if act.is_backend else self._context(act),
        }
        if act.device:
            message["anonymousId"] = act.device
        user_id = step.user_id if act.consents else ""
        logs_in = step.type == "identify" and not step.profile_id
        if user_id:
            message["userId"] = user_id
        if step.type == "identify":
            message["traits"] = step.traits
        elif step.type == "alias":
            message["previousId"] = step.previous_id
        else:
            message["properties"] = step.properties
            if step.type == "track":
                message["event"] = step.name
        truth = Truth(
            event_id=message_id,
            device_id=self._device_id(act),
            event_time=act.at,
            person=act.person,
            session=act.visit,
            kind="visitor" if act.person else "bot",
            consent="granted" if act.consents else "denied",
            user_id=user_id,
            logs_out=step.name in LOGOUT_NAMES,
            is_own=bool(user_id) and (logs_in or act.is_backend),
            clicked_by=act.clicked_by if act.consents and self._secret else "",
            same_as=step.previous_id,
            claims=self._claims(step) if user_id else [],
            revokes=step.revokes,
            ip=act.ip if self._tells_address else "",
            user_agent=act.user_agent if self._tells_address else "",
        )
        return Happening(message, truth)

    def _device_id(self, act: Act) -> str:
        """Under which the event is stored; '' where it agreed to nothing."""
        step = act.step
        if act.device or not act.is_backend:
            return act.device
        if step.user_id:
            return USER_DEVICE_PREFIX + step.user_id
        named = {**step.properties, **step.named}
        kind = next(kind for kind in KINDS if kind in named)
        return self._node(kind, named[kind])

    def _claims(self, step: Step) -> list[str]:
        """Identifiers that become the user's."""
        if step.name == "Order Completed":
            return [self._node("order_id", step.properties["order_id"])]
        kinds: tuple[Kind, ...] = ("email", "phone")
        return [
            self._node(kind, step.traits[kind])
            for kind in kinds
            if kind in step.traits and (step.revokes or f"{kind}_verified" in step.traits)
        ]

    def _node(self, kind: Kind, value: object) -> str:
        return node_of(kind, normalized(kind, value), self._secret)

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


def _of_backend(step: Step) -> Message:
    context: Message = {"consent": "granted"}
    if step.named:
        context["traits"] = step.named
    if step.revokes:
        context["revoke"] = True
    return context
