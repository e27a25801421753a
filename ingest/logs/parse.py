"""Lines of a log as a table: what each says, and its fate.

Columns: `line` (without its end), `fate`, and where it was understood `client`, `vhost`, `target`,
`status`, `referrer`, `agent` (null where the format has none), `time_ms`.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from ingest.logs.formats import (
    DATA,
    EXTENSION,
    LINE,
    REQUEST,
    SHAPES,
    STATIC,
    TIME_FORMAT,
    Format,
)
from ingest.logs.summary import Skipped
from schemas.reasons import Reason

MAX_LINE = 32 * 1024
"""Longest line, in bytes, that is read; of a longer one this much is kept."""

PAGE = "page"
FAILED = "failed"
REFUSALS = (Reason.UNKNOWN_FORMAT, Reason.INVALID_TIME, Reason.TOO_LARGE)
FATES = (PAGE, FAILED, *Skipped, *REFUSALS)

YEAR_2000_MS = 946_684_800_000
AHEAD_MS = 86_400_000
"""A line from further in the future than a wrong clock explains has no valid time."""


def text_of(block: bytes) -> str:
    """Bytes that are not UTF-8 become `\\xff`, which is how Apache writes them itself."""
    return block.decode("utf-8", "backslashreplace")


def asks_robots_txt() -> pl.Expr:
    """Data, but it tells that who asks is a program; `target` or `path` of a request."""
    return pl.col("target").str.contains(r"^(?:[a-zA-Z]+://[^/]*)?/robots\.txt(?:[?#]|$)")


class Parser:
    """Makes tables of one import's lines. `hosts`: the site's own, for requests with a host."""

    def __init__(self, format: Format, hosts: tuple[str, ...], now_ms: Callable[[], int]) -> None:
        self._shape = SHAPES[format]
        own = "|".join(rf"(?:[a-z0-9-]+\.)*{pl.escape_regex(host)}" for host in hosts)
        self._own_host = rf"(?i)^https?://(?:{own})(?::\d+)?(/.*|$)"
        self._now_ms = now_ms

    def table(self, lines: list[str]) -> pl.DataFrame:
        line = pl.col("line")
        return (
            pl.DataFrame({"line": pl.Series(lines, dtype=pl.String)})
            .with_columns(line.str.strip_suffix("\r"))
            .with_columns(line.str.extract_groups(LINE).alias("found"))
            .unnest("found")
            .with_columns(
                pl.col("head").str.extract_groups(self._shape.head),
                pl.col("request").str.extract_groups(REQUEST).alias("parts"),
            )
            .unnest("head", "parts")
            .with_columns(
                pl.col("time").str.to_datetime(TIME_FORMAT, strict=False).dt.epoch("ms")
                .alias("time_ms"),
                pl.col("status").cast(pl.UInt16),
                pl.when(pl.col("target").str.starts_with("/"))
                .then("target")
                .otherwise(pl.col("target").str.extract(self._own_host))
                .alias("path"),
            )
            .with_columns(self._fate().alias("fate"))
            .with_columns(pl.col("path").replace("", "/").alias("target"))
            .select("line", "fate", "client", "vhost", "target", "status", "referrer", "agent",
                    "time_ms")
        )  # fmt: skip

    def _is_other_shape(self) -> pl.Expr:
        if self._shape.agent is None:
            return pl.lit(False)
        return pl.col("agent").is_not_null() != self._shape.agent

    def _fate(self) -> pl.Expr:
        ending = pl.col("path").str.extract(EXTENSION).str.to_lowercase()
        status, time_ms = pl.col("status"), pl.col("time_ms")
        rules: tuple[tuple[pl.Expr, str], ...] = (
            (pl.col("line").str.len_bytes() > MAX_LINE, Reason.TOO_LARGE),
            (pl.col("line").str.strip_chars() == "", Skipped.BLANK),
            (pl.col("client").is_null() | self._is_other_shape(), Reason.UNKNOWN_FORMAT),
            (
                time_ms.is_null() | ~time_ms.is_between(YEAR_2000_MS, self._now_ms() + AHEAD_MS),
                Reason.INVALID_TIME,
            ),
            (pl.col("request").is_in(["-", ""]), Skipped.NO_REQUEST),
            (pl.col("method").is_null(), Skipped.NOT_HTTP),
            (pl.col("method") != "GET", Skipped.NOT_GET),
            (pl.col("target").str.contains("^[a-zA-Z]+://") & pl.col("path").is_null(),
             Skipped.OTHER_HOST),
            (pl.col("path").is_null(), Skipped.NOT_HTTP),
            (ending.is_in(STATIC), Skipped.STATIC),
            (ending.is_in(DATA) & ~asks_robots_txt(), Skipped.DATA),
            (status.is_between(200, 299) | (status == 304), PAGE),
            (status.is_between(300, 399), Skipped.REDIRECT),
            (status.is_between(400, 599), FAILED),
        )  # fmt: skip
        fate: pl.Expr = pl.lit(Skipped.NOT_HTTP.value)
        for condition, name in reversed(rules):
            fate = pl.when(condition).then(pl.lit(str(name))).otherwise(fate)
        return fate.cast(pl.Enum([str(name) for name in FATES]))
