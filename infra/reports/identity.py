"""identity --truth: who ClickHouse says made every event, against who really did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import polars as pl
from clickhouse_driver import Client

from infra.reports.agreement import Agreement, agreement
from infra.reports.evidence import LOG, Evidences, evidences
from infra.reports.truth_file import EVIDENCE, TruthError, read_truth
from schemas.identifiers import NODE_PREFIXES
from schemas.ids import RESERVED_PREFIXES

_DAY_MS = 86_400_000
_BLOCK = 100_000  # rows: what is held of ClickHouse's answer beside the truth
_FOUND = {
    "event_id": pl.String,
    "found_device": pl.String,
    "found_person": pl.String,
    "found_session": pl.String,
    "is_bot": pl.Boolean,
    "inside": pl.Boolean,
}

# A day on either side, since the pipeline corrects clocks that are wrong.
_QUERY = f"""
SELECT
    toString(event_id), device_id, ifNull(toString(person_id), ''),
    ifNull(toString(session_id), ''), is_bot,
    event_time >= fromUnixTimestamp64Milli({{since:Int64}}, 'UTC')
        AND event_time <= fromUnixTimestamp64Milli({{until:Int64}}, 'UTC')
FROM events_all
WHERE event_time >= fromUnixTimestamp64Milli({{since:Int64}} - {_DAY_MS}, 'UTC')
    AND event_time <= fromUnixTimestamp64Milli({{until:Int64}} + {_DAY_MS}, 'UTC')
"""
_REJECTED = "SELECT DISTINCT event_id FROM rejected WHERE event_id != ''"


class Groups(msgspec.Struct, frozen=True, kw_only=True):
    """How the humans of the truth are spread over persons (or visits over sessions)."""

    as_one: int  # humans whose events are one person's
    as_several: int
    as_none: int  # humans of whose events none has a person
    fused: int  # persons that hold events of several humans
    largest: int  # most humans in one person; 0: no person at all


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Persons, or sessions, of events that carry a device and a consent.

    Against the truth, and against what the rules entail of what was sent (None: not told); by
    these the lines of a web server's log are judged too.
    """

    true: int
    found: int
    entailed: int | None
    against_truth: Agreement
    against_rules: Agreement | None
    groups: Groups
    entailed_groups: Groups | None


class IdentityComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Events are counted once each; `twice` are those that ClickHouse holds more than once."""

    since_ms: int  # first and last event of the truth
    until_ms: int
    events: int
    missing: int  # not in events_all
    rejected: int  # of these, those that are in `rejected`
    twice: int
    other_device: int  # recognized events that were found under another device than they carry
    others: int  # events in ClickHouse between since and until of which the truth says nothing
    recognized: int  # found events of visitors that carry a device and a consent
    persons: Comparison
    sessions: Comparison  # of events in a browser or an app
    evidences: Evidences | None  # None: not told
    bots: int  # found events that bots made
    bots_flagged: int
    visitors: int  # found events that humans made
    visitors_flagged: int
    refused: int  # found events of humans who refuse
    refused_with_person: int

    @property
    def lost(self) -> int:
        """Events without a fate: neither stored nor rejected."""
        return self.missing - self.rejected


def compare_identity(
    client: Client,
    truth: Path | Sequence[Path] | pl.DataFrame,
    since_ms: int | None = None,
    until_ms: int | None = None,
) -> IdentityComparison:
    """Looks every event of the truth up in `events_all`.

    `truth`: files, or what `read_truth` gives. since, until: only its events in [since, until).
    A million events take seconds and some hundred MB. `client`: made by `connect`.
    Raises TruthError, clickhouse_driver.errors.Error, OSError.
    """
    if not isinstance(truth, pl.DataFrame):
        truth = read_truth([truth] if isinstance(truth, Path) else truth)
    if since_ms is not None:
        truth = truth.filter(pl.col("event_time") >= since_ms)
    if until_ms is not None:
        truth = truth.filter(pl.col("event_time") < until_ms)
    if truth.is_empty():
        raise TruthError("the truth has no events in that time")
    first, last = _ends(truth)
    found, others = _found(client, truth, first, last)
    missing = truth.join(found, on="event_id", how="anti")
    once = _once(truth, found)
    visitors = once.filter(pl.col("kind") == "visitor")
    refused = visitors.filter(pl.col("consent") == "denied")
    bots = once.filter(pl.col("kind") == "bot")
    agreed = visitors.filter(pl.col("consent") == "granted")
    recognized = agreed.filter(pl.col("device_id") != "")
    # which node an identifier has depends on the stack's secret
    nodes = pl.any_horizontal(pl.col("device_id").str.starts_with(p) for p in NODE_PREFIXES)
    backend = pl.any_horizontal(pl.col("device_id").str.starts_with(p) for p in RESERVED_PREFIXES)
    browsing = recognized.filter(~backend)
    with_lines = recognized
    if EVIDENCE in agreed.columns:
        with_lines = agreed.filter((pl.col("device_id") != "") | (pl.col(EVIDENCE) == LOG))
    return IdentityComparison(
        since_ms=first,
        until_ms=last,
        events=truth.height,
        missing=missing.height,
        rejected=_rejected(client, missing) if missing.height else 0,
        twice=found.filter(pl.col("event_id").is_duplicated())["event_id"].n_unique(),
        other_device=_count(
            recognized.filter(~nodes), pl.col("device_id") != pl.col("found_device")
        ),
        others=others,
        recognized=recognized.height,
        persons=_compare(recognized, "person", with_lines),
        sessions=_compare(browsing, "session", browsing),
        evidences=evidences(agreed) if EVIDENCE in agreed.columns else None,
        bots=bots.height,
        bots_flagged=_count(bots, pl.col("is_bot")),
        visitors=visitors.height,
        visitors_flagged=_count(visitors, pl.col("is_bot")),
        refused=refused.height,
        refused_with_person=_count(refused, pl.col("found_person") != ""),
    )


def _ends(truth: pl.DataFrame) -> tuple[int, int]:
    times = truth["event_time"]
    first, last = times.min(), times.max()
    return (first, last) if isinstance(first, int) and isinstance(last, int) else (0, 0)


def _found(
    client: Client, truth: pl.DataFrame, since_ms: int, until_ms: int
) -> tuple[pl.DataFrame, int]:
    """The rows of the truth's events, and how many others there are between since and until."""
    asked = truth.select("event_id")
    parts, others = [pl.DataFrame(schema=_FOUND)], 0
    for block in _blocks(client, _QUERY, {"since": since_ms, "until": until_ms}, _FOUND):
        matching = block.join(asked, on="event_id", how="semi")
        parts.append(matching)
        others += _count(block, pl.col("inside")) - _count(matching, pl.col("inside"))
    return pl.concat(parts).drop("inside"), others


def _rejected(client: Client, missing: pl.DataFrame) -> int:
    found = 0
    for block in _blocks(client, _REJECTED, {}, {"event_id": pl.String}):
        found += block.join(missing, on="event_id", how="semi").height
    return found


def _blocks(
    client: Client,
    query: str,
    parameters: dict[str, object],
    schema: dict[str, type[pl.DataType]],
) -> Iterator[pl.DataFrame]:
    """The answer in parts, never all of it in Python's objects."""
    rows = client.execute_iter(query, parameters, chunk_size=_BLOCK)
    return (pl.DataFrame(block, schema=schema, orient="row") for block in rows)


def _once(truth: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """The truth's events that were found, each once; of several that of its own device."""
    return (
        truth.join(found, on="event_id", how="inner")
        .sort(pl.col("device_id") != pl.col("found_device"), "found_device")
        .unique("event_id", keep="first", maintain_order=True)
    )


def _compare(events: pl.DataFrame, what: str, by_rules: pl.DataFrame) -> Comparison:
    """`by_rules`: the events that are judged by what the rules entail."""
    found, entailed = f"found_{what}", f"entailed_{what}"
    told = entailed in events.columns
    return Comparison(
        true=_different(events, what),
        found=_different(events, found),
        entailed=_different(events, entailed) if told else None,
        against_truth=agreement(events, found, what),
        against_rules=agreement(by_rules, found, entailed) if told else None,
        groups=_groups(events, what, found),
        entailed_groups=_groups(events, what, entailed) if told else None,
    )


def _groups(events: pl.DataFrame, human: str, person: str) -> Groups:
    known = pl.col(person).filter(pl.col(person) != "")
    persons = events.group_by(human).agg(known.n_unique().alias("n"))
    humans = events.filter(pl.col(person) != "").group_by(person).agg(n=pl.col(human).n_unique())
    largest = humans["n"].max()
    return Groups(
        as_one=_count(persons, pl.col("n") == 1),
        as_several=_count(persons, pl.col("n") > 1),
        as_none=_count(persons, pl.col("n") == 0),
        fused=_count(humans, pl.col("n") > 1),
        largest=largest if isinstance(largest, int) else 0,
    )


def _different(events: pl.DataFrame, column: str) -> int:
    return events.filter(pl.col(column) != "")[column].n_unique()


def _count(events: pl.DataFrame, condition: pl.Expr) -> int:
    return events.filter(condition).height
