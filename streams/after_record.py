"""After a record: what the devices it touched contribute now, and to whom identifiers lead.

Told once a record and only where something changed; what is told follows from the states before
and after it, so a repeated record tells the same.
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.batch import encode_line
from schemas.device_state import DeviceState
from schemas.event import Claim, Event
from schemas.topics import IDENTITY, REGISTERS, SIGHTINGS
from streams import sightings
from streams.funnels import Funnels
from streams.links import Evidence, link_changes, may_change
from streams.profile import changed_registers
from streams.records import Emissions, Record

States = Mapping[str, DeviceState | None]


def tell_contributions(
    before: States,
    after: States,
    record: Record,
    funnels: Funnels,
    version: int,
    emissions: Emissions,
) -> None:
    """To every person for whom it changed. `before`: of the devices that the record touched."""
    for device, old in before.items():
        new = after.get(device)
        if new is old:
            continue
        if new is not None and new.sightings and sightings.is_news(old, new):
            for sighting in sightings.news(device, old, new, version, record.time):
                emissions.add(SIGHTINGS, sighting.pseudonym, encode_line(sighting))
        for register in changed_registers(device, old, new, funnels, version, record.time):
            emissions.add(REGISTERS, register.person_id, encode_line(register))


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
