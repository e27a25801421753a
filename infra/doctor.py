"""Looking at every server and service once, and saying what is wrong with it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import msgspec
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from redis import Redis
from redis.exceptions import RedisError

from infra.drain import Lag, lags
from infra.live_state import trouble
from infra.positions import Unreachable
from infra.topics import MigrationError
from schemas.catalogue_file import read as read_catalogue
from schemas.catalogue_problems import CatalogueError
from schemas.geo import describe
from schemas.heartbeat import Heartbeat, StageView, read_heartbeats, services_of, stages_of
from schemas.redis_keys import HEARTBEATS_KEY
from schemas.settings import ConfigurationError, Settings
from schemas.site import Site
from schemas.site_version import digest_of
from schemas.topics import ALL
from sinks.clickhouse.client import connect
from sinks.clickhouse.errors import SinkError, classified
from sinks.clickhouse.retention import deviations
from sinks.redis.due import age_s

_TIMEOUT_S = 3
_DAY_MS = 86_400_000
_OLD_PICKS_S = 6 * 3600
_FOLLOWING = ("collect", "personalize")
"""Services that take a changed site file by themselves."""

_MEND = {
    **dict.fromkeys(_FOLLOWING, "it refused that one, or reads another file (FOOTFALL_SITE)"),
    "stream": "what it counts by is what it began with; restart it where that has changed",
}


class Check(msgspec.Struct):
    what: str
    ok: bool
    state: str
    figures: dict[str, object] = {}  # what `state` says, for machines

    def as_dict(self) -> dict[str, object]:
        return {"what": self.what, "ok": self.ok, "state": self.state, **self.figures}


def examine(
    settings: Settings,
    read_site: Callable[[], Site],
    site_file: Callable[[], Path] | None = None,
) -> list[Check]:
    """Every check is made whatever the others say.

    `read_site`, and `site_file`, which tells where it is, may raise ConfigurationError.
    """
    checks = [
        _check(f"Kafka at {settings.kafka}", lambda: _kafka(settings)),
        _check("Redis", lambda: _redis(settings)),
        _check("ClickHouse", lambda: _clickhouse(settings)),
        _check("retention", lambda: _retention(settings, read_site())),
        _check("geo database", lambda: _geo(read_site())),
        _check("catalogue", lambda: _catalogue(read_site())),
        _check("picks", lambda: _picks(settings)),
    ]
    ports = settings.ports
    for name, port in (
        ("collect", ports.collect),
        ("stream", ports.stream),
        ("sink", ports.sink),
        ("personalize", ports.personalize),
    ):
        checks.append(service_check(name, settings.url(port)))
    beats = _heartbeats(settings)
    checks += services(beats, _now_ms(), _digest(site_file))
    if checks[0].ok and checks[1].ok:
        checks.append(_check("live state", lambda: _live_state(settings)))
        checks += _lags(settings, beats)
    return checks


def service_check(name: str, url: str) -> Check:
    """One service by what it says of itself at `url`."""
    return _check(f"footfall {name}", lambda: _ready(f"{url}/ready"))


class _Bad(Exception):
    pass


def _check(what: str, look: Callable[[], str]) -> Check:
    try:
        return Check(what, True, look())
    except (
        _Bad,
        KafkaException,
        RedisError,
        SinkError,
        Unreachable,
        ConfigurationError,
        OSError,
    ) as error:
        return Check(what, False, " ".join(str(error).split())[:200])


def _kafka(settings: Settings) -> str:
    admin = AdminClient({"bootstrap.servers": settings.kafka, "log_level": 0})
    metadata = admin.list_topics(timeout=_TIMEOUT_S)
    missing = [topic.name for topic in ALL if topic.name not in metadata.topics]
    if missing:
        raise _Bad(f"topics are missing: {', '.join(missing)}; run: footfall migrate")
    return f"{len(metadata.brokers)} broker(s), all topics there"


def _redis(settings: Settings) -> str:
    with Redis.from_url(settings.redis_url, socket_timeout=_TIMEOUT_S) as redis:
        info = redis.info()
    return (
        f"{info.get('server_name', 'redis')} {info['redis_version']}, "
        f"{info['used_memory_human']} used, persistence "
        f"{'on' if info.get('aof_enabled') else 'off'}"
    )


def _live_state(settings: Settings) -> str:
    try:
        found = trouble(settings)
    except (MigrationError, ConfigurationError) as error:
        raise _Bad(str(error)) from error
    if found:
        raise _Bad(found)
    return "fits what Kafka has"


def _clickhouse(settings: Settings) -> str:
    address = settings.clickhouse
    with classified():
        client = connect(address)
        try:
            version = client.execute("SELECT version()")[0][0]
            tables = client.execute(
                "SELECT count() FROM system.tables WHERE database = {db:String}",
                {"db": address.database},
            )[0][0]
        finally:
            client.disconnect()
    if not tables:
        raise _Bad(f"{version}, but no tables in {address.database}; run: footfall migrate")
    return f"{version}, {tables} tables and views in {address.database}"


def _retention(settings: Settings, site: Site) -> str:
    with classified():
        client = connect(settings.clickhouse)
        try:
            found = deviations(client, site.retention)
        finally:
            client.disconnect()
    if found:
        tables = ", ".join(deviation.table for deviation in found)
        raise _Bad(
            f"{tables}: kept for another time than the site file says; run: footfall migrate"
        )
    events, kafka = site.retention.events_ms, site.retention.kafka_ms
    return f"events {events / _DAY_MS:g} days in ClickHouse, {kafka / _DAY_MS:g} in Kafka"


def _geo(site: Site) -> str:
    if site.geo is None:
        return "none, so countries stay empty; the site file names one: geo: {database: FILE}"
    return describe(site.geo.database)


def _catalogue(site: Site) -> str:
    if site.catalogue is None:
        return "none, so picks are products that events have named"
    try:
        found = read_catalogue(site.catalogue.file, site.catalogue.id)
    except CatalogueError as error:
        raise _Bad(f"{error}; see: footfall check") from error
    return f"{len(found)} products in {site.catalogue.file.name}"


def _picks(settings: Settings) -> str:
    with Redis.from_url(settings.redis_url, socket_timeout=_TIMEOUT_S) as redis:
        age = age_s(redis)
    if age is None:
        return "not trained yet: the sink does it by itself, or footfall picks train"
    if age > _OLD_PICKS_S:
        raise _Bad(f"trained {age / 3600:.0f} hours ago; does footfall sink run?")
    return f"trained {age / 60:.0f} minutes ago"


def _ready(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            site = json.load(answer).get("site") or {}
    except urllib.error.HTTPError as error:
        with error:
            body = error.read(300).decode(errors="replace")
        try:
            waits_for = json.loads(body).get("waits_for") or body
        except (ValueError, AttributeError):
            waits_for = body
        raise _Bad(f"not ready: {waits_for}") from error
    except urllib.error.URLError as error:
        raise _Bad(f"no answer at {url}: {error.reason}") from error
    except (ValueError, AttributeError) as error:
        raise _Bad(f"what answers at {url} is none of ours") from error
    if wrong := site.get("error"):
        raise _Bad(f"ready, by the site file of {site['since']}; the new one is not used: {wrong}")
    return f"ready at {url.removesuffix('/ready')}"


def _heartbeats(settings: Settings) -> list[Heartbeat]:
    """None where Redis is away: that is told by its own check."""
    try:
        with Redis.from_url(settings.redis_url, socket_timeout=_TIMEOUT_S) as redis:
            return read_heartbeats(cast(list[bytes], redis.hvals(HEARTBEATS_KEY)), _now_ms())
    except RedisError:
        return []


def _digest(site_file: Callable[[], Path] | None) -> str:
    """'' where there is no file to be read."""
    try:
        return digest_of(site_file()) if site_file is not None else ""
    except (ConfigurationError, OSError):
        return ""


def services(beats: Sequence[Heartbeat], now_ms: int, digest: str) -> list[Check]:
    """Each instance that has said something lately. `digest`: of the site file that is here."""
    checks = []
    for view in services_of(beats, now_ms):
        heard_s, up_s = (now_ms - view.at) / 1000, (view.at - view.started_at) / 1000
        state = f"{'alive' if view.state == 'ok' else view.state}, heard of {heard_s:.1f} s ago"
        if view.state == "ok":
            state += f", up {_span(up_s)}"
        differs = bool(view.site and digest and view.site != digest)
        if view.site:
            state += f", site file {view.site}"
        if differs:
            state += f", here it is {digest}: {_MEND[view.service]}"
        figures: dict[str, object] = {
            "service": view.service,
            "instance": view.instance,
            "heard_s": round(heard_s, 1),
            "up_s": round(up_s),
            "site": view.site,
            "site_differs": differs,
        }
        what = f"{view.service} {view.instance}"
        is_bad = differs and view.service in _FOLLOWING
        checks.append(Check(what, view.state == "ok" and not is_bad, state, figures))
    return checks


def _span(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _lags(settings: Settings, beats: Sequence[Heartbeat]) -> list[Check]:
    """Records by what Kafka says; how old the oldest is, by what the stage says."""
    try:
        rows = lags(settings)
    except Unreachable as error:
        return [Check("consumers", False, str(error))]
    known = {view.name: view for view in stages_of(beats, _now_ms())}
    return [_lag(row, known.get(f"{row.by}.{row.topic.removeprefix('footfall.')}")) for row in rows]


def _lag(row: Lag, view: StageView | None) -> Check:
    what, state = f"{row.by} of {row.topic}", f"{row.records} records behind"
    figures: dict[str, object] = {"behind": row.records, "behind_s": None}
    if view is None:
        return Check(what, True, f"{state}; nobody says how long", figures)
    figures["behind_s"] = view.behind_s
    if view.state == "silent":
        since_s = (_now_ms() - view.at) / 1000
        return Check(what, False, f"{state}; silent for {_span(since_s)}", figures)
    oldest = f", the oldest for {view.behind_s:.1f} s" if view.behind_s else ""
    return Check(what, True, f"{state}{oldest}", figures)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
