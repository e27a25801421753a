"""The alias stage: which user ids are one person, by what servers say.

line of footfall.aliases
  ├─ no alias ──────────────────────────────▶ rejected (invalid_event)
  ├─ whom to forget ▶ components without them
  ├─ of who was forgotten since ────────────▶ says nothing
  ├─ older than what is held of the pair ───▶ says nothing new
  └─ newest ▶ the component ▶ after the record, each user of whom that changed something:
       ├─ another root ─────────────────────▶ footfall.registers, footfall.resolutions
       └─ a link that holds, or no longer ──▶ footfall.identity
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from schemas.aliases import (
    ALIAS_TTL_MS,
    Component,
    Edge,
    component_decoder,
    edge_of,
    encode_component,
    joined,
    root_of,
    roots_of,
)
from schemas.batch import UNREADABLE, encode_line, split_lines
from schemas.event import Event
from schemas.forget import FORGET_BEGINS, Forget
from schemas.ids import is_identifier, person_of_user
from schemas.messages import Alias, IdentityLink, LinkStatus, Resolution, Root
from schemas.reasons import Reason
from schemas.redis_keys import alias_key
from schemas.topics import ALIASES, IDENTITY, REGISTERS, RESOLUTIONS, version_of
from streams.erasing import component_without
from streams.forgotten import Forgetter
from streams.records import Effects, Emissions, Record, StateWrite
from streams.rejected import reject

Line = Alias | Forget | bytes
States = dict[str, Component | None]

_aliases = msgspec.json.Decoder(Alias)
_forgets = msgspec.json.Decoder(Forget)


def alias_of(event: Event, record_time: int) -> Alias | None:
    """What an event says about two users; None where it says nothing that a server may say."""
    if event.type != "alias" or not event.server or event.user_id == event.previous_id:
        return None
    if not (is_identifier(event.user_id) and is_identifier(event.previous_id)):
        return None
    one, other = sorted((event.user_id, event.previous_id))
    return Alias(
        one=one,
        other=other,
        event_time=event.event_time,
        event_id=event.event_id,
        record_time=record_time,
        revoked=event.revoke,
    )


class AliasStage:
    """Folds batches of `footfall.aliases`; holds no state of its own."""

    topic = ALIASES
    counts = ()
    layouts = None

    def __init__(self, secret: str = "") -> None:
        self._secret = secret

    def decode(self, record: Record) -> list[Line]:
        """The record's lines; bytes stay where a line is no alias."""
        return [_decode(line) for line in split_lines(record.value)]

    def state_keys(
        self, lines: Sequence[Line], known: Collection[str] = ()
    ) -> Iterator[tuple[str, str]]:
        """(name, Redis key) of each state that the lines need and that is not known: of the users
        they name.

        What they change are the keys of whole components, which those two hold.
        """
        aliases = [line for line in lines if isinstance(line, Alias)]
        wanted = {user for alias in aliases for user in (alias.one, alias.other)}
        for line in lines:
            if isinstance(line, Forget):
                wanted.update(line.keys)
        for user in wanted.difference(known):
            yield user, alias_key(user)

    def decode_state(self, blob: bytes) -> Component:
        return component_decoder.decode(blob)

    def fold(
        self, states: States, batch: Sequence[tuple[Record, Sequence[Line]]], epoch: int
    ) -> Effects:
        """Replaces entries of `states`, never changes one. Emissions depend on no batch border."""
        emissions = Emissions()
        touched: set[str] = set()
        forgetter = Forgetter(ALIASES, self._secret, states)
        for record, lines in batch:
            version = version_of(epoch, record.offset)
            before: dict[str, Component | None] = {}
            edges: list[Edge] = []
            newest = 0
            for number, line in enumerate(lines):
                if isinstance(line, Forget):
                    for user in line.keys:
                        held = states.get(user)
                        states[user] = component_without(user, held, line) if held else None
                    touched.update(line.keys)
                    forgetter.remember(line)
                elif forgetter.has_forgotten(line):
                    continue
                elif isinstance(line, Alias):
                    edges.append(edge_of(line))
                    newest = max(newest, line.record_time)
                    _apply(states, edges[-1], before)
                else:
                    reject(emissions, ALIASES, version, record, number, line, Reason.INVALID_EVENT)
            _emit_roots(emissions, before, states, version, newest)
            _emit_links(emissions, before, states, edges, version)
            touched |= before.keys()
        writes = [_write(user, states[user]) for user in touched]
        return Effects(emissions, [*writes, *forgetter.writes()], [])


def _apply(states: States, edge: Edge, before: dict[str, Component | None]) -> None:
    """Puts the edge into the component of both users, under every member's key.

    `before`: gets what the keys that change held.
    """
    one, other = states.get(edge.one), states.get(edge.other)
    component = joined(one, other, edge)
    if one == other == component:
        return
    for user, held in ((edge.one, one), (edge.other, other)):
        for member in sorted({user, *(held.users() if held else ())}):
            before.setdefault(member, held)
            states[member] = component


def _emit_roots(
    emissions: Emissions,
    before: Mapping[str, Component | None],
    states: States,
    version: int,
    record_time: int,
) -> None:
    for user, old in before.items():
        root = root_of(states[user], user)
        if root == root_of(old, user):
            continue
        person = person_of_user(user)
        told = Root(
            person_id=person,
            root=root if root != user else "",
            version=version,
            record_time=record_time,
        )
        emissions.add(REGISTERS, person, encode_line(told))
        resolution = Resolution(
            person_id=person, device_id="", resolved_id=person_of_user(root), version=version
        )
        emissions.add(RESOLUTIONS, person, encode_line(resolution))


class _Said(NamedTuple):
    """What is recorded of one link."""

    since: int  # ms
    status: LinkStatus
    evidence: str


_Recorded = dict[tuple[str, str], _Said]
"""(identifier, user whose person it leads to) -> what is recorded."""


def _emit_links(
    emissions: Emissions,
    before: Mapping[str, Component | None],
    states: States,
    edges: Sequence[Edge],
    version: int,
) -> None:
    """Every link that the record changed. In a component that is over they are only noted."""
    old = {held for held in before.values() if held is not None}
    new = {held for user in before if (held := states[user]) is not None}
    was, now = _recorded(old), _recorded(new)
    for edge in (*(edge for held in old for edge in held.edges), *edges):
        if (held := states[edge.one]) is not None and held.over:
            now[edge.other, edge.one] = _Said(edge.time, "suspicious", edge.event)
    for (user, root), said in sorted(now.items()):
        if was.get((user, root)) != said:
            _emit_link(emissions, user, root, said, version)
    for (user, root), said in sorted(was.items()):
        if (user, root) not in now:
            _emit_link(emissions, user, root, said, version, removed=True)


def _recorded(components: Iterable[Component]) -> _Recorded:
    """Every user's link to his root, by his earliest alias that holds; and what was revoked."""
    links: _Recorded = {}
    for component in components:
        roots = roots_of(component.edges)
        for edge in component.edges:
            if edge.revoked:
                links[edge.other, edge.one] = _Said(edge.time, "revoked", edge.event)
        for user, root in roots.items():
            if user != root:
                links[user, root] = _first_alias(user, component.edges)
    return links


def _first_alias(user: str, edges: Sequence[Edge]) -> _Said:
    mine = [edge for edge in edges if user in edge.pair and not edge.revoked]
    first = min(mine, key=lambda edge: (edge.time, edge.event))
    return _Said(first.time, "applied", first.event)


def _emit_link(
    emissions: Emissions,
    user: str,
    root: str,
    said: _Said,
    version: int,
    removed: bool = False,
) -> None:
    person = person_of_user(root)
    link = IdentityLink(
        identifier=user,
        kind="user_id",
        person_id=person,
        valid_from=said.since,
        reason="alias",
        device_id="",
        version=version,
        status=said.status,
        evidence=said.evidence,
        removed=removed,
    )
    emissions.add(IDENTITY, person, encode_line(link))


def _write(user: str, component: Component | None) -> StateWrite:
    if component is None:
        return StateWrite(alias_key(user), b"", 0)
    return StateWrite(alias_key(user), encode_component(component), ALIAS_TTL_MS)


def _decode(line: bytes) -> Line:
    decoder: msgspec.json.Decoder[Any] = _aliases
    if line.startswith(FORGET_BEGINS):
        decoder = _forgets
    try:
        found: Line = decoder.decode(line)
    except UNREADABLE:
        return line
    return found
