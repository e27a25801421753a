"""What the rules entail of everything that was sent, and what evidence there was for the truth."""

from __future__ import annotations

from collections.abc import Mapping

from infra.simulate.oracle import GAP_MS, Owner, Said, marks_of, owner_by, session_starts, still_own
from infra.simulate.oracle_links import (
    Alias,
    Claim,
    Seen,
    Sighted,
    claimants,
    device_of_line,
    roots,
    sightings,
)
from infra.simulate.truth import Evidence, Truth
from schemas.identifiers import is_node
from schemas.ids import USER_DEVICE_PREFIX, person_of_device, person_of_user, session_of


class Facts:
    """All that was said, in any order; what follows from it is asked of `Entailed`."""

    def __init__(self, gap_ms: int = GAP_MS) -> None:
        self.gap_ms = gap_ms
        self.said: dict[str, list[Said]] = {}
        self.people: dict[str, set[str]] = {}  # by device
        self.accounts: dict[str, str] = {}  # user -> human
        self.claims: list[Claim] = []
        self.aliases: list[Alias] = []
        self.seen: dict[tuple[str, str], list[Seen]] = {}  # by address and user agent

    def add(self, truth: Truth) -> None:
        at, user = truth.event_time, truth.user_id
        if truth.is_own:
            self.accounts[user] = truth.person
        for node in truth.claims:
            self.claims.append(Claim(node, user, at, truth.revokes))
        if truth.same_as:
            alias = Alias(truth.same_as, user, at, truth.event_id, truth.revokes)
            self.aliases.append(alias)
        if truth.is_line:
            return
        if truth.device_id:
            says = user if not (truth.revokes or truth.same_as) else ""
            back = user if truth.revokes and not truth.same_as else ""
            said = Said(at, says, truth.logs_out, truth.clicked_by, back)
            self.said.setdefault(truth.device_id, []).append(said)
            self.people.setdefault(truth.device_id, set()).add(truth.person)
        if truth.ip and truth.kind == "visitor":
            hit = Seen(truth.ip, truth.user_agent, at, truth.device_id)
            self.seen.setdefault((truth.ip, truth.user_agent), []).append(hit)


class Entailed:
    """What the oracle says, once all facts are known."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._claimants = claimants(facts.claims)
        self._roots = roots(facts.aliases)
        self._devices: dict[str, _Device] = {}
        self._sightings: dict[tuple[str, str], list[Sighted]] = {}
        self._first_account: dict[str, str] = {}
        for user, human in facts.accounts.items():
            self._first_account[human] = min(user, self._first_account.get(human, user))

    def person(self, truth: Truth) -> str:
        """The id of the person that the event belongs to; '' where it belongs to nobody."""
        device, own = truth.device_id, "" if truth.same_as else truth.user_id
        if truth.is_line and truth.consent == "granted":
            device = self._device_of_line(truth)
        if not device:
            return ""
        found = self._owner(device, truth.event_time, own)
        if found.user_id:
            return person_of_user(self._root(found.user_id))
        return person_of_device(device, found.since_logout)

    def session(self, truth: Truth) -> str:
        device = truth.device_id
        if not device or truth.is_line:
            return ""
        return session_of(device, self._device(device).starts[truth.event_time])

    def evidence(self, truth: Truth) -> Evidence:
        """Why the truth could be known; by what people did, and what of it could be seen."""
        if truth.kind == "bot" or truth.consent == "denied":
            return ""
        if truth.is_line:
            return "log"
        device, own = truth.device_id, "" if truth.same_as else truth.user_id
        user = self._owner(device, truth.event_time, own).user_id
        if not user:
            return "shared" if len(self._facts.people[device]) > 1 else "cookie"
        human = self._facts.accounts.get(user, "")
        if human != truth.person:
            return "misleading"
        first = self._first_account[human]
        if self._root(user) != self._root(first):
            return "apart"
        if is_node(device):
            return "verified"
        if not own and len(self._facts.people[device]) > 1:
            return "shared"
        if self._root(user) != user:
            return "alias"
        if own or device.startswith(USER_DEVICE_PREFIX) or self._device(device).has_logins:
            return "login"
        return "click"

    def _owner(self, device: str, at: int, own: str) -> Owner:
        if own and (still := self._device(device).still_own(at, own)):
            return Owner(still)
        if device.startswith(USER_DEVICE_PREFIX):
            return Owner(device.removeprefix(USER_DEVICE_PREFIX))
        if is_node(device):
            return Owner(self._claimants.get(device, ""))
        return self._device(device).owner(at)

    def _root(self, user: str) -> str:
        return self._roots.get(user, user)

    def _device_of_line(self, truth: Truth) -> str:
        where = truth.ip, truth.user_agent
        if where not in self._sightings:
            self._sightings[where] = sightings(self._facts.seen.get(where, ()))
        return device_of_line(self._sightings[where], truth.event_time)

    def _device(self, device: str) -> _Device:
        found = self._devices.get(device)
        if found is None:
            has_timeline = not (device.startswith(USER_DEVICE_PREFIX) or is_node(device))
            said = self._facts.said[device]
            found = _Device(said, self._facts.gap_ms, has_timeline=has_timeline)
            self._devices[device] = found
        return found


class _Device:
    """What the oracle says of one device."""

    def __init__(self, said: list[Said], gap_ms: int, *, has_timeline: bool) -> None:
        self._said = said if has_timeline else []
        self._marks = marks_of(self._said)
        self.has_logins = any(each.user_id for each in said)
        times = said if has_timeline else [Said(each.at) for each in said]
        self.starts: Mapping[int, int] = session_starts(times, gap_ms)

    def owner(self, at: int) -> Owner:
        return owner_by(self._marks, at)

    def still_own(self, at: int, user: str) -> str:
        return still_own(self._said, at, user)
