"""Reads the site file: typed values, or every mistake with its line and what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from yaml.nodes import Node

from schemas import site_values as values
from schemas.bot_days import LARGEST_LIMIT
from schemas.event import Medium
from schemas.geo import NoGeoDatabase, describe
from schemas.site import (
    BotRules,
    Catalogue,
    ConsentRules,
    CookieRules,
    Geo,
    ReferrerRule,
    Retention,
    SessionRules,
    Site,
    SiteSearch,
    WriteKey,
)
from schemas.site_alerts import read_alerts
from schemas.site_experiments import read_experiments
from schemas.site_funnels import read_funnels
from schemas.site_homepage import read_homepage
from schemas.site_limits import read_limits
from schemas.site_money import read_currencies, read_value_tiers
from schemas.site_segments import read_lifecycle, read_segments
from schemas.site_yaml import Problem, Problems, Section, SiteFileError, compose, items, line_of

__all__ = ["Problem", "SiteFileError", "load"]

SECTIONS = (
    "version",
    "site",
    "origins",
    "cookie",
    "write_keys",
    "consent",
    "session",
    "identity",
    "retention",
    "bots",
    "limits",
    "geo",
    "site_search",
    "referrers",
    "catalogue",
    "funnels",
    "homepage",
    "experiments",
    "lifecycle",
    "value_tiers",
    "currencies",
    "segments",
    "alerts",
)


def load(path: Path) -> Site:
    """Raises SiteFileError holding every problem of the file."""
    problems = Problems(str(path))
    root = compose(path, problems)
    if root is None:
        problems.add(1, "the file is empty; it needs 'version: 1' and 'site'")
    file = Section(root, "", SECTIONS, problems, 1)
    site = _site(file, path)
    problems.raise_any()
    return site


def _site(file: Section, path: Path) -> Site:
    if "version" not in file:
        file.problems.add(1, "the file needs 'version: 1'")
    file.read("version", values.choice(("1",), "version"), "1")
    if "site" not in file:
        file.problems.add(1, "the file needs 'site'")
    about = file.open("site", ("name", "hosts", "timezone", "currency"))
    name = about.need("name", values.text, "") if "site" in file else ""
    identity = file.open("identity", ("horizon", "join_logs"))
    horizon_ms, retention = _retention(file, identity)
    experiments = read_experiments(file)
    funnels = read_funnels(file)
    segments = read_segments(file)
    currency = about.read("currency", values.currency, "")
    write_keys = _write_keys(file)
    return Site(
        name=name,
        hosts=about.many("hosts", values.host),
        timezone=about.read("timezone", values.timezone, "UTC"),
        currency=currency,
        origins=file.many("origins", values.origin),
        cookie=_cookie(file),
        write_keys=write_keys,
        consent=_consent(file),
        session=_session(file),
        identity_horizon_ms=horizon_ms,
        join_logs=identity.read("join_logs", values.truth, True),
        retention=retention,
        bots=_bots(file),
        geo=_geo(file, path.parent),
        site_search=_site_search(file),
        referrers=_referrers(file),
        catalogue=_catalogue(file, path.parent),
        funnels=funnels,
        homepage=read_homepage(file, experiments, segments),
        experiments=experiments,
        lifecycle=read_lifecycle(file),
        value_tiers=read_value_tiers(file),
        currencies=read_currencies(file, currency),
        segments=segments,
        alerts=read_alerts(file, funnels),
        limits=read_limits(file, write_keys),
    )


def _cookie(file: Section) -> CookieRules:
    section = file.open("cookie", ("name", "domain", "max_age"))
    # Browsers keep no cookie for longer than 400 days.
    max_age_ms = section.read("max_age", values.duration_within("1m", "400d"), 395 * values.DAY_MS)
    domain = section.read("domain", lambda text: values.host(text.removeprefix(".")), "")
    return CookieRules(
        name=section.read("name", values.cookie_name, "ff_id"),
        domain=domain,
        max_age_s=max_age_ms // 1000,
    )


def _list(file: Section, key: str, allowed: tuple[str, ...]) -> list[Section]:
    """The mappings of a list, each opened."""
    node: Node | None = file.node(key)
    if node is None:
        return []
    return [Section(item, key, allowed, file.problems, line_of(item)) for item in items(node)]


def _write_keys(file: Section) -> tuple[WriteKey, ...]:
    found: dict[str, WriteKey] = {}
    apps: set[str] = set()
    for section in _list(file, "write_keys", ("key", "kind", "app_ids")):
        key = section.need("key", values.write_key, "")
        kinds: tuple[Literal["server", "browser"], ...] = ("server", "browser")
        kind = section.need("kind", values.choice(kinds, "kind"), kinds[1])
        if key in found:
            file.problems.add(section.line, f"write_keys: key '{key}' stands twice")
        app_ids = section.many("app_ids", values.text)
        if app_ids and kind == "server":
            why = "everybody reads an application id, so it stands for a browser key only"
            file.problems.add(section.line, f"write_keys: {why}")
        for app_id in apps.intersection(app_ids):
            file.problems.add(section.line, f"write_keys: app_ids: {app_id!r} stands twice")
        apps.update(app_ids)
        found[key] = WriteKey(key=key, kind=kind, app_ids=app_ids)
    return tuple(found.values())


def _consent(file: Section) -> ConsentRules:
    section = file.open("consent", ("mode", "honour"))
    modes: tuple[Literal["opt-in", "opt-out", "none"], ...] = ("opt-in", "opt-out", "none")
    signals: tuple[Literal["gpc", "dnt"], ...] = ("gpc", "dnt")
    return ConsentRules(
        mode=section.read("mode", values.choice(modes, "mode"), "opt-in"),
        honour=section.many("honour", values.choice(signals, "signal"), ("gpc",)),
    )


def _session(file: Section) -> SessionRules:
    section = file.open("session", ("gap", "cut_on", "lateness"))
    default = SessionRules()
    return SessionRules(
        gap_ms=section.read("gap", values.duration_within("1s", "1d"), default.gap_ms),
        cut_on=section.many(
            "cut_on", values.choice(default.cut_on, "reason to cut"), default.cut_on
        ),
        lateness_ms=section.read("lateness", values.duration, default.lateness_ms),
    )


def _retention(file: Section, identity: Section) -> tuple[int, Retention]:
    """The identity horizon (ms) with the retention that must be at least as long."""
    section = file.open("retention", ("kafka", "events", "visitors"))
    default = Retention()
    kafka_ms = section.read("kafka", values.duration, default.kafka_ms)
    horizon_ms = identity.read("horizon", values.duration, min(kafka_ms, 35 * values.DAY_MS))
    if horizon_ms > kafka_ms:
        at = section.node("kafka") or identity.node("horizon")
        file.problems.add(
            at or section.line,
            f"retention.kafka ({kafka_ms // values.DAY_MS}d) is shorter than identity.horizon "
            f"({horizon_ms // values.DAY_MS}d); allowed: at least as long",
        )
    return horizon_ms, Retention(
        kafka_ms=kafka_ms,
        events_ms=section.read("events", values.duration, default.events_ms),
        visitors_ms=section.read("visitors", values.duration, default.visitors_ms),
    )


def _bots(file: Section) -> BotRules:
    section = file.open("bots", ("max_events_a_minute",))
    most = values.whole(20, LARGEST_LIMIT)
    default = BotRules().max_events_a_minute
    return BotRules(max_events_a_minute=section.read("max_events_a_minute", most, default))


def _geo(file: Section, folder: Path) -> Geo | None:
    section = file.open("geo", ("database",))
    if "geo" not in file:
        return None
    path = folder / section.need("database", values.text, "")
    if path != folder:
        at = section.node("database") or section.line
        try:
            describe(path)
        except NoGeoDatabase as error:
            file.problems.add(at, f"database in geo: {path} {error}")
        except OSError as error:
            file.problems.add(at, f"database in geo: {path}: {error.strerror}")
    return Geo(database=path)


def _site_search(file: Section) -> SiteSearch | None:
    section = file.open("site_search", ("path", "parameter"))
    if "site_search" not in file:
        return None
    return SiteSearch(
        path=section.need("path", values.path, "/"),
        parameter=section.need("parameter", values.text, ""),
    )


def _referrers(file: Section) -> tuple[ReferrerRule, ...]:
    media: tuple[Medium, ...] = get_args(Medium)
    found: dict[str, ReferrerRule] = {}
    for section in _list(file, "referrers", ("host", "source", "medium")):
        host = section.need("host", values.host_and_port, "")
        if host in found:
            file.problems.add(section.line, f"referrers: host '{host}' stands twice")
        found[host] = ReferrerRule(
            host=host,
            source=section.need("source", values.text, ""),
            medium=section.read("medium", values.choice(media, "medium"), "referral"),
        )
    return tuple(found.values())


def _catalogue(file: Section, folder: Path) -> Catalogue | None:
    section = file.open("catalogue", ("file", "id", "reload"))
    if "catalogue" not in file:
        return None
    name = section.need("file", values.text, "")
    path = folder / name
    if name and not path.is_file():
        file.problems.add(
            section.node("file") or section.line, f"file in catalogue: there is no file {path}"
        )
    return Catalogue(
        file=path,
        id=section.need("id", values.text, ""),
        reload_s=section.read("reload", values.duration_within("1s", "7d"), 300_000) // 1000,
    )
