"""From understood lines to events, and from the others to rejected records.

Ids are derived from the site, the line and its count among equal lines, so that importing a file
again gives the same events (design.md section 4).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from ingest.collector.addresses import readable, truncated
from ingest.collector.pseudonym import DAY_MS, pseudonym
from ingest.logs import escapes
from ingest.logs.parse import FAILED, MAX_LINE, PAGE, REFUSALS
from schemas.event import Event, Rejected
from schemas.ids import uuid5
from schemas.reasons import Reason

PAGE_FAILED = "Page Failed"
"""Name of the event (type track) for a page that was answered 4xx or 5xx."""

AGENT_NOT_LOGGED = "agent_not_logged"
"""Note of an event whose log format has no user agent: its absence says nothing."""

_DETAIL = {
    Reason.UNKNOWN_FORMAT: "the line is in no format that was asked for",
    Reason.INVALID_TIME: "the time cannot be read, or lies before 2000 or in the future",
    Reason.TOO_LARGE: f"longer than {MAX_LINE} bytes; so many are kept",
}


_WHO = ("day", "client", "agent")
_MAX_VISITORS = 200_000
_NO_NOTES: list[str] = []

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"((?:{_OCTET}\.){{3}}){_OCTET}", re.ASCII)


def is_event() -> pl.Expr:
    return pl.col("fate").is_in([PAGE, FAILED])


def agent_of(logged: str | None) -> str:
    """The user agent as it was sent; '' where there was none, or the format has none."""
    return "" if logged is None or logged == "-" else escapes.text_of(logged)


def addresses_of(client: str) -> tuple[str, str]:
    """What a pseudonym is made of, and the truncated address; '' for a host's name."""
    if match := _IPV4.fullmatch(client):  # a tenth of the time of the general way
        return client, match[1] + "0"
    address = readable(client)
    return address or client, truncated(address)


def days_of(table: pl.DataFrame) -> list[int]:
    """UTC days since 1970 of the table's events."""
    return (table["time_ms"] // DAY_MS).unique().to_list()


class Visitor(NamedTuple):
    """What is kept of who asked: without consent a pseudonym of that day, and a network."""

    device_id: str
    network: str  # '' where the log names hosts
    agent: str


class EventMaker:
    """Makes the events of one import. The host is that of lines that name none."""

    def __init__(self, site: str, host: str) -> None:
        self._site = site
        self._host = host
        self._visitors: dict[tuple[int, str, str | None], Visitor] = {}

    def events(self, table: pl.DataFrame, salts: Mapping[int, bytes]) -> Iterator[Event]:
        """Events in order of time. `salts` by UTC day.

        The table holds events only, with `n`, the count of equal lines.
        """
        rows = self._ready(table.sort("time_ms", maintain_order=True))
        visitors = self._visitors_of(rows, salts)
        site = self._site
        columns = ("line", "n", "time_ms", "who", "url", "referrer", "status", "fate", "noted")
        for line, n, time_ms, who, url, referrer, status, fate, noted in zip(
            *(rows[name].to_list() for name in columns), strict=True
        ):
            visitor = visitors[who]
            yield Event(
                event_id=uuid5("log", site, line, n),
                event_time=time_ms,
                received_at=time_ms,
                type="page" if fate == PAGE else "track",
                name="Page Viewed" if fate == PAGE else PAGE_FAILED,
                protocol="log",
                device_id=visitor.device_id,
                site=site,
                url=url,
                referrer=referrer,
                ip=visitor.network,
                user_agent=visitor.agent,
                http_status=status,
                notes=_NO_NOTES if noted else [AGENT_NOT_LOGGED],
            )

    def _ready(self, table: pl.DataFrame) -> pl.DataFrame:
        """With `url`, `referrer`, `day`, and `who`: the same number for the same visitor."""
        host = pl.col("vhost").str.replace(r":\d+$", "").fill_null(self._host)
        rows = table.with_columns(
            pl.concat_str(pl.lit("https://"), host, "target").alias("url"),
            pl.col("referrer").fill_null("").replace("-", ""),
            (pl.col("time_ms") // DAY_MS).alias("day"),
            pl.col("agent").is_not_null().alias("noted"),
        )
        for name in ("url", "referrer"):
            if rows[name].str.contains("\\", literal=True).any():
                urls = pl.col(name).map_elements(escapes.url_of, return_dtype=pl.String)
                rows = rows.with_columns(urls)
        who = rows.select(*_WHO).unique(maintain_order=True).with_row_index("who")
        return rows.join(who, on=_WHO, nulls_equal=True, how="left", maintain_order="left")

    def _visitors_of(self, rows: pl.DataFrame, salts: Mapping[int, bytes]) -> dict[int, Visitor]:
        if len(self._visitors) > _MAX_VISITORS:
            self._visitors.clear()
        found: dict[int, Visitor] = {}
        for who, *key in rows.select("who", *_WHO).unique("who").iter_rows():
            day, client, logged_agent = key
            visitor = self._visitors.get((day, client, logged_agent))
            if visitor is None:
                agent = agent_of(logged_agent)
                address, network = addresses_of(client)
                device_id = pseudonym(salts[day], self._site, address, agent)
                visitor = Visitor(device_id, network, agent)
                self._visitors[day, client, logged_agent] = visitor
            found[who] = visitor
        return found


def rejected_of(
    table: pl.DataFrame, originals: Sequence[bytes], site: str, now_ms: int
) -> Iterator[Rejected]:
    """Records of the lines that were refused; `row` is their position in `originals`."""
    columns = ("row", "line", "n", "fate")
    for row, line, n, fate in zip(*(table[name].to_list() for name in columns), strict=True):
        reason = Reason(fate)
        yield Rejected(
            rejected_id=uuid5("log-rejected", site, line, n),
            rejected_at=now_ms,
            reason=reason,
            detail=_DETAIL[reason],
            protocol="log",
            original=originals[row][:MAX_LINE],
        )


def is_refusal() -> pl.Expr:
    return pl.col("fate").is_in([str(reason) for reason in REFUSALS])
