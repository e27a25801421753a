"""Evidence names its funnels by an id; what the id stands for is kept beside the states."""

from __future__ import annotations

import pytest

from schemas.device_state import DeviceState
from schemas.evidence import EMPTY, Evidence, Said, pack
from schemas.layouts import MAX_LAYOUTS, NO_LAYOUT, Layouts, layout_id, with_layout
from streams.device import add_evidence
from streams.known_layouts import KnownLayouts

OLD, NEW = (11, 22, 33), (33, 11, 44)
SEEN = Evidence(1_000_000, Said((2, 4, 8)))


def seen_by(layout: int) -> DeviceState:
    return DeviceState(first_seen=0, last_seen=1, layout=layout, evidence=pack([SEEN]))


def test_evidence_of_another_layout_keeps_what_both_know() -> None:
    known = KnownLayouts(NEW)
    known.learn({layout_id(OLD): OLD})
    state = seen_by(layout_id(OLD))
    add_evidence(state, None, known, newest=False, horizon=0)
    assert state.layout == layout_id(NEW) == known.own_id
    assert state.evidence == pack([Evidence(SEEN.time, Said((8, 2)))])
    assert known.fingerprints(state.layout) == NEW


def test_what_a_layout_is_need_not_be_known_once_all_has_left_the_horizon() -> None:
    known = KnownLayouts(NEW)
    state = seen_by(layout_id(OLD))
    add_evidence(state, None, known, newest=False, horizon=2_000_000)
    assert (state.layout, state.evidence) == (known.own_id, EMPTY)


def test_evidence_of_a_layout_that_nobody_told_is_an_error_that_names_the_mend() -> None:
    with pytest.raises(LookupError, match="run: footfall rebuild"):
        add_evidence(seen_by(7), None, KnownLayouts(NEW), newest=False, horizon=0)


def test_ids_follow_from_the_funnels_and_their_order() -> None:
    layouts = [(), (1,), (1, 2), (2, 1), (2**32 - 1, 0), (0, 2**32 - 1)]
    assert len({*map(layout_id, layouts)}) == len(layouts)
    assert layout_id(()) == NO_LAYOUT
    assert KnownLayouts(()).fingerprints(NO_LAYOUT) == ()


def test_of_too_many_layouts_the_oldest_goes() -> None:
    layouts: Layouts = {}
    for number in range(MAX_LAYOUTS + 3):
        layouts = with_layout(layouts, (number,))
    assert len(layouts) == MAX_LAYOUTS
    assert (2,) not in layouts.values()
    assert with_layout(layouts, (3,)) is layouts
    assert with_layout(layouts, ()) is layouts
