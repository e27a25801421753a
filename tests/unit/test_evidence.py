"""Packed evidence is a function of the set of events, and outlives a change of the site file."""

from __future__ import annotations

import random
import struct
from contextlib import suppress
from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import EnrichedEvent
from schemas.evidence import EMPTY, MAX_HITS, Evidence, Said, first_time, pack, put_on, unpack
from schemas.evidence_rows import FREQUENT, OFTEN
from schemas.site import Funnel, Site, Step
from schemas.step_masks import AGAIN, BREAK, ENTERS, WITHOUT_SHIFT, enters
from streams.evidence import between, moved, since, with_entry
from streams.funnels import Funnels

VISITS = Funnel(name="homes", by=("variant",), steps=(Step(name="home", page="/"),))
ORDERS = Funnel(
    name="orders",
    by=("language", "browser"),
    steps=(
        Step(name="product", page="/p/*"),
        Step(name="order", event="Ordered", where={"currency": ("EUR",)}, without="Emptied"),
    ),
)
PAGES = Funnel(name="pages", per="session", steps=(Step(name="any", page="/*"),))


def site(*funnels: Funnel) -> Funnels:
    return Funnels(Site(name="Toyhouse", funnels={funnel.name: funnel for funnel in funnels}))


ALL = site(VISITS, ORDERS, PAGES)


def entry(funnels: Funnels, minute: int, what: str, currency: str = "EUR") -> Evidence | None:
    """What a page of that path, or an event of that name, says."""
    page = what.startswith("/")
    row = EnrichedEvent(
        event_id="e", event_time=minute * 60_000, received_at=0, site="", consent="granted",
        type="page" if page else "track", name="Page Viewed" if page else what,
        protocol="beacon", device_id="d", path=what if page else "/", variant="classic",
        language="de", browser="Firefox", currency=currency,
    )  # fmt: skip
    return funnels.matcher.evidence(row)


things = st.lists(
    st.tuples(st.integers(0, 90), st.sampled_from(["/", "/p/1", "/c", "Ordered", "Emptied"])),
    max_size=200,
)
many = st.lists(st.integers(0, 200), min_size=120, max_size=140, unique=True).map(
    lambda minutes: [(minute, "/c" if minute % 3 else "Emptied") for minute in minutes]
)


def packed(entries: list[Evidence]) -> bytes:
    result, newest = EMPTY, -1
    for one in entries:
        result = with_entry(result, one, one.time > newest)
        newest = max(newest, one.time)
    return result


@settings(max_examples=60, deadline=None)
@given(st.one_of(things, st.tuples(things, many).map(lambda two: [*two[0], *two[1]])), st.randoms())
def test_in_any_order_the_newest_hits_of_each_funnel_are_kept(
    seen: list[tuple[int, str]], chance: random.Random
) -> None:
    entries = [one for minute, what in seen if (one := entry(ALL, minute, what))]
    found = packed(sorted(entries))
    chance.shuffle(entries)
    assert packed(entries) == found
    kept = ALL.hits(ALL.layout, (), found)
    everything = ALL.hits(ALL.layout, (), pack(sorted(set(entries))))
    for fingerprint, hits in everything.items():
        assert sorted(set(kept[fingerprint])) == sorted(set(hits))[-(MAX_HITS + 1) :]


@given(things)
def test_what_is_put_on_is_what_is_packed_at_once(seen: list[tuple[int, str]]) -> None:
    entries = [one for minute, what in sorted(seen) if (one := entry(ALL, minute, what))]
    result = EMPTY
    for one in entries:
        longer = put_on(result, one, at_most=len(entries))
        assert longer is not None
        result = longer
    assert result == pack(entries)
    assert unpack(result) == tuple(entries)
    if entries:
        assert put_on(result, entries[-1], at_most=len(entries)) is None


def test_more_than_sixteen_different_things_may_be_said() -> None:
    entries = [Evidence(at, Said((1,), ((str(at),),))) for at in range(300)]
    assert unpack(pack(entries)) == tuple(entries)
    assert put_on(pack(entries[:16]), entries[16], at_most=1000) is None, "the form changes"
    assert put_on(pack(entries[:17]), entries[17], at_most=1000) == pack(entries[:18])
    again = Evidence(300, Said((1,), (("7",),)))
    assert put_on(pack(entries), again, at_most=1000) == pack((*entries, again))
    assert put_on(pack(entries), again, at_most=300) is None


def test_a_long_table_is_of_the_wide_form_however_few_rows_it_has() -> None:
    short, long, longest = (
        Evidence(at, Said((1,), (("\u2603" * length,),)))
        for at, length in ((1, 50), (2, 51), (3, 30_000))
    )
    for entries in ([short], [short, long], [short, long, longest]):
        assert unpack(pack(entries)) == tuple(entries)
    assert put_on(pack([short]), long, at_most=9) is None
    assert with_entry(pack([short]), long, newest=True) == pack([short, long])


def test_what_is_fifty_days_older_than_the_newest_is_left_out() -> None:
    day = 86_400_000
    entries = [Evidence(at * day, Said((2,))) for at in (100, 110, 152)]
    packed = pack(entries)
    assert unpack(packed) == tuple(entries[1:])
    assert put_on(pack(entries[:2]), entries[2], at_most=9) is None
    assert first_time(packed) == 110 * day


def test_three_days_are_of_the_narrow_form_and_four_of_the_wide_one() -> None:
    day = 86_400_000
    entries = [Evidence(at * day + 1, Said((2,))) for at in (100, 103, 104)]
    assert len(pack(entries[:2])) == 4 + 2 + 2 * 4
    assert len(pack(entries)) == 8 + 2 + 3 * 6
    assert put_on(pack(entries[:1]), entries[1], at_most=9) == pack(entries[:2])
    assert put_on(pack(entries[:2]), entries[2], at_most=9) is None
    assert [first_time(pack(entries[:n])) for n in (1, 2, 3)] == [entries[0].time] * 3
    assert unpack(pack(entries)) == tuple(entries)


masks = st.one_of(
    st.sampled_from([0, 1, 2, 1 << 12, 1 << 15, BREAK, ENTERS | 4, 6, 3 << WITHOUT_SHIFT]),
    st.integers(0, (AGAIN << 4) - 1),
)
texts = st.one_of(st.sampled_from(["", "Google", "tv", "X"]), st.text(max_size=300))


@st.composite
def saids(draw: st.DrawFn) -> Said:
    steps = draw(st.lists(masks, min_size=1, max_size=20))
    values = [draw(st.lists(texts, max_size=3)) for mask in steps if enters(mask)]
    return Said(tuple(steps), tuple(map(tuple, values)))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**40), saids()), max_size=20))
def test_whatever_is_said_comes_back(said: list[tuple[int, Said]]) -> None:
    entries = [Evidence(0, one) for _, one in said]
    assert unpack(pack(entries)) == tuple(entries)


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_noise_is_read_or_an_error_that_says_so(noise: bytes) -> None:
    with suppress(ValueError, IndexError, struct.error):
        unpack(noise)


@given(things, st.permutations([VISITS, ORDERS, PAGES]), st.integers(0, 3))
def test_evidence_moves_to_a_changed_site_file(
    seen: list[tuple[int, str]], order: list[Funnel], count: int
) -> None:
    newer = site(*order[:count])
    before = [one for minute, what in seen if (one := entry(ALL, minute, what))]
    after = [one for minute, what in seen if (one := entry(newer, minute, what))]
    assert moved(pack(sorted(set(before))), ALL.layout, newer.layout) == pack(sorted(set(after)))


def test_a_changed_funnel_starts_anew_and_the_others_go_on() -> None:
    changed = msgspec.structs.replace(VISITS, by=())
    newer = site(changed, ORDERS)
    seen = [one for at, what in ((1, "/"), (2, "/p/1")) if (one := entry(ALL, at, what))]
    old = ALL.hits(ALL.layout, (), pack(seen))
    found = newer.hits(newer.layout, (), moved(pack(seen), ALL.layout, newer.layout))
    kept = {*ALL.layout} & {*newer.layout}
    assert VISITS.fingerprint not in kept
    assert ORDERS.fingerprint in found
    assert found == {fingerprint: hits for fingerprint, hits in old.items() if fingerprint in kept}
    assert newer.hits(ALL.layout, (), pack(seen)) == found, "a register of the day before"


def test_a_step_needs_what_where_says() -> None:
    euro, dollar = entry(ALL, 1, "Ordered"), entry(ALL, 1, "Ordered", currency="USD")
    assert euro is not None
    assert euro.said == Said((0, 2))
    assert dollar is None


def test_an_event_named_like_a_page_is_no_page() -> None:
    funnels = site(VISITS)
    assert entry(funnels, 1, "\nPage Viewed") is None
    assert entry(funnels, 1, "/") is not None


def test_hits_name_the_session_that_began_last() -> None:
    entries = [one for at in range(1, 7) if (one := entry(ALL, at, "/c"))]
    starts = (60_000, 180_000, 300_000)
    hits = ALL.hits(ALL.layout, starts, pack(entries))[PAGES.fingerprint]
    sessions = [hit.session // 60_000 for hit in hits]
    assert sessions == [1, 1, 3, 3, 5, 5]
    assert all(before <= after for before, after in pairwise(sessions))


def test_what_breakdowns_often_name_is_stored_in_half_a_byte() -> None:
    first, second, third, fourth = (
        Evidence(1, Said((1,), ((text, "desktop"),))) for text in ("Google", "Yahoo", "Goggle", "")
    )
    for entry in (first, second, third, fourth):
        assert unpack(pack((entry,))) == (entry,)
    assert len(pack((first,))) == len(pack((fourth,))) == len(pack((second,))) - 1
    assert len(pack((third,))) == len(pack((first,))) + len("Goggle") + 1
    assert len({*FREQUENT}) == len(FREQUENT) <= 256
    assert len({*OFTEN}) == len(OFTEN) == 14
    assert (FREQUENT[14], FREQUENT[31], OFTEN[12]) == ("Google", "WhatsApp", "Google")


def test_what_is_before_the_horizon_goes() -> None:
    entries = [one for at in range(5) if (one := entry(ALL, at, "/c"))]
    everything = pack(entries)
    assert since(everything, 0) is everything
    assert since(everything, 180_000) == pack(entries[3:])
    assert since(everything, 10**9) == EMPTY
    assert between(everything, [(60_000, 60_000), (180_000, 239_999)]) == pack(
        [entries[1], entries[3]]
    )
