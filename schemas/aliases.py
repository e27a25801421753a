"""Explicit aliases: which user ids are one person, as a function of the set of alias lines.

Of each pair of users the latest line holds, by (time, event id). Users who were ever named
together, revoked or not, are a *component*; a component of more than MAX_USERS is OVER: no alias in
it applies, ever. Within a component the lines that hold now join users, and the smallest user id
of those joined is their *root*. Components only grow, so order cannot matter; and each user's key
holds the whole component, so the keys of a line's two users are all that the line needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from schemas.messages import Alias

MAX_USERS = 64  # ever, a component
ALIAS_TTL_MS = 10 * 365 * 86_400_000
"""How long live state keeps who is whom: an alias is said once, however rarely the user comes."""


class Edge(msgspec.Struct, array_like=True, frozen=True, order=True):
    """What the latest line says of two users; the user ids are sorted."""

    one: str
    other: str
    time: int  # ms
    event: str  # id of the event that says so
    revoked: bool = False

    @property
    def pair(self) -> tuple[str, str]:
        return self.one, self.other


class Component(msgspec.Struct, array_like=True, frozen=True):
    """What the key of each of its users holds."""

    edges: tuple[Edge, ...] = ()  # one a pair, sorted
    over: bool = False  # then its edges are no longer kept

    def users(self) -> frozenset[str]:
        return frozenset(user for edge in self.edges for user in edge.pair)


OVER = Component(over=True)

encode_component = msgspec.msgpack.Encoder().encode
component_decoder: msgspec.msgpack.Decoder[Component] = msgspec.msgpack.Decoder(Component)


def edge_of(alias: Alias) -> Edge:
    one, other = sorted((alias.one, alias.other))
    return Edge(one, other, alias.event_time, alias.event_id, alias.revoked)


def joined(one: Component | None, other: Component | None, edge: Edge) -> Component:
    """The component of an edge between two of them (None: that user was in none).

    `one` itself where the edge says nothing new, OVER where it is over.
    """
    one = one or Component()
    other = other or Component()
    if one.over or other.over:
        return OVER
    edges = {held.pair: held for held in (*one.edges, *other.edges)}
    held = edges.get(edge.pair)
    if held is not None and held >= edge:
        return one
    edges[edge.pair] = edge
    component = Component(tuple(sorted(edges.values())))
    return component if len(component.users()) <= MAX_USERS else OVER


def roots_of(edges: Iterable[Edge]) -> dict[str, str]:
    """User -> the smallest user id that is the same person, for every user named."""
    root: dict[str, str] = {}

    def find(user: str) -> str:
        while root.setdefault(user, user) != user:
            user = root[user]
        return user

    for edge in edges:
        one, other = find(edge.one), find(edge.other)
        if not edge.revoked:
            root[max(one, other)] = min(one, other)
    return {user: find(user) for user in root}


def root_of(component: Component | None, user: str) -> str:
    """The user id that stands for the person: the user's own where no alias applies."""
    return user if component is None else roots_of(component.edges).get(user, user)


def same_person(component: Component | None, user: str) -> Iterator[str]:
    """All user ids that are this user's person, sorted, the user's own among them."""
    roots = roots_of(component.edges) if component is not None else {}
    mine = roots.get(user, user)
    return iter(sorted({user, *(one for one, root in roots.items() if root == mine)}))
