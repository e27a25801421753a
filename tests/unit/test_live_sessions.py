"""What registers say of sessions is what the events' rows say of them."""

from __future__ import annotations

import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.batch import encode_batch
from schemas.event import Event
from schemas.ids import session_of
from schemas.messages import Register
from schemas.site import Funnel, Site, Step
from streams.device_stage import DeviceStage, States
from streams.funnels import Funnels
from streams.records import Record
from tests.unit.test_device_stage import NOW, SITE, event, histories, wanted

PAGES = Funnel(name="pages", per="session", steps=(Step(name="page", page="/p/*"),))
PER_SESSION: Site = msgspec.structs.replace(SITE, funnels={"pages": PAGES})
FUNNELS = Funnels(PER_SESSION)
pages = st.lists(st.builds(event, st.integers(0, 600)), min_size=1, max_size=20)


def registers(events: list[Event], batches: int) -> dict[str, Register]:
    """Person -> the newest register of the one device."""
    stage = DeviceStage(PER_SESSION, "secret")
    states: States = {}
    newest: dict[str, Register] = {}
    for offset in range(batches):
        value = encode_batch(events[offset::batches])
        record = Record(0, offset, NOW, value, lambda: None)
        emitted = stage.fold(states, [(record, stage.decode(record))], 1).emissions.lines
        for (topic, _), lines in emitted.items():
            if topic == "footfall.registers":
                for line in lines:
                    register = msgspec.json.decode(line, type=Register)
                    newest[register.person_id] = register
    return newest


@settings(max_examples=300, deadline=None)
@given(histories, pages, st.randoms(use_true_random=False))
def test_each_page_is_in_the_session_of_its_row(
    history: list[Event], more: list[Event], chance: random.Random
) -> None:
    events = list({one.event_id: one for one in [*history, *more]}.values())
    chance.shuffle(events)
    found = registers(events, chance.randrange(1, 4))
    told = {
        (person, hit.time, session_of("d", hit.session))
        for person, register in found.items()
        for hit in FUNNELS.hits(register.layout, register.starts, register.evidence).get(
            PAGES.fingerprint, ()
        )
    }
    known = wanted(events)
    assert told == {
        (*known[one.event_id][:1], one.event_time, known[one.event_id][1])
        for one in events
        if one.type == "page"
    }
