"""Who sends too much is told when to come back; nobody else is held up by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.collector.caller import Caller
from ingest.collector.errors import TooManyRequests
from ingest.collector.limits import Limits, network_of
from schemas.site import LimitRules, WriteKey
from schemas.site_file import SiteFileError, load

BROWSER, SERVER = WriteKey(key="pk", kind="browser"), WriteKey(key="sk", kind="server")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def caller(ip: str = "203.0.113.7", key: WriteKey = BROWSER) -> Caller:
    return Caller({"client": (ip, 1), "scheme": "https"}, {}, key, 0)


def let_in(limits: Limits, who: Caller, events: int = 1) -> bool:
    try:
        limits.admit(who)
    except TooManyRequests:
        return False
    limits.charge(who, events)
    return True


def test_a_minutes_worth_may_come_at_once_and_then_it_fills_again_evenly() -> None:
    clock = Clock()
    limits = Limits(LimitRules(address=60), clock)
    assert [let_in(limits, caller()) for _ in range(61)] == [True] * 60 + [False]
    clock.now += 1.5
    assert [let_in(limits, caller()) for _ in range(2)] == [True, False]
    clock.now += 3600
    assert [let_in(limits, caller()) for _ in range(61)] == [True] * 60 + [False]


def test_who_comes_back_when_he_was_told_to_is_let_in() -> None:
    clock = Clock()
    limits = Limits(LimitRules(address=60), clock)
    assert let_in(limits, caller(), 500)
    with pytest.raises(TooManyRequests) as refused:
        limits.admit(caller())
    assert refused.value.retry_after_s == 441
    clock.now += 439
    assert not let_in(limits, caller())
    clock.now += 2
    assert let_in(limits, caller())


@given(
    st.lists(st.tuples(st.floats(0, 5), st.integers(0, 50)), max_size=60), st.integers(1, 10_000)
)
def test_in_no_time_is_more_taken_than_the_limit_and_one_request(
    arrivals: list[tuple[float, int]], most: int
) -> None:
    clock = Clock()
    limits = Limits(LimitRules(address=most), clock)
    taken: list[tuple[float, int]] = []
    for wait, events in arrivals:
        clock.now += wait
        if let_in(limits, caller(), events):
            taken.append((clock.now, events))
    for first, (since, _) in enumerate(taken):
        for last in range(first, len(taken)):
            until, largest = taken[last]
            bound = most + (until - since) * most / 60 + largest
            assert sum(events for _, events in taken[first : last + 1]) <= bound + 1e-6


def test_addresses_and_keys_are_counted_apart() -> None:
    limits = Limits(LimitRules(address=10, keys={"sk": 30, "203.0.113.7": 1}), Clock())
    assert let_in(limits, caller(), 10)
    assert not let_in(limits, caller())
    assert let_in(limits, caller("203.0.113.8"), 10)
    odd = WriteKey(key="203.0.113.7", kind="server")
    assert let_in(limits, caller(key=odd))
    assert not let_in(limits, caller(key=odd))
    assert let_in(limits, caller(key=SERVER), 30)
    assert not let_in(limits, caller(key=SERVER))


def test_a_line_of_ipv6_counts_as_one_and_our_own_networks_as_none() -> None:
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:3::9") != network_of("2001:db8:1:2::9")
    assert network_of("::ffff:203.0.113.7") == "203.0.113.7"
    for own in ("127.0.0.1", "10.1.2.3", "::1", "fd00::1", "", "unix:", "nonsense"):
        assert network_of(own) == ""
        limits = Limits(LimitRules(address=1), Clock())
        assert all(let_in(limits, caller(own), 100) for _ in range(5))


def test_memory_is_bounded_however_many_addresses_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingest.collector.limits._MAX_BUCKETS", 100)
    clock = Clock()
    limits = Limits(LimitRules(address=60), clock)
    assert let_in(limits, caller(), 500)
    for number in range(500):
        clock.now += 1.1  # each address's bucket is full again before the next comes
        let_in(limits, caller(f"198.51.{number % 250}.{number // 250}"))
        assert len(limits._full_at) <= 100
        if number == 150:
            assert not let_in(limits, caller()), "an empty bucket is not forgotten for a full one"


HEAD = "version: 1\nsite: {name: T}\nwrite_keys: [{key: pk_demo, kind: browser}]\n"


def limits(folder: Path, text: str) -> LimitRules:
    path = folder / "shop.yaml"
    path.write_text(HEAD + text)
    return load(path).limits


def test_the_site_file_says_how_much_is_too_much(tmp_path: Path) -> None:
    assert limits(tmp_path, "") == LimitRules(address=6000, keys={})
    said = "limits: {address: 100, keys: {pk_demo: 600000}}"
    assert limits(tmp_path, said) == LimitRules(address=100, keys={"pk_demo": 600_000})
    assert limits(tmp_path, "limits: {address: off, keys: {pk_demo: off}}").address == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("limits: {adress: 1}", "unknown key 'adress' in limits (did you mean 'address'?)"),
        ("limits: {address: 0}", "a whole number 1 to 999999999 of events a minute, or off"),
        ("limits: {keys: {pk_dem: 5}}", "unknown write key 'pk_dem' (did you mean 'pk_demo'?)"),
        ("limits: {keys: {pk_demo: many}}", "pk_demo in keys in limits: 'many' is not allowed"),
        ("limits: {keys: 7}", "must be a mapping"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SiteFileError) as wrong:
        limits(tmp_path, text)
    (error,) = wrong.value.errors
    assert error.line == 4
    assert message in error.message
