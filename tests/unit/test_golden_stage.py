"""What the device stage makes of one past, byte for byte: who makes it faster changes nothing.

Who changes on purpose what is emitted or stored puts the new digests here, and looks whether no
other line of them has changed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from schemas.site_file import load
from streams.device_stage import DeviceStage, States
from tests.raw_history import SECRET, records

GOLDEN = {
    "counters": "1e5efcf2f290",
    "footfall.aliases": "38efa06425a4",
    "footfall.corrections": "8d41c9902f96",
    "footfall.decisions": "bab24416f640",
    "footfall.events": "113b1604af6c",
    "footfall.identity": "b56648b4a16f",
    "footfall.registers": "166ccb6de949",
    "footfall.rejected": "30437863023f",
    "footfall.sightings": "4208ecc3151d",
    "states": "a2010bd17257",
}


def test_the_same_past_gives_the_same_bytes() -> None:
    assert _digests(seed=1) == GOLDEN


def test_nothing_depends_on_batch_borders_but_when_states_are_written() -> None:
    one, other = _digests(seed=2, at_once=1), _digests(seed=2, at_once=10)
    assert one.keys() == other.keys()
    differ = {what for what in one if one[what] != other[what]}
    assert differ <= {"states", "counters"}


def _digests(seed: int, at_once: int = 3) -> dict[str, str]:
    """Topic, `states` or `counters` -> digest of all that came there, each partition in order."""
    stage = DeviceStage(load(Path(__file__).with_name("golden_site.yaml")), SECRET)
    past = list(records(seed))
    states: States = {}
    told: dict[str, dict[int, list[bytes]]] = {"states": {0: []}, "counters": {0: []}}
    for begin in range(0, len(past), at_once):
        batch = [(record, stage.decode(record)) for record in past[begin : begin + at_once]]
        effects = stage.fold(states, batch, epoch=3)
        for (topic, partition), lines in effects.emissions.lines.items():
            told.setdefault(topic, {}).setdefault(partition, []).extend(lines)
        told["states"][0] += sorted(repr(write).encode() for write in effects.states)
        told["counters"][0] += sorted(repr(change).encode() for change in effects.counters)
    return {
        what: hashlib.blake2b(repr(sorted(lines.items())).encode(), digest_size=6).hexdigest()
        for what, lines in sorted(told.items())
    }
