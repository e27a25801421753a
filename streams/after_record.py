"""After a record: what the devices it touched contribute now, and to whom identifiers lead.

Told once a record and only where something changed; what is told follows from the states before
and after it, so a repeated record tells the same.
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.batch import encode_line
from schemas.device_state import DeviceState
from schemas.event import Claim, Event
from schemas.messages import Register
from schemas.topics import IDENTITY, REGISTERS, SIGHTINGS
from streams import sightings
from streams.copied import copied
from streams.funnels import Funnels
from streams.links import Evidence, link_changes, may_change
from streams.profile import registers_of
from streams.records import Emissions, Record

_KNOWN_DEVICES = 50_000

States = Mapping[str, DeviceState | None]


class Contributions:
    """Tells what devices contribute to persons, and where they were seen."""

    def __init__(self, funnels: Funnels) -> None:
        self._funnels = funnels
        self._known: dict[str, tuple[DeviceState | None, dict[str, Register]]] = {}

    def tell(
        self, before: States, after: States, record: Record, version: int, emissions: Emissions
    ) -> None:
        """To every person for whom it changed. `before`: of the devices that the record touched."""
        if len(self._known) > _KNOWN_DEVICES:
            self._known.clear()
        for device, old in before.items():
            new = after.get(device)
            if new is old:
                continue
            known = self._known.get(device)  # what was after a record is before the next
            if known is not None and known[0] is old:
                earlier = known[1]
            else:
                earlier = registers_of(device, old, self._funnels)
            now = registers_of(device, new, self._funnels)
            self._known[device] = (new, now)
            if new is not None and new.sightings and sightings.is_news(old, new):
                for sighting in sightings.news(device, old, new, version, record.time):
                    emissions.add(SIGHTINGS, sighting.pseudonym, encode_line(sighting))
            for person, register in now.items():
                if register != earlier.get(person):
                    told = copied(register)
                    told.version, told.record_time = version, record.time
                    emissions.add(REGISTERS, person, encode_line(told))
            for person in earlier.keys() - now.keys() if earlier.keys() != now.keys() else ():
                gone = Register(
                    person_id=person,
                    device_id=device,
                    version=version,
                    record_time=record.time,
                    gone=True,
                )
                emissions.add(REGISTERS, person, encode_line(gone))


def tell_links(
    before: States,
    after: States,
    evidence: Mapping[str, Event | Claim],
    version: int,
    emissions: Emissions,
) -> None:
    """Which identifiers lead to whom now. `evidence`: what the record said of each device."""
    for device, line in evidence.items():
        old, new = before[device], after[device]
        if new is None or not may_change(old, new):
            continue
        said = Evidence(line.event_id)
        if isinstance(line, Claim):
            said = Evidence(line.event_id, line.what, line.value)
        for link in link_changes(device, old, new, said, version):
            emissions.add(IDENTITY, link.person_id, encode_line(link))
