"""Logs into a real broker: every line accounted for, and importing again adds nothing."""

from __future__ import annotations

import asyncio
import gzip
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import redis

from infra.topics import create_topics
from ingest.collector.address_keys import AddressKeys
from ingest.collector.pseudonym import Salts
from ingest.logs.errors import ServerAway, UnreadableFile, WrongOptions
from ingest.logs.importer import ImportOptions, import_logs
from ingest.logs.summary import Skipped, Summary
from schemas.event import Event, Rejected, raw_line_decoder
from schemas.reasons import Reason
from schemas.redis_keys import salt_key
from schemas.settings import Settings
from schemas.site import Retention, Site
from schemas.topics import RAW, REJECTED
from tests.collector_service import Arrivals
from tests.ports import free_offset
from tests.requirements import require

_DATA = Path(os.environ.get("FOOTFALL_DATA", Path(__file__).parents[3] / "shared" / "data"))
_LOGS = _DATA / "logs"

rejected_decoder = msgspec.json.Decoder(Rejected)


class Importing:
    """One site of its own on the shared servers, and what was published since the last look."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.site = Site(
            name=f"log-site-{time.time_ns()}",
            hosts=("shop.example",),
            retention=Retention(events_ms=3_600_000),
        )
        self._raw = Arrivals(settings.kafka, RAW)
        self._rejected = Arrivals(settings.kafka, REJECTED)

    def run(
        self,
        *paths: Path,
        options: ImportOptions = ImportOptions(),  # noqa: B008 -- frozen
        progress: Callable[[int, int], None] = lambda done, total: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Summary:
        summary = import_logs(paths, options, self.settings, self.site, progress, stopped=stopped)
        assert summary.accounted == summary.lines
        return summary

    def events(self) -> list[Event]:
        """New events of this site."""
        decoded = [raw_line_decoder.decode(line) for line in self._raw.lines()]
        return [one for one in decoded if isinstance(one, Event) and one.site == self.site.name]

    def rejected(self) -> list[Rejected]:
        return [rejected_decoder.decode(line) for line in self._rejected.lines()]

    def close(self) -> None:
        self._raw.close()
        self._rejected.close()


@pytest.fixture
def importing(addresses: Settings, kafka_address: str, redis_url: str) -> Iterator[Importing]:
    create_topics(addresses, Site(name="any"))
    one = Importing(addresses)
    yield one
    one.close()


@pytest.fixture
def real_logs() -> Path:
    if not _LOGS.is_dir():
        require("data", f"no real logs in {_LOGS} (FOOTFALL_DATA)")
    return _LOGS


def line(second: int, page: str = "/", client: str = "198.51.100.7", status: int = 200) -> str:
    return (
        f'{client} - - [17/May/2015:10:05:{second:02} +0000] "GET {page} HTTP/1.1" {status} 1 '
        '"-" "Mozilla/5.0"'
    )


def written(path: Path, *lines: str | bytes) -> Path:
    encoded = [one if isinstance(one, bytes) else one.encode() for one in lines]
    path.write_bytes(b"".join(one + b"\n" for one in encoded))
    return path


def test_a_real_combined_log_twice(importing: Importing, real_logs: Path) -> None:
    path = real_logs / "apache_logs_elastic_10000.log"
    progress: list[tuple[int, int]] = []
    first = importing.run(path, progress=lambda *bytes_: progress.append(bytes_))
    events, refused = importing.events(), importing.rejected()

    assert (first.lines, len(events)) == (10_000, first.events)
    assert first.rejected == {Reason.UNKNOWN_FORMAT: 1}
    assert refused[0].original == path.read_bytes().split(b"\n")[8898]
    assert progress[-1] == (path.stat().st_size, path.stat().st_size)
    assert len({event.event_id for event in events}) == first.events
    assert all(event.ip.endswith(".0") and event.device_id.startswith("p_") for event in events)

    again = importing.run(path)
    assert (again.skipped, again.rejected) == (first.skipped, first.rejected)
    assert _identities(importing.events()) == _identities(events)
    assert [one.rejected_id for one in importing.rejected()] == [refused[0].rejected_id]


def test_a_real_common_log(importing: Importing, real_logs: Path) -> None:
    summary = importing.run(real_logs / "apache_access_databricks.log")
    events = importing.events()
    assert (summary.lines, summary.rejected, summary.events) == (1406, {}, len(events))
    assert {event.http_status for event in events} >= {200, 401, 404}
    names = [event for event in events if not event.ip]
    assert names, "hosts that are names have no address to keep"


def test_packed_and_plain_are_the_same_import(importing: Importing, tmp_path: Path) -> None:
    lines = [line(second) for second in range(50)]
    plain = written(tmp_path / "a.log", *lines)
    packed = tmp_path / "b.log.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    importing.run(plain)
    first = _identities(importing.events())
    importing.run(packed)
    assert _identities(importing.events()) == first


def test_equal_lines_are_counted_over_all_files(importing: Importing, tmp_path: Path) -> None:
    one = written(tmp_path / "one.log", line(1), line(1), line(2))
    two = written(tmp_path / "two.log", line(1))
    assert importing.run(one, two).events == 4
    ids = {event.event_id for event in importing.events()}
    assert len(ids) == 4
    importing.run(one, two)
    assert {event.event_id for event in importing.events()} == ids


def test_rubbish_beside_lines_costs_only_itself(importing: Importing, tmp_path: Path) -> None:
    rubbish = [b"\x00\xff\xfe rubbish", b"x" * 100_000, line(3)[:40].encode(), b'{"a": 1}']
    late = line(3).replace("2015", "1990").encode()
    path = written(tmp_path / "log", line(1), *rubbish, late, b"", line(2, "/logo.png"), line(4))
    summary = importing.run(path)
    assert summary.lines == 9
    assert summary.events == 2
    assert summary.skipped == {Skipped.STATIC: 1, Skipped.BLANK: 1}
    assert summary.rejected == {
        Reason.UNKNOWN_FORMAT: 3,
        Reason.TOO_LARGE: 1,
        Reason.INVALID_TIME: 1,
    }
    originals = {one.original for one in importing.rejected()}
    assert originals == {rubbish[0], rubbish[1][: 32 * 1024], rubbish[2], rubbish[3], late}
    assert len(importing.events()) == 2


def test_one_visitors_events_keep_their_order(importing: Importing, tmp_path: Path) -> None:
    path = written(tmp_path / "log", *(line(n % 60, f"/{n}") for n in range(3000)))
    assert importing.run(path).events == 3000
    times = [event.event_time for event in importing.events()]  # of one partition
    assert len(times) == 3000
    assert times == sorted(times)


def test_a_dry_run_counts_and_asks_no_server(importing: Importing, tmp_path: Path) -> None:
    nowhere = Settings.from_environment(
        {"FOOTFALL_KAFKA": "127.0.0.1:1", "FOOTFALL_REDIS_URL": "redis://127.0.0.1:1/0"}
    )
    path = written(tmp_path / "log", line(1), "rubbish")
    summary = import_logs(
        [path], ImportOptions(dry_run=True), nowhere, importing.site, lambda done, total: None,
        is_bot=lambda agent: agent == "Mozilla/5.0",
    )  # fmt: skip
    assert (summary.events, summary.bots, summary.published) == (1, 1, False)
    assert importing.events() == []


def test_the_salt_of_a_day_lives_as_long_as_the_events(
    importing: Importing, tmp_path: Path, redis_url: str
) -> None:
    path = written(tmp_path / "log", line(1))
    importing.run(path)
    with redis.Redis.from_url(redis_url) as store:
        key = salt_key("2015-05-17", imported=True)
        salt = store.get(key)
        assert isinstance(salt, bytes)
        assert len(salt) == 16
        assert 0 < int(str(store.ttl(key))) <= 400 * 86_400
        importing.run(path)
        assert store.get(key) == salt
    first, again = importing.events()
    assert first == again


def test_a_visitors_hit_and_the_line_about_it_have_one_pseudonym(
    importing: Importing, tmp_path: Path, redis_url: str
) -> None:
    now = datetime.now(UTC)
    today = int(now.timestamp()) // 86_400
    agent, address = "Mozilla/5.0", "198.51.100.7"
    stamp = now.strftime("%d/%b/%Y:%H:%M:%S +0000")
    path = written(tmp_path / "log", line(1).replace("17/May/2015:10:05:01 +0000", stamp))

    async def keys_and_salts() -> tuple[list[str], bool]:
        """Those of a collector that started before, and whether Redis gets its salt back."""
        salts = Salts(redis_url, 3_600_000)
        made = AddressKeys(importing.site.name, salts, logs_joined=True)
        await salts.start()
        found = made.of(address, agent, int(now.timestamp() * 1000))
        with redis.Redis.from_url(redis_url) as store:
            key = salt_key(now.date().isoformat(), imported=True)
            assert store.delete(key) == 1
            await salts._try_refresh()
            back = store.get(key) == salts.imported(today)
        await salts.stop()
        return found, back

    keys, back = asyncio.run(keys_and_salts())
    importing.run(path)
    assert [event.device_id for event in importing.events()] == keys[:1]
    assert back, "a Redis that has lost the salt gets it back"


def test_the_host_is_the_sites_first_or_the_one_given(importing: Importing, tmp_path: Path) -> None:
    path = written(tmp_path / "log", line(1))
    importing.run(path)
    importing.run(path, options=ImportOptions(host="Other.example"))
    assert [event.url for event in importing.events()] == [
        "https://shop.example/",
        "https://other.example/",
    ]


@pytest.mark.parametrize(
    ("options", "site", "message"),
    [
        (ImportOptions(), Site(name="t"), "names no hosts: say --site HOST"),
        (ImportOptions(host="https://x/"), Site(name="t"), "--site .* is no host"),
        (ImportOptions(follow=True, host="x.example"), Site(name="t"), "stdin cannot be followed"),
    ],
)
def test_options_that_cannot_be_meant_so(
    addresses: Settings, options: ImportOptions, site: Site, message: str
) -> None:
    with pytest.raises(WrongOptions, match=message):
        import_logs([Path("-")], options, addresses, site, lambda done, total: None)


def test_a_server_that_is_away_is_named(importing: Importing, tmp_path: Path) -> None:
    path = written(tmp_path / "log", line(1))
    offset = str(free_offset())
    nobody = Settings.from_environment({"FOOTFALL_PORT_OFFSET": offset})
    no_redis = Settings.from_environment(
        {"FOOTFALL_PORT_OFFSET": offset, "FOOTFALL_KAFKA": importing.settings.kafka}
    )
    for settings, message in ((nobody, "Kafka at .* did not"), (no_redis, "Redis at .* does not")):
        with pytest.raises(ServerAway, match=message):
            import_logs([path], ImportOptions(), settings, importing.site, lambda done, total: None)
    assert importing.events() == []


def test_what_stood_before_a_damage_is_imported(importing: Importing, tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    packed = gzip.compress(b"".join(line(n % 60, f"/{n}").encode() + b"\n" for n in range(100)))
    path.write_bytes(gzip.compress(line(1).encode() + b"\n") + packed[: len(packed) // 2])
    with pytest.raises(UnreadableFile, match="damaged gzip"):
        importing.run(path)


def test_following_until_stopped(importing: Importing, tmp_path: Path) -> None:
    now = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    fresh = [
        line(n, f"/{n}").replace("17/May/2015:10:05:0" + str(n) + " +0000", now) for n in (1, 2)
    ]
    path = written(tmp_path / "access.log", fresh[0])
    stop = threading.Event()
    summaries: list[Summary] = []

    def follow() -> None:
        options = ImportOptions(follow=True)
        summaries.append(importing.run(path, options=options, stopped=stop.is_set))

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        assert [event.url for event in _awaited(importing)] == ["https://shop.example/1"]
        with path.open("a") as log:
            log.write(fresh[1] + "\n" + fresh[1][:30])
        assert [event.url for event in _awaited(importing)] == ["https://shop.example/2"]
    finally:
        stop.set()
        follower.join(30)
    assert [(one.lines, one.events) for one in summaries] == [(2, 2)]


def _awaited(importing: Importing) -> list[Event]:
    deadline = time.monotonic() + 20
    while not (events := importing.events()):
        assert time.monotonic() < deadline, "nothing was published"
        time.sleep(0.05)
    return events


def _identities(events: list[Event]) -> list[tuple[str, str, int, str]]:
    return sorted((e.event_id, e.device_id, e.event_time, e.url) for e in events)
